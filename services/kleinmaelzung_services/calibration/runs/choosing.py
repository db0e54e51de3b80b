"""Which standards a run is measured with: the template, those asked for, register and streams in; mistakes out. Pure.

records/record_standards.py says whether a standard fits, as it will again of the finished record. Here is what a
record does not tell: who reads it live, where it stands, and whether it is good enough for the limits.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import verdicts
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records import record, record_standards
from kleinmaelzung_services.calibration.records.record import Item, Record, UsedStandard
from kleinmaelzung_services.calibration.records.record_json import Mistake, Notes
from kleinmaelzung_services.calibration.register import standards as registered
from kleinmaelzung_services.calibration.register.told import Registered
from kleinmaelzung_services.calibration.runs import channels
from kleinmaelzung_services.calibration.runs.channels import Streams
from kleinmaelzung_services.calibration.runs.events import RunStandard
from kleinmaelzung_services.calibration.templates.template import Channel, Measurand, Points, Standard, Template
from kleinmaelzung_wire.codec import Fields
from kleinmaelzung_wire.register import STANDARD, check_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A standard of the register, for a role of the template; with its place where there is one at each."""

    role: str
    name: str
    position: str = ""

    @classmethod
    def parse(cls, wire: Fields) -> "Chosen":
        """Raises WireError."""
        position = wire.text("position", default="")
        return cls(role=wire.text("role"), name=check_name(wire.text("name")), position=position)


def chosen(
    template: Template, asked: Sequence[Chosen], known: Mapping[str, Registered | None], streams: Streams
) -> tuple[RunStandard, ...]:
    """The standards as the run keeps them, in the template's order; at the first position is the reference of all."""
    found = list[RunStandard]()
    for standard in template.standards:
        places = positions(template, standard)
        mine = [one for one in asked if one.role == standard.role]
        for one in sorted(mine, key=lambda each: places.index(each.position) if each.position in places else 0):
            entry = known[one.name]
            assert entry is not None  # mistakes() has said so
            instrument, channel = _stream(template, standard, entry, streams)
            used = registered.used(entry, one.role, one.position)
            found.append(RunStandard(used=used, instrument=instrument, channel=channel))
    return tuple(found)


def positions(template: Template, standard: Standard) -> list[str]:
    """Where a standard is wanted at each place: the places, in the template's order; else none."""
    if not standard.one_per_position:
        return []
    tests = (one for one in template.tests if standard.measurand in ("", one.measurand))
    return list(dict.fromkeys(place for one in tests for place in getattr(one, "positions", ())))


def mistakes(
    template: Template,
    item: Item,
    asked: Sequence[Chosen],
    known: Mapping[str, Registered | None],
    streams: Streams,
    today: date,
) -> Iterator[str]:
    """A sentence for each reason for which these standards cannot be used."""
    yield from _of_roles(template, asked)
    wanted = {one.role: one for one in template.standards}
    usable = list[tuple[Standard, UsedStandard]]()
    for one in asked:
        entry = known.get(one.name)
        if entry is None:
            yield registered.missing(STANDARD, one.name)
            continue
        yield from registered.refusals(entry, today)
        if (standard := wanted.get(one.role)) is not None:
            yield from _of_stream(template, standard, one, entry, item, streams)
            usable.append((standard, _used(entry, one, today)))
    yield from _of_streams(template, asked, known, streams)
    yield from _of_record(template, item, [used for _, used in usable], today)
    for standard, used in usable:
        yield from _of_ratio(template, standard, used)


def _of_roles(template: Template, asked: Sequence[Chosen]) -> Iterator[str]:
    wanted = {one.role: one for one in template.standards}
    for role in sorted({one.role for one in asked} - wanted.keys()):
        yield f'the template has no standard with the role "{role}", but {", ".join(wanted)}: correct the role'
    for role, standard in wanted.items():
        mine, places = [one for one in asked if one.role == role], positions(template, standard)
        if standard.one_per_position:
            yield from _of_positions(role, mine, places)
        elif len(mine) != 1:
            found = f"{len(mine)} standards have" if mine else "no standard has"
            what = "keep one of them" if mine else f'choose one of kind "{standard.kind}"'
            yield f'{found} the role "{role}", and the template asks for one: {what}'
        else:
            yield from (
                f'{one.name} has the position "{one.position}", and "{role}" has none: leave it out'
                for one in mine
                if one.position
            )


def _of_positions(role: str, mine: Sequence[Chosen], places: Sequence[str]) -> Iterator[str]:
    count, names = Counter(one.position for one in mine), Counter(one.name for one in mine)
    for place in places:
        if count[place] != 1:
            found = f"{count[place]} standards" if count[place] else "no standard"
            yield f'{role}: {found} at "{place}", and the template asks for one at each position: name one there'
    for one in mine:
        if one.position not in places:
            rule = f"the template has {', '.join(places)}"
            yield f'{role}: {one.name} is at "{one.position}", and {rule}: correct its position'
    for name, times in names.items():
        if times > 1:
            yield f"{role}: {name} is at {times} positions, and can be at one: choose another for the rest"


def _of_stream(
    template: Template, standard: Standard, one: Chosen, entry: Registered, item: Item, streams: Streams
) -> Iterator[str]:
    instrument, named = registered.stream(entry)
    if instrument and instrument == item.id:
        rule = "the instrument under calibration cannot be its own reference"
        yield f"standard {one.name} is read by {instrument}: {rule}; choose another standard"
        return
    if not standard.channel:
        return
    if not instrument:
        rule = f'the template reads "{one.role}" live, from a channel {standard.channel}'
        yield f"standard {one.name} has no instrument: {rule}; say in its entry which instrument reads it"
        return
    what, wanted, has = f"standard {one.name} is read of", _channel(template, standard), streams.of(instrument)
    name = named or channels.find(wanted, has)
    if has and name not in has:
        yield channels.unknown_of_standard(what, instrument, replace(wanted, name=name or wanted.name), has)
    else:
        yield from streams.mistakes(what, instrument, replace(wanted, name=name or wanted.name))


