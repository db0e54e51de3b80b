"""Whether a run may be created: template, what is asked for and what the register and the streams say in; the event or
all mistakes at once out. Pure.

An instrument that is overdue may always be calibrated, a standard that is overdue never used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, get_args

from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record import Item, Party, Place, TemplateName, UnitText
from kleinmaelzung_services.calibration.register import content
from kleinmaelzung_services.calibration.register import standards as registered
from kleinmaelzung_services.calibration.register.told import Registered
from kleinmaelzung_services.calibration.runs import channels, choosing, typed
from kleinmaelzung_services.calibration.runs.channels import Streams
from kleinmaelzung_services.calibration.runs.choosing import Chosen
from kleinmaelzung_services.calibration.runs.events import Created, RoomSensor, RunChannel
from kleinmaelzung_services.calibration.runs.permitting import Refused
from kleinmaelzung_services.calibration.templates.template import Ambient, Channel, Template
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.register import ITEM, LABORATORY

_CONDITIONS: Final = get_args(RoomSensor.__annotations__["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request asks for. Without a customer it is the laboratory itself, without a place the laboratory's.

    `channels` has the instrument's by the template's, where they are named.
    """

    standards: tuple[Chosen, ...]
    channels: Mapping[str, str] = field(default_factory=dict)
    sensors: Mapping[str, str]
    customer: Party | None
    place: Place | None
    condition: str
    received: date | None

    @classmethod
    def parse(cls, wire: Fields) -> "Wanted":
        """Raises WireError."""
        received = wire.get("received")
        return cls(
            standards=tuple(Chosen.parse(Fields(one, "standard")) for one in wire.list("standards", default=[])),
            channels=_texts("channels", wire.map("channels", default={}), "the instrument's channel"),
            sensors=_texts("sensors", wire.map("sensors", default={}), "agent/instrument/channel"),
            customer=_read(Party, wire.get("customer"), "customer"),
            place=_read(Place, wire.get("place"), "place"),
            condition=typed.line(wire.text("condition", default=""), "condition"),
            received=None if received is None else _date(wire.text("received")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What holds now: the register's entries, None for one that is not there, and the units of streams.

    `open_run` is the name of a run that is open on the instrument, "" where none is. `is_simulated`: its description
    says that nothing real is measured.
    """

    laboratory: Registered | None
    item: Registered | None
    standards: Mapping[str, Registered | None]
    streams: Streams
    today: date
    open_run: str = ""
    is_simulated: bool = False


def create(template: Template, instrument: str, wanted: Wanted, known: Known) -> Created:
    """The event that the run begins with. Raises Refused with every mistake."""
    mistakes = list(_mistakes(template, instrument, wanted, known))
    laboratory, item = known.laboratory, known.item
    if mistakes or laboratory is None or item is None:
        raise Refused(sockets.CONFLICT, *mistakes)
    of_laboratory, of_item = content.of(LABORATORY, laboratory.content), content.of(ITEM, item.content)
    assert isinstance(of_laboratory, content.Laboratory)
    assert isinstance(of_item, content.Item)
    party = registered.laboratory(laboratory)
    return Created(
        template=TemplateName(id=template.id, version=template.version, sha256=template.sha256),
        title=template.title,
        item=registered.item(item, wanted.condition, wanted.received),
        interval_months=of_item.interval_months,
        is_simulated=of_item.is_simulated or known.is_simulated,
        laboratory=party,
        reviewer=of_laboratory.reviewer,
        customer=wanted.customer or replace(party, contact="internal"),
        place=wanted.place or Place(kind="permanent", address=of_laboratory.place or party.address),
        standards=choosing.chosen(template, wanted.standards, known.standards, known.streams),
        channels=tuple(
            RunChannel(name=name, channel=channel)
            for name, channel in channels.chosen(template, wanted.channels, known.streams.of(instrument)).items()
        ),
        sensors=tuple(_sensors(template, wanted, known)),
    )


def _mistakes(template: Template, instrument: str, wanted: Wanted, known: Known) -> Iterator[str]:
    if known.open_run:
        rule = "an instrument has one run at a time"
        yield f"{instrument} is in run {known.open_run}: {rule}; issue or abort that one first"
    yield from _of_register(template, instrument, wanted, known)
    yield from channels.mistakes(template, instrument, wanted.channels, known.streams)
    item = _item(instrument, wanted, known)
    yield from choosing.mistakes(template, item, wanted.standards, known.standards, known.streams, known.today)
    yield from _of_sensors(template, instrument, wanted, known)


def _of_register(template: Template, instrument: str, wanted: Wanted, known: Known) -> Iterator[str]:
    if known.laboratory is None:
        yield registered.missing(LABORATORY, LABORATORY)
    if known.item is None:
        yield registered.missing(ITEM, instrument)
        return
    yield from registered.refusals(known.item, known.today)
    if (found := str(known.item.content["instrument_type"])) != template.instrument_type:
        rule = f'the template {template.id} is for "{template.instrument_type}"'
        yield f'{instrument} is a "{found}" in the register, {rule}: choose another template, or correct the entry'
    if wanted.received and wanted.received > known.today:
        yield f"received is {wanted.received}, which is after today, {known.today}: correct the date"


def _item(instrument: str, wanted: Wanted, known: Known) -> Item:
    """The instrument for comparing standards with it; without an entry only its name is known."""
    if known.item is not None:
        return registered.item(known.item, wanted.condition, wanted.received)
    nobody = "not in the register"
    return Item(
        id=instrument, instrument_type=nobody, maker=nobody, model=nobody, serial=nobody, condition=wanted.condition
    )


def _of_sensors(template: Template, instrument: str, wanted: Wanted, known: Known) -> Iterator[str]:
    asked = {one.name: one for one in template.environment}
    for name in wanted.sensors.keys() - asked.keys():
        yield f"sensors: the template does not ask for {name}, but {', '.join(asked) or 'for none'}: leave it out"
    for name, ambient in asked.items():
        if name in wanted.sensors:
            yield from _of_sensor(ambient, wanted.sensors[name], instrument, known)
        elif ambient.sensor == "required":
            example = "agent/instrument/channel"
            yield f"there is no sensor for the {name} of the room, which the template requires: name one, as {example}"


def _of_sensor(ambient: Ambient, stream: str, instrument: str, known: Known) -> Iterator[str]:
    name, _, channel = stream.rpartition("/")
    what = f"the {ambient.name} of the room is read of"
    if name == instrument:
        yield f"{what} {instrument}, which is calibrated here: choose another sensor"
    yield from known.streams.mistakes(what, name, Channel(name=channel, unit=ambient.unit))


def _sensors(template: Template, wanted: Wanted, known: Known) -> Iterator[RoomSensor]:
    for ambient in template.environment:
        if ambient.name in wanted.sensors:
            instrument, _, channel = wanted.sensors[ambient.name].rpartition("/")
            name: Any = ambient.name
            assert name in _CONDITIONS  # the templates know no other
            unit = UnitText(known.streams.units[instrument][channel])
            yield RoomSensor(name=name, instrument=instrument, channel=channel, unit=unit)


def _read(kind: type[Any], value: Any, what: str) -> Any:
    """A dataclass of a map, None of nil. Raises WireError."""
    if value is None:
        return None
    notes = record_json.Notes()
    found = record_json.read(kind, value, (what,), notes)
    if found is None:
        raise WireError("; ".join(map(str, notes.mistakes)))
    return found


def _texts(key: str, found: Mapping[str, Any], example: str) -> Mapping[str, str]:
    for name, value in found.items():
        if type(value) is not str:
            raise WireError(f"{key}.{name:.40} is no text: write it as {example}")
    return found


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WireError(f"received is {text!r:.40}, expected a date like 2026-03-14") from None
