"""What a request for a run asks for, and what register and streams say: all well, and ways to change one at a time."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from kleinmaelzung_services.calibration.register import content
from kleinmaelzung_services.calibration.register.content import Item, Laboratory, Standard, StandardCertificate
from kleinmaelzung_services.calibration.register.told import Registered
from kleinmaelzung_services.calibration.runs.channels import Streams
from kleinmaelzung_services.calibration.runs.choosing import Chosen
from kleinmaelzung_services.calibration.runs.creating import Known, Wanted
from kleinmaelzung_services.calibration.templates.template import Template
from kleinmaelzung_wire.register import ITEM, LABORATORY, STANDARD, Kind
from tests.unit.services.calibration_records import simulated

INSTRUMENT = "pi-1/item"
TODAY = simulated.DAY


def registered(kind: Kind, name: str, of: content.Content) -> Registered:
    return Registered(
        kind=kind, name=name, content=content.plain(of), number=1, time=1, user="eva", is_retired=False, file=""
    )


def wanted(template: Template) -> Wanted:
    made = simulated.record(template)
    return Wanted(
        standards=tuple(Chosen(role=one.role, name=name_of(one.id), position=one.position) for one in made.standards),
        sensors={one.name: f"pi-1/room/{one.name}" for one in template.environment},
        customer=None,
        place=None,
        condition="clean",
        received=None,
    )


def name_of(standard: str) -> str:
    return standard.replace(" ", "-")


def known(template: Template) -> Known:
    made, live = simulated.record(template), {one.role: one for one in template.standards}
    units = {INSTRUMENT: dict[str, str](), "pi-1/room": {one.name: one.unit.symbol for one in template.environment}}
    for measurand in template.measurands:
        for channel in filter(None, (measurand.display.channel, measurand.display.raw)):
            units[INSTRUMENT][channel.name] = channel.unit.symbol
    standards = dict[str, Registered | None]()
    for used in made.standards:
        standard, name = live[used.role], name_of(used.id)
        instrument = f"pi-1/{name}" if standard.channel else ""
        if standard.channel and standard.unit:
            units[instrument] = {standard.channel: standard.unit.symbol}
        entry = Standard(
            kind=used.kind,
            description=used.description,
            serial=used.serial,
            accuracy_class=used.accuracy_class,
            unit=used.unit,
            certificate=StandardCertificate(
                number=used.certificate.number, calibrated=used.certificate.calibrated, due=used.certificate.due
            ),
            certified=used.certified,
            fields=used.fields,
            instrument=instrument,
        )
        standards[name] = registered(STANDARD, name, entry)
    item = Item(instrument_type=template.instrument_type, maker="E", model="M", serial="0815", interval_months=12)
    laboratory = Laboratory(name="Example (simulated)", address="Musterstadt", place="Room 1")
    return Known(
        laboratory=registered(LABORATORY, LABORATORY, laboratory),
        item=registered(ITEM, INSTRUMENT, item),
        standards=standards,
        streams=Streams(units=units),
        today=TODAY,
    )


def with_standard(found: Known, name: str, **changed: Any) -> Known:
    """One standard's entry with other content."""
    entry = found.standards[name]
    assert entry
    made = replace(entry, content={**entry.content, **changed})
    return replace(found, standards={**found.standards, name: made})


def with_item(found: Known, **changed: Any) -> Known:
    assert found.item
    return replace(found, item=replace(found.item, content={**found.item.content, **changed}))


def certificate(due: date = TODAY + timedelta(days=30), calibrated: date = TODAY - timedelta(days=100)) -> Any:
    return {"number": "K-123", "laboratory": "A", "calibrated": calibrated.isoformat(), "due": due.isoformat()}