def _channel(template: Template, standard: Standard) -> Channel:
    return Channel(name=standard.channel, unit=standard.unit or _measurand(template, standard).unit)


def _stream(template: Template, standard: Standard, entry: Registered, streams: Streams) -> tuple[str, str]:
    """Instrument and channel that read a standard live, "" both where nothing does: its entry's, or what is found."""
    instrument, named = registered.stream(entry) if standard.channel else ("", "")
    if not instrument:
        return "", standard.channel
    return instrument, named or channels.find(_channel(template, standard), streams.of(instrument)) or standard.channel


def _of_streams(
    template: Template, asked: Sequence[Chosen], known: Mapping[str, Registered | None], streams: Streams
) -> Iterator[str]:
    """Two standards are two streams."""
    wanted = {one.role: one for one in template.standards}
    read = dict[tuple[str, str], list[str]]()
    for one in asked:
        standard, entry = wanted.get(one.role), known.get(one.name)
        if standard and entry and (stream := _stream(template, standard, entry, streams))[0]:
            read.setdefault(stream, []).append(one.name)
    for (instrument, name), names in read.items():
        if len(different := list(dict.fromkeys(names))) > 1:
            rule = "each standard that is read live has a stream of its own"
            yield f"{' and '.join(different)} are read of {instrument}/{name}: {rule}; correct their entries"


def _used(entry: Registered, one: Chosen, today: date) -> UsedStandard:
    """As a record has it; without a certificate, which is said already, it has one of today."""
    if entry.content.get("certificate") is None:
        day = today.isoformat()
        made = {"number": "none", "laboratory": "", "calibrated": day, "due": day}
        entry = replace(entry, content={**entry.content, "certificate": made})
    return registered.used(entry, one.role, one.position)


def _of_record(template: Template, item: Item, used: Sequence[UsedStandard], today: date) -> Iterator[str]:
    """What a record with these standards would be refused for, made today."""
    now, notes = datetime.combine(today, time(), UTC), Notes()
    series = record.Series(started=now, finished=now, tests=())
    nobody = record.Party(name="-", address="-")
    made = Record(
        id="-",
        is_simulated=False,
        template=record.TemplateName(id=template.id, version=template.version, sha256=template.sha256),
        laboratory=nobody,
        customer=nobody,
        item=item,
        place=record.Place(kind="permanent", address="-"),
        people=(),
        standards=tuple(used),
        as_found=series,
    )
    record_standards.check(template, made, notes)
    for mistake in notes.mistakes:
        if mistake.path != "standards" and not mistake.path.endswith(_SAID):
            yield _told(mistake, used)


# The roles, and what the register's entry is refused for: said in its words.
_SAID: Final = ("certificate.due", ".role")


def _told(mistake: Mistake, used: Sequence[UsedStandard]) -> str:
    """With the standard's name in place of its number in a list."""
    index, _, key = mistake.path.removeprefix("standards[").partition("]")
    one = used[int(index)]
    where = f"standard {one.id}, {key.removeprefix('.')}" if key else f"standard {one.id}"
    return str(replace(mistake, path=where))


def _of_ratio(template: Template, standard: Standard, used: UsedStandard) -> Iterator[str]:
    """U against the limits, at the points that the template states; of another quantity calculation tells."""
    for measurand in template.measurands:
        found = list(_too_large(template, standard, used, measurand))
        if found:
            ratio, expanded, limit, point = max(found)
            error_unit, unit = measurand.error_unit.symbol, measurand.unit.symbol
            there = f"{expanded:g} {error_unit} at {point:g} {unit}, {ratio:.2g} of the limit {limit:g} {error_unit}"
            rule = f"the template permits {standard.max_U_ratio:g} of it"
            yield f"U of standard {used.id} is {there}: {rule}; choose a better standard, or wider limits"


def _too_large(
    template: Template, standard: Standard, used: UsedStandard, measurand: Measurand
) -> Iterator[tuple[float, float, float, float]]:
    """What share of the limit U is, U and the limit in error_unit, and where; only what is not permitted."""
    acceptance, most = measurand.acceptance, standard.max_U_ratio
    unit = units.find(used.unit) if used.unit else standard.unit or measurand.unit
    if most is None or acceptance is None or standard.measurand not in ("", measurand.name):
        return
    if not units.are_alike(unit, measurand.unit):
        return
    for point in _points(template, measurand):
        there = record_standards.certified_at(used, units.convert(point, measurand.unit, unit))
        if there is None or there.U is None:
            continue
        try:
            limit = verdicts.size(*verdicts.limits(measurand, acceptance, point, point))
        except CalibrationError:
            continue  # the calculation tells it with its place
        expanded = units.convert_difference(there.U, unit, measurand.error_unit)
        if expanded > most * limit:
            yield (expanded / limit if limit else math.inf), expanded, limit, point


def _points(template: Template, measurand: Measurand) -> list[float]:
    tests = (one for one in template.tests if isinstance(one, Points) and one.measurand == measurand.name)
    return sorted({point for one in tests for point in one.points})


def _measurand(template: Template, standard: Standard) -> Measurand:
    return next(one for one in template.measurands if standard.measurand in ("", one.name))
