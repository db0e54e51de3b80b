"""What is sent to a binary instrument: hexadecimal digits with arguments as `{name:<h}`. Pure.

"10 {setpoint:<h} 00" --fill--> bytes          bytes --wrap--> header, bytes, checksum, end
"""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.drivers import exact
from kleinmaelzung_agent.drivers.binary.records import Escape, RecordSum, escaped
from kleinmaelzung_wire.descriptions import Argument
from kleinmaelzung_wire.frames import Value

_PART: Final = re.compile(r"\s*(?:([0-9A-Fa-f]{2})|\{([a-z0-9_-]+):([<>]?)([bBhHiIqQfd?])\})\s*")
_LENGTHS: Final = {"b": 8, "h": 16, "i": 32, "q": 64}
EXPECTED: Final = 'expected hexadecimal digits with arguments such as "01 10 {setpoint:<h}"'


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an argument goes, and how."""

    name: str
    format: str


Template = tuple[bytes | Slot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapping:
    """What stands around everything that is sent."""

    header: bytes = b""
    end: bytes = b""
    escape: Escape | None = None
    record_sum: RecordSum | None = None


def parse(text: str) -> Template:
    """Raises ValueError."""
    parts: list[bytes | Slot] = []
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if not part:
            raise ValueError(f"{EXPECTED}, found {text[at : at + 12]!r}")
        digits, name, order, letter = part.groups()
        parts.append(bytes.fromhex(digits) if digits else Slot(name, (order or ">") + letter))
        at = part.end()
    return tuple(parts)


def mistakes(template: Template, arguments: Sequence[Argument]) -> list[str]:
    """What does not fit together, as sentences."""
    slots, types = {part.name for part in template if isinstance(part, Slot)}, {one.name: one.type for one in arguments}
    found = [f"{{{name}}} is no argument of this command" for name in slots - set(types)]
    found += [f'argument "{name}" is not sent, expected {{{name}:h}}' for name in set(types) - slots]
    found += [
        f'argument "{name}" is a {kind}, and only numbers and booleans can be sent'
        for name, kind in types.items()
        if kind not in ("number", "integer", "boolean")
    ]
    return found


def fill(template: Template, values: Mapping[str, Value], scales: Mapping[str, float]) -> bytes:
    """The bytes to send. Raises ValueError with a sentence for a value that does not fit."""
    return b"".join(part if isinstance(part, bytes) else _packed(part, values[part.name], scales) for part in template)


def _packed(slot: Slot, value: Value, scales: Mapping[str, float]) -> bytes:
    assert isinstance(value, (bool, int, float)), "the arguments were checked"
    scale, letter = scales.get(slot.name, 1.0), slot.format[1]
    try:
        if letter == "?":
            return struct.pack(slot.format, bool(value))
        if letter in "fd":
            return struct.pack(slot.format, exact.unscaled(value, scale, 0.0))
        return struct.pack(slot.format, exact.step(value, scale, 0.0, _range(letter)))
    except ValueError as error:
        raise ValueError(f'argument "{slot.name}" cannot be sent as it is: {error}') from error
    except OverflowError:
        raise ValueError(f'argument "{slot.name}" is {value!r}, which does not fit {slot.format}') from None


def _range(letter: str) -> tuple[int, int]:
    bits = _LENGTHS[letter.lower()]
    return (0, 2**bits - 1) if letter.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def wrap(wrapping: Wrapping, content: bytes) -> bytes:
    """The whole that is sent."""
    whole = wrapping.header + content
    if wrapping.record_sum:
        whole += wrapping.record_sum.checksum.of(whole[wrapping.record_sum.skip :])
    if wrapping.escape:
        special = wrapping.header[:1] + wrapping.end[:1]
        whole = wrapping.header + escaped(whole[len(wrapping.header) :], wrapping.escape, special)
    return whole + wrapping.end
