"""The register for runs: what is copied into one of a standard, the instrument, the laboratory; and what forbids it.

Pure. What is copied stays as it was, whatever the register says later.
"""

from datetime import date

from kleinmaelzung_services.calibration.records import record
from kleinmaelzung_services.calibration.register import content
from kleinmaelzung_services.calibration.register.content import Laboratory, Standard
from kleinmaelzung_services.calibration.register.told import Registered
from kleinmaelzung_wire.register import ITEM, LABORATORY, STANDARD, Kind

_WHAT = {STANDARD: "standard", ITEM: "instrument", LABORATORY: "laboratory"}


def missing(kind: Kind, name: str) -> str:
    """The sentence about an entry that is not there."""
    which = _WHAT[kind] if kind == LABORATORY else f"{_WHAT[kind]} {name}"
    action = "add" if kind == STANDARD else "set"
    return f"the register has no {which}: enter it with kleinmaelzung calibration {kind} {action}"


def refusals(found: Registered, today: date) -> list[str]:
    """A sentence for each reason for which a standard may not be used, or an instrument not be calibrated, today.

    An instrument that is overdue may always be calibrated.
    """
    if found.is_retired:
        return [f"{_WHAT[found.kind]} {found.name} was retired by {found.user}: choose another, or put it back"]
    one = content.of(found.kind, found.content)
    return _unusable(found.name, one, today) if isinstance(one, Standard) else []


def used(found: Registered, role: str, position: str = "") -> record.UsedStandard:
    """A standard as a record has it. Raises ValueError for one without a certificate, which refusals() names."""
    one = content.of(STANDARD, found.content)
    assert isinstance(one, Standard)
    if one.certificate is None:
        raise ValueError(f"standard {found.name} has no certificate")
    certificate = record.Certificate(
        number=one.certificate.number,
        laboratory=one.certificate.laboratory,
        calibrated=one.certificate.calibrated,
        due=one.certificate.due,
        sha256=found.file,
    )
    return record.UsedStandard(
        role=role,
        id=found.name,
        kind=one.kind,
        description=one.description,
        maker=one.maker,
        serial=one.serial,
        accuracy_class=one.accuracy_class,
        position=position,
        unit=one.unit,
        certificate=certificate,
        certified=one.certified,
        fields=one.fields,
    )


def stream(found: Registered) -> tuple[str, str]:
    """The instrument that reads a standard live, and its channel; "" for what the entry does not name."""
    agent, _, rest = str(found.content.get("instrument") or "").partition("/")
    instrument, _, channel = rest.partition("/")
    return (f"{agent}/{instrument}" if agent else ""), channel


def item(found: Registered, condition: str, received: date | None = None) -> record.Item:
    """An instrument as a record has it."""
    one = content.of(ITEM, found.content)
    assert isinstance(one, content.Item)
    return record.Item(
        id=found.name,
        instrument_type=one.instrument_type,
        maker=one.maker,
        model=one.model,
        serial=one.serial,
        asset=one.asset,
        firmware=one.firmware,
        condition=condition,
        received=received,
    )


def laboratory(found: Registered) -> record.Party:
    """The laboratory as a record has it."""
    one = content.of(LABORATORY, found.content)
    assert isinstance(one, Laboratory)
    return record.Party(name=one.name, address=one.address, contact=one.contact, country=one.country)


def _unusable(name: str, one: Standard, today: date) -> list[str]:
    if one.certificate is None:
        rule = "nothing ties its value to the SI"
        return [f"standard {name} has no certificate: {rule}; enter its certificate, or choose another standard"]
    if one.certificate.due < today:
        overdue = f"its certificate {one.certificate.number} was due on {one.certificate.due}, today is {today}"
        return [f"standard {name} is overdue: {overdue}; have it calibrated, or choose another standard"]
    return []
