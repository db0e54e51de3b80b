"""Numbers that were read to the values of channels, as their formulas say. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.drivers import channel, formula
from kleinmaelzung_agent.drivers.channel import Channel
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.drivers.i2c.steps import Numbers
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.frames import Value

LARGEST: Final = 10**18  # what 64 bits hold for sure

Conditions = tuple[tuple[Formula, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class I2cChannel(Channel):
    """`quality` and `no_value` are conditions and the quality that they mean; with the second there is no value."""

    formula: Formula
    quality: Conditions = ()
    no_value: Conditions = ()

    @property
    def names(self) -> frozenset[str]:
        """What it needs numbers for."""
        return self.formula.names.union(*(condition.names for condition, _ in (*self.quality, *self.no_value)))


def computed(found: Numbers, compute: Mapping[str, Formula]) -> dict[str, int | float]:
    """With the numbers that follow from them, each from those before it; one that has no value is not there."""
    numbers = dict(found)
    for name, one in compute.items():
        number = formula.value(one, numbers)
        if number is not None:
            numbers[name] = number
    return numbers


def reading(numbers: Numbers, channels: Iterable[I2cChannel], taken_ns: int) -> Reading:
    """The values of these channels."""
    found = Reading(values={}, taken_ns=taken_ns)
    for one in channels:
        value, quality = _value(one, numbers)
        found.values[one.name] = value
        if one.unit:
            found.units[one.name] = one.unit
        if quality:
            found.quality[one.name] = quality
    return found


def _value(one: I2cChannel, numbers: Numbers) -> tuple[Value, str]:
    if quality := _first(one.no_value, numbers):
        return None, quality
    try:
        value = _convert(one, numbers)
    except ValueError:
        return None, formula.NO_RESULT
    return value, _first(one.quality, numbers)


def _first(conditions: Conditions, numbers: Numbers) -> str:
    """The first that holds. One that cannot be judged holds: it is no reason to call the value good."""
    return next((quality for one, quality in conditions if formula.value(one, numbers) != 0), "")


def _convert(one: I2cChannel, numbers: Numbers) -> Value:
    plain = numbers.get(one.formula.text) if one.formula.names == {one.formula.text} else None
    # A large integer as it is: a float has 53 bits.
    number = plain if isinstance(plain, int) else formula.value(one.formula, numbers)
    if number is None:
        raise ValueError("there is no number")
    match one.type:
        case "integer":
            if not abs(number) <= LARGEST:
                raise ValueError(f"{number:g} is too large an integer")
            return round(number)
        case "boolean":
            return number != 0
        case _:
            return channel.scaled(number, one)
