"""What can go wrong with the laboratory. Each message is a sentence for people that says what to do."""

from collections.abc import Sequence


class Error(Exception):
    """Whatever this library raises on purpose."""


class SettingsError(Error):
    """Address, user or password is missing or makes no sense; nothing was tried."""


class NotReachable(Error):
    """There is no connection, so nothing was sent."""


class NotLoggedIn(Error):
    """The server does not know this user with this password, or no longer."""


class ConnectionLost(Error):
    """The connection ended before the answer came: what was asked may have been done or not."""


class ControlLost(Error):
    """Sole control of an instrument ended before the block that held it: taken over, released, or not extended."""


class NotAccepted(Error):
    """Nothing was done, for the reasons in `mistakes`: a sentence for each, with what to do."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class Refused(Error):
    """The server said no; nothing was done. `code` is one of the contract's: not-permitted, unknown, limit ...

    With code "timeout" it is not known whether anything was done: a service did not answer in time.
    """

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.code = code
