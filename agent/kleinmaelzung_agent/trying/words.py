"""The words of a line, which a person can point at, and a pattern for lines of the same form. Pure.

    "S S     100.00 g" --split()--> S, S, 100.00, g --propose(lines, marked)--> a regular expression with groups

What is a number in the example may be any number; a word stays as it is, unless other lines have another one there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["number", "word", "sign", "space"]

_COMMA = re.compile(r"[0-9],[0-9]")
_NUMBER_BEHIND: Final = {
    ".": r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
    ",": r"(?:[0-9]+(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]+)?",
}
_WORD: Final = r"[^\W\d_]\w*(?:/\w+)?|[%°'µ]+[^\W\d_]*[\w²³]*"
_TOKENS: Final = {
    mark: re.compile(
        rf"(?P<space>[ \t]+)|(?P<number>(?:[+-] *)?{number})|(?P<word>{_WORD})|(?P<sign>.)",
        re.DOTALL,
    )
    for mark, number in _NUMBER_BEHIND.items()
}
_WRITTEN: Final = {".": r"[+-]? *[0-9.]+", ",": r"[+-]? *[0-9,]+"}  # some send the sign apart: "-  0.25"
_EXPONENT: Final = "(?:[eE][+-]?[0-9]+)?"
_SAME_UNITS: Final = {"'C": "°C", "'F": "°F", "degC": "°C", "ºC": "°C", "C": "°C"}

_CHANNELS: Final = {
    "weight": ("g", "kg", "mg", "ct", "lb", "oz", "GN"),
    "temperature": ("°C", "C", "K", "°F", "F", "degC", "'C"),
    "humidity": ("%RH", "%rH", "RH", "rF"),
    "moisture": ("%M", "%MC"),
    "pressure": ("bar", "mbar", "hPa", "Pa", "kPa", "MPa", "Torr", "psi", "mmHg"),
    "ph": ("pH", "PH"),
    "voltage": ("V", "mV", "VDC", "VAC", "kV"),
    "current": ("A", "mA", "uA", "µA"),
    "resistance": ("Ohm", "Ω", "kOhm", "kΩ", "MOhm"),
    "power": ("W", "kW", "mW"),
    "speed": ("rpm", "RPM", "U/min"),
    "flow": ("ml/min", "l/min", "L/min", "sccm"),
    "length": ("mm", "cm", "m", "um", "µm"),
    "conductivity": ("mS/cm", "uS/cm", "µS/cm"),
    "frequency": ("Hz", "kHz", "MHz"),
    "time": ("s", "min", "ms"),
}


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a line; `at` is where it begins."""

    text: str
    kind: Kind
    at: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pattern, and the words that were not the same in all lines, by their index."""

    pattern: str
    changing: tuple[int, ...] = ()


def decimal_mark(lines: Sequence[str]) -> str:
    """`","` where numbers have a comma and none has a point: 23,45."""
    texts = " ".join(lines)
    has_point = re.search(r"[0-9]\.[0-9]|\b\.[0-9]", texts)
    runs = [line for line in lines if _COMMA.search(line)]
    is_once = all(len(re.findall(r"[0-9]+(?:,[0-9]+)+", line)) >= 1 and not _is_list(line) for line in runs)
    return "," if runs and not has_point and is_once else "."


def _is_list(line: str) -> bool:
    """Columns: more than two numbers in a row between commas, such as 12,34,56."""
    return bool(re.search(r"[0-9]+,[+-]?[0-9]+,[+-]?[0-9]+", line))


def split(line: str, decimal: str = ".") -> list[Word]:
    """All of it, spaces included."""
    words, at = [], 0
    while found := _TOKENS[decimal].match(line, at):
        if not found[0]:
            break
        kind: Kind = found.lastgroup  # type: ignore[assignment]  # the names of the groups are the kinds
        words.append(Word(found[0], kind, at))
        at = found.end()
    return words


def meant(line: str, decimal: str = ".") -> list[Word]:
    """What a person can point at: all but spaces."""
    return [word for word in split(line, decimal) if word.kind != "space"]


def guess_value(words: Sequence[Word], decimal: str = ".") -> int | None:
    """The number that has a unit behind it, else the first with decimals, else the first."""
    numbers = [index for index, word in enumerate(words) if word.kind == "number"]
    with_unit = [index for index in numbers if guess_unit(words, index) is not None]
    with_decimals = [index for index in numbers if decimal in words[index].text]
    return next(iter([*(one for one in with_unit if one in with_decimals), *with_unit, *with_decimals, *numbers]), None)


def guess_unit(words: Sequence[Word], value: int) -> int | None:
    """The word behind the number, where it looks like a unit."""
    behind = value + 1
    return behind if behind < len(words) and words[behind].kind == "word" else None


def written(unit: str) -> str:
    """A unit as people write it: 'C is °C."""
    return _SAME_UNITS.get(unit, unit)


