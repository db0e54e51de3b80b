"""Which channel of an instrument a template means: its channels and what the instrument has in; names or mistakes out.

A template that comes along says "mass", and a balance may call it "weight". Pure.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates.template import Channel, Template
from kleinmaelzung_services.calibration.units import Unit, UnitError


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """The units of channels by instrument, as descriptions say them; one that nobody described is not there.

    A unit is empty where it is not known.
    """

    units: Mapping[str, Mapping[str, str]]

    def of(self, instrument: str) -> Mapping[str, str]:
        return self.units.get(instrument, {})

    def mistakes(self, what: str, instrument: str, channel: Channel) -> Iterator[str]:
        """A sentence where there is no such stream, or in another kind of unit."""
        channels = self.units.get(instrument)
        if channels is None:
            yield f"{what} {instrument or 'nothing'}, which is not here: is its name right, and its agent running?"
        elif channel.name not in channels:
            there = ", ".join(channels) or "none"
            yield f"{what} {instrument}, channel {channel.name}, and it has {there}: name another"
        elif channels[channel.name] and not _is_like(channels[channel.name], channel.unit):
            rule = f'that cannot be converted to "{channel.unit.symbol}"'
            yield f'{what} {instrument}/{channel.name}, in "{channels[channel.name]}": {rule}; choose another stream'


def find(wanted: Channel, has: Mapping[str, str], taken: Collection[str] = ()) -> str:
    """The channel of that name; else the only one in such a unit, or the only one there is. "" where none is meant."""
    if wanted.name in has:
        return wanted.name
    alike = [name for name, unit in has.items() if name not in taken and _is_like(unit, wanted.unit)]
    found = alike if len(alike) == 1 else list(has) if not taken else []
    return found[0] if len(found) == 1 else ""


def own(template: Template) -> dict[str, Channel]:
    """What a template reads of the instrument under calibration, by its name there."""
    shown = (one.display for one in template.measurands)
    return {one.name: one for display in shown for one in (display.channel, display.raw) if one}


def chosen(template: Template, asked: Mapping[str, str], has: Mapping[str, str]) -> dict[str, str]:
    """The instrument's channel for each of the template's: the one that is asked for, or that is found. "" is none."""
    wanted = own(template)
    found = {name: asked.get(name) or name for name in wanted if name in asked or name in has}
    for name, channel in wanted.items():
        if name not in found:
            found[name] = find(channel, has, found.values())
    return {name: found[name] for name in wanted}


def mistakes(template: Template, instrument: str, asked: Mapping[str, str], streams: Streams) -> Iterator[str]:
    """A sentence for each channel that cannot be read as asked, or that must be named."""
    wanted, has = own(template), streams.of(instrument)
    for name in sorted(asked.keys() - wanted.keys()):
        there = ", ".join(wanted) or "none"
        yield f"channels: the template reads no channel {name} of the instrument, but {there}: correct the name"
    found = chosen(template, asked, has)
    for measurand in template.measurands:
        what = f"the template reads {measurand.name} of"
        for channel in filter(None, (measurand.display.channel, measurand.display.raw)):
            name = found[channel.name]
            if has and name not in has:
                said = _unknown(name or channel.name, channel.unit, has)
                yield f"{what} {instrument}, {said} as --channel {channel.name}={_example(channel.unit, has)}"
            else:
                yield from streams.mistakes(what, instrument, replace(channel, name=name or channel.name))
    yield from _twice(instrument, found)


def unknown_of_standard(what: str, instrument: str, channel: Channel, has: Mapping[str, str]) -> str:
    """The sentence where the channel that reads a standard live must be named in its entry."""
    example = f'instrument = "{instrument}/{_example(channel.unit, has)}"'
    return f"{what} {instrument}, {_unknown(channel.name, channel.unit, has)} in its entry, as {example}"


def _twice(instrument: str, found: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys(filter(None, found.values())):
        mine = [one for one, channel in found.items() if channel == name]
        if len(mine) > 1:
            rule = "each has a channel of its own"
            yield f"{' and '.join(mine)} are read of {instrument}/{name}: {rule}; name another for one of them"


def _unknown(name: str, unit: Unit, has: Mapping[str, str]) -> str:
    there = ", ".join(f"{one} ({each})" if each else one for one, each in has.items())
    return f'which has no channel {name}, but {there}: say which one is meant, in "{unit.symbol}",'


def _example(unit: Unit, has: Mapping[str, str]) -> str:
    return next((name for name, each in has.items() if _is_like(each, unit)), next(iter(has)))


def _is_like(text: str, unit: Unit) -> bool:
    try:
        return units.are_alike(units.find(text), unit)
    except UnitError:
        return False
