"""The numbers in a command that was typed, and the template that it becomes when some are given each time. Pure.

"SV 45.0" --numbers()--> 45.0 --template(setpoint)--> "SV {setpoint:.1f}", setpoint = 45.0
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.drivers import command_text
from kleinmaelzung_agent.trying.draft import ArgumentDraft, NumberType
from kleinmaelzung_wire.descriptions import Argument

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class Number:
    """One number as it was typed, and where."""

    text: str
    at: int
    value: float | int
    decimals: int

    @property
    def type(self) -> NumberType:
        return "number" if self.decimals else "integer"


def numbers(text: str, decimal: str = ".") -> list[Number]:
    """Those that are no part of a name: of `SP1 20` it is 20, of `T1` none, of `SV45.0` it is 45.0."""
    point = re.escape(decimal)
    written = rf"(?<![0-9]|{point})(?:(?<![0-9])[+-])?[0-9]+(?:{point}[0-9]+)?(?![0-9]|{point}[0-9]|[eE][+-]?[0-9])"
    found = []
    for one in re.finditer(written, text):
        _, mark, behind = one[0].partition(decimal)
        if mark or one[0][0] in "+-" or not re.match(r"[^\W\d]", text[max(one.start() - 1, 0)]):
            value = float(one[0].replace(",", ".")) if mark else int(one[0])
            found.append(Number(one[0], one.start(), value, len(behind)))
    return found


def template(text: str, wanted: Mapping[str, Number]) -> str:
    """What is sent, with the numbers as arguments of these names; other braces are doubled."""
    parts, done = [], 0
    for name, number in sorted(wanted.items(), key=lambda pair: pair[1].at):
        parts += [_doubled(text[done : number.at]), f"{{{name}:{_format(number)}}}"]
        done = number.at + len(number.text)
    return "".join([*parts, _doubled(text[done:])])


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _format(number: Number) -> str:
    """As it was typed: with a plus, with zeros before it, with so many decimals."""
    digits = number.text.lstrip("+-")
    plus = "+" if number.text.startswith("+") else ""
    is_filled = digits[:1] == "0" and digits[1:2].isdecimal()
    width = f"0{len(number.text)}" if is_filled else ""
    return f"{plus}{width}.{number.decimals}f" if number.decimals else f"{plus}{width}d"


def mistake(text: str, send: str, found: Sequence[ArgumentDraft], wanted: Mapping[str, Number], decimal: str) -> str:
    """Why the template does not send what was typed; empty where it does."""
    arguments = [
        Argument(name=one.name, type=one.type, unit=one.unit, minimum=one.minimum, maximum=one.maximum) for one in found
    ]
    try:
        sent = command_text.fill(send, arguments, {name: number.value for name, number in wanted.items()}, decimal)
    except command_text.ArgumentError as error:
        return str(error)
    return "" if sent == text else f"it would send {sent} and not {text}"


def checked_name(typed: str, taken: Sequence[str]) -> str:
    """Raises ValueError."""
    if typed and not _NAME.fullmatch(typed):
        raise ValueError(f"{typed!r} cannot be its name: 1 to 32 of a-z 0-9 _, starting with a letter")
    if typed in taken:
        raise ValueError(f"{typed} is there already")
    return typed


def bound(typed: str) -> float | None:
    """A limit as it was typed; None for nothing. Raises ValueError."""
    if typed in ("", "-"):
        return None
    try:
        found = float(typed.replace(",", "."))
    except ValueError:
        found = float("nan")
    if not abs(found) < float("inf"):
        raise ValueError(f"{typed!r} is no number")
    return found
