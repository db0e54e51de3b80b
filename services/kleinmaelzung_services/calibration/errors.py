"""What is impossible in a calibration, said so that it can be put right: the field, its value, the rule, what to do."""

from typing import Final

_MAX_VALUE: Final = 60


class CalibrationError(ValueError):
    """An input from which no number can be calculated honestly."""

    def __init__(self, field: str, value: object, rule: str, remedy: str) -> None:
        self.field, self.value, self.rule, self.remedy = field, value, rule, remedy
        super().__init__(f"{field} is {_shown(value)}, but {rule}: {remedy}")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return plain if len(plain) <= _MAX_VALUE else f"{plain[: _MAX_VALUE - 3]}..."
