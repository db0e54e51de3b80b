"""What an instrument says of itself: its words, the serial number among them, a pattern for all of its make. Pure.

'I4 A "B021002593"' --words(), guess()--> B021002593 --propose()--> 'I4 +A +"(?P<serial>[^...]+)"'
"""

import re
from collections.abc import Sequence
from typing import Final

from kleinmaelzung_agent.trying.words import Word

_WORD: Final = re.compile(r"""[^\s,;:="'()<>\[\]]+""")
_ANY: Final = r"""[^\s,;:="'()<>\[\]]+"""
_SPECIAL: Final = re.compile(r"([\\.^$*+?{}\[\]|()])")
_LABEL: Final = re.compile(r"S/?N|SN[ro]|SER(?:IAL)?[a-z]*|NO|NR", re.IGNORECASE)
_VERSION: Final = re.compile(r"[A-Za-z]{0,3}[0-9]+(?:\.[0-9]+)+\S*")
_ASKS: Final = re.compile(
    r"\W*(?:I[0-9]{1,2}|\w*(?:ID|IDN|SN|SER|SERIAL|VER|VERSION|MODEL|TYPE)\w{0,2})\W*", re.IGNORECASE
)
_IDN_FIELDS: Final = 4  # IEEE 488.2: maker, model, serial number, firmware
_SERIAL_FIELD: Final = 2


def is_asked(text: str) -> bool:
    """Whether it looks like the question who it is: `*IDN?`, `I4`, `ID?`."""
    return _ASKS.fullmatch(text) is not None


def is_told(line: str) -> bool:
    """Whether it may be an answer to that: letters and digits."""
    return bool(re.search(r"[^\W\d_]", line) and re.search(r"[0-9]", line))


def words(line: str) -> list[Word]:
    """What a person can point at: all between spaces, commas and quotes."""
    return [Word(one[0], "word", one.start()) for one in _WORD.finditer(line)]


def guess(line: str, said: Sequence[Word]) -> int | None:
    """Which word is the serial number: of four columns the third, else behind its name, else the most digits."""
    columns = line.split(",")
    if len(columns) == _IDN_FIELDS:
        begin = len(",".join(columns[:_SERIAL_FIELD])) + 1
        third = [index for index, word in enumerate(said) if begin <= word.at < begin + len(columns[_SERIAL_FIELD])]
        return third[0] if len(third) == 1 and said[third[0]].text != "0" else None
    for index, word in enumerate(said[1:], 1):
        if _LABEL.fullmatch(said[index - 1].text.rstrip(".")) and re.search(r"[0-9]", word.text):
            return index
    digits = [0 if _VERSION.fullmatch(word.text) else len(re.findall(r"[0-9]", word.text)) for word in said]
    most = max(digits, default=0)
    return digits.index(most) if most >= 3 else None


def propose(line: str, said: Sequence[Word], serial: int | None) -> str:
    """Its words as they are, but for versions, and behind the serial number for all that has a digit."""
    parts, at = [], 0
    for index, word in enumerate(said):
        parts.append(_between(line[at : word.at]))
        is_behind = serial is not None and index > serial
        if index == serial:
            parts.append(f"(?P<serial>{_ANY})")
        elif _VERSION.fullmatch(word.text) or (is_behind and re.search(r"[0-9]", word.text)):
            parts.append(_ANY)
        else:
            parts.append(_escaped(word.text))
        at = word.at + len(word.text)
    return "".join([*parts, _between(line[at:])])


def _between(text: str) -> str:
    return re.sub(" +", " +", _escaped(text))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
