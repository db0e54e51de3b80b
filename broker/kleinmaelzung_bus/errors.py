"""What can go wrong between us and the broker."""


class BusError(Exception):
    """The broker could not do what was asked, or is not there."""


class BusLost(BusError):
    """The connection to the broker has ended. `code` is the broker's reason code, 0 where it gave none."""

    def __init__(self, sentence: str, code: int = 0) -> None:
        super().__init__(sentence)
        self.code = code


class NotPermitted(BusError):
    """The broker refused: wrong credentials at connect, or no right to publish or subscribe there."""