def guess_channel(unit: str) -> str:
    """`"weight"` for g."""
    return next((name for name, units in _CHANNELS.items() if unit in units), "value")


def find_seen(words: Sequence[Word], seen: str) -> int | None:
    """The word that is the number on the display, whatever its zeros: 100,0 is 100.00."""
    wanted = _number(seen)
    for index, word in enumerate(words):
        if word.text == seen or (wanted is not None and word.kind == "number" and _number(word.text) == wanted):
            return index
    return None


def _number(text: str) -> float | None:
    try:
        return float(text.replace(" ", "").replace(",", "."))
    except ValueError:
        return None


# --- the pattern ------------------------------------------------------------------------------------------------------


def propose(lines: Sequence[str], marked: Mapping[int, str], decimal: str = ".") -> Proposal:
    """A pattern for all lines that have the form of the first; `marked` are words of `meant()` and their groups."""
    first = split(lines[0], decimal)
    alike = [words for words in (split(line, decimal) for line in lines) if _kinds(words) == _kinds(first)]
    spaces = [_has_space_before(words) for words in alike]
    plain = [[word for word in words if word.kind != "space"] for words in alike]
    gaps = [_gap(plain[0], index, [has[index] for has in spaces]) for index in range(len(plain[0]))]
    is_trailing = any(words and words[-1].kind == "space" for words in alike)
    gaps.append(" *" if is_trailing else "")
    parts, changing = [], []
    for index, word in enumerate(plain[0]):
        texts = {words[index].text for words in plain}
        if len(texts) > 1 and word.kind == "word" and index not in marked:
            changing.append(index)
        is_alone = gaps[index] == " +" and (gaps[index + 1] == " +" or index + 1 == len(plain[0]))
        is_behind_number = index > 0 and plain[0][index - 1].kind == "number" and gaps[index] != " +"
        expression = _expression(word, texts, decimal, is_alone=is_alone, is_behind_number=is_behind_number)
        group = marked.get(index, "")
        if word.kind != "number" and not group and len(texts) == 1:
            expression = re.escape(word.text)
        parts.append(gaps[index] + (f"(?P<{group}>{expression})" if group else expression))
    return Proposal("".join([*parts, gaps[-1]]), tuple(changing))


def _kinds(words: Sequence[Word]) -> list[Kind]:
    return [word.kind for word in words if word.kind != "space"]


def _has_space_before(words: Sequence[Word]) -> list[bool]:
    return [index > 0 and words[index - 1].kind == "space" for index, word in enumerate(words) if word.kind != "space"]


def _gap(words: Sequence[Word], index: int, has: Sequence[bool]) -> str:
    """Spaces before a word. Before a number they fill up its width, so there may be none with a longer one."""
    word = words[index]
    is_at_border = index == 0 or words[index - 1].kind == "sign"
    if word.kind == "number" and is_at_border:
        return " *"
    if not any(has):
        return ""
    return " +" if all(has) else " *"


def _expression(word: Word, texts: set[str], decimal: str, *, is_alone: bool, is_behind_number: bool) -> str:
    """What may stand there. Nothing of it may be taken from a number beside it, or that would be another one."""
    if word.kind == "number":
        exponent = _EXPONENT if any("e" in text.lower() for text in texts) else ""
        if is_behind_number:
            begin = "[+-] *" if word.text[0] in "+-" else re.escape(decimal)
            return f"{begin}[0-9{decimal}]+{exponent}"
        return _WRITTEN[decimal] + exponent
    if word.kind == "word":
        return r"\S+" if is_alone else r"[^\s\d.,;:=+-]+"
    return f"(?:{'|'.join(re.escape(text) for text in sorted(texts))})"
