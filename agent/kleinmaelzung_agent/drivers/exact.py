"""Scaling in decimals, and its inverse: 234 times 0.1 is 23.4, and 23.45 is no multiple of 0.1. Pure."""

import math
import struct
from decimal import Decimal
from typing import Final

# What 0.1 + 0.2 is off as a binary fraction, in steps.
_NOISE: Final = Decimal("1e-9")
_RELATIVE_NOISE: Final = Decimal("1e-14")
_MOST_NOISE: Final = Decimal("1e-3")


def scaled(raw: float, scale: float, offset: float) -> float:
    """`raw` times `scale` plus `offset`. Raises ValueError for what is no finite number."""
    value = raw if (scale, offset) == (1.0, 0.0) else _scaled(raw, scale, offset)
    if not math.isfinite(value):
        raise ValueError(f"{raw!r} is no finite number")
    return float(value)


def _scaled(raw: float, scale: float, offset: float) -> float:
    return float(_exact(raw) * _exact(scale) + _exact(offset)) if math.isfinite(raw) else math.nan


def unscaled(value: float, scale: float, offset: float) -> float:
    """The raw number of a value."""
    return float(_raw(value, scale, offset))


def step(value: float, scale: float, offset: float, ends: tuple[int, int], *, rounds: bool = False) -> int:
    """The raw integer of a value. Raises ValueError with a sentence where none means it, unless it may be rounded."""
    raw = _raw(value, scale, offset)
    nearest = raw.to_integral_value()
    if abs(raw - nearest) > min(_NOISE + abs(raw) * _RELATIVE_NOISE, _MOST_NOISE) and not rounds:
        low, high = _between(math.floor(raw), math.floor(raw) + 1, scale, offset)
        raise ValueError(f"{value:.15g} lies between the register's steps {low:.15g} and {high:.15g}")
    if not ends[0] <= nearest <= ends[1]:
        low, high = _between(*ends, scale, offset)
        raise ValueError(f"{value:.15g} does not fit the register, which holds {low:.15g} to {high:.15g}")
    return int(nearest)


def shortest(number: float) -> float:
    """The shortest decimal that means the same 32 bits: 23.45 and not 23.450000762939453."""
    if not math.isfinite(number):
        return number
    same = struct.pack(">f", number)
    decimals = (float(f"{number:.{digits}g}") for digits in (6, 7, 8))
    return next((decimal for decimal in decimals if struct.pack(">f", decimal) == same), float(f"{number:.9g}"))


def float32(number: float) -> float:
    """The nearest number of 32 bits. Raises OverflowError."""
    return float(struct.unpack(">f", struct.pack(">f", number))[0])


def _raw(value: float, scale: float, offset: float) -> Decimal:
    return (_exact(value) - _exact(offset)) / _exact(scale)


def _between(low: int, high: int, scale: float, offset: float) -> tuple[float, float]:
    one, other = sorted((scaled(low, scale, offset), scaled(high, scale, offset)))
    return one, other


def _exact(number: float) -> Decimal:
    return Decimal(repr(+number))  # true is 1
