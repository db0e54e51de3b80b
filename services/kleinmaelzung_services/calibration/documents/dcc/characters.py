"""Which texts XML cannot hold: whatever has texts in; an error out that names the field and the character. Pure.

XML 1.0 has no way to write most control characters, not even escaped: a file with one cannot be read by anybody.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

from kleinmaelzung_services.calibration.errors import CalibrationError

_IMPOSSIBLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
_SHOWN: Final = 20


def check(field: str, found: object) -> None:
    """Raises CalibrationError for the first character that cannot be written."""
    for path, text in _texts(field, found):
        if wrong := _IMPOSSIBLE.search(text):
            at = wrong.start()
            rule = f"XML cannot hold U+{ord(wrong[0]):04X}, its character {at + 1}"
            raise CalibrationError(path, text[max(0, at - _SHOWN) : at + _SHOWN], rule, "take it out")


def _texts(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple):
        if value and isinstance(value[0], int | float):
            return  # samples, of which there may be millions
        for index, each in enumerate(value):
            yield from _texts(f"{path}[{index}]", each)
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from _texts(f"{path}.{each.name}", getattr(value, each.name))
