"""A record for any template, made up: every test measured, every standard certified, all errors small and alike."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records.record import (
    AmbientRange,
    Answer,
    Certificate,
    Certified,
    Field,
    Item,
    Party,
    Person,
    Place,
    Reading,
    Record,
    Series,
    StandardSignal,
    TemplateName,
    TestRun,
    Tick,
    UnitText,
    UsedStandard,
    Window,
)
from kleinmaelzung_services.calibration.templates import sequence
from kleinmaelzung_services.calibration.templates.template import (
    Measurand,
    Points,
    Repeatability,
    Standard,
    Template,
    Test,
    Uniformity,
)
from kleinmaelzung_services.calibration.units import Unit

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
DAY = START.date()
# What a balance reads of a volume in uL, and a current of a pressure in kPa, of the templates that come along.
RAW = {"mA": lambda x: 4 + 0.16 * x, "mV": lambda x: -58.5 * (x - 7) + 3}


def record(template: Template) -> Record:
    place = Party(name="Example (simulated)", address="Musterstadt")
    return Record(
        id="SIM-1",
        is_simulated=True,
        template=TemplateName(id=template.id, version=template.version, sha256=template.sha256),
        laboratory=place,
        customer=place,
        item=Item(
            id="item-1", instrument_type=template.instrument_type, maker="E", model="M", serial="0", condition="good"
        ),
        place=Place(kind="permanent", address="Musterstadt"),
        people=(Person(name="A. Example", role="operator"),),
        standards=tuple(used for standard in template.standards for used in _used(template, standard)),
        environment=tuple(_ambient(one.name, one.unit, one.low, one.high) for one in template.environment),
        answers=tuple(
            Answer(name=one.name, value=((one.low or 0) + (one.high or 0)) / 10 + (one.low or 0), unit=_text(one.unit))
            for one in template.inputs
            if one.ask
        ),
        preparations=tuple(Tick(check=check, by="A. Example", at=START) for check in template.preparation.checks),
        immersion_mm=500,
        as_found=Series(
            started=START,
            finished=START + timedelta(hours=8),
            tests=tuple(
                TestRun(test=index, readings=tuple(_readings(template, test)))
                for index, test in enumerate(template.tests)
            ),
        ),
    )


def _text(unit: Unit) -> UnitText:
    return UnitText(unit.symbol)


def _ambient(name: str, unit: Unit, low: float | None, high: float | None) -> AmbientRange:
    middle = ((low or 20) + (high or 20)) / 2 if name != "pressure" else 1000.0
    assert name in ("temperature", "humidity", "pressure")
    return AmbientRange(
        name=name,  # type: ignore[arg-type]  # said in the line above
        unit=_text(unit),
        start=middle,
        end=middle,
        low=middle,
        high=middle,
        mean=middle,
        sensor="room",
    )


def _used(template: Template, standard: Standard) -> list[UsedStandard]:
    positions = {place for test in template.tests for place in getattr(test, "positions", ())}
    if not standard.one_per_position:
        return [_one(standard, "")]
    return [_one(standard, place) for place in sorted(positions)]


def _one(standard: Standard, position: str) -> UsedStandard:
    text = None if standard.unit is None else _text(standard.unit)
    return UsedStandard(
        role=standard.role,
        id=f"{standard.role}-{position or 1}",
        kind=standard.kind,
        description="simulated",
        serial=f"S-{standard.role}-{position}",
        accuracy_class=standard.classes[0] if standard.classes else "",
        position=position,
        unit=text,
        certificate=Certificate(
            number="SIM", laboratory="Simulated", calibrated=date(2025, 9, 10), due=DAY + timedelta(days=30)
        ),
        certified=(Certified(low=-2000, high=2000, U=1e-5, k=2, mpe=1e-5),),
        fields=tuple(
            Field(name=name, value=0.001, unit=text or UnitText("K")) for name in {"drift_per_year", *standard.needs}
        ),
    )


def _readings(template: Template, test: Test) -> list[Reading]:
    measurand = next(one for one in template.measurands if one.name == test.measurand)
    stability, found = measurand.stability, []
    length = test.record_s if isinstance(test, Uniformity) else stability.window_s
    times = evenly(length, max(20, stability.min_samples, math.ceil(length / stability.max_age_s) + 1))
    returns = isinstance(test, Points | Repeatability) and test.return_to_zero
    for number, (point, direction, repeat, position) in enumerate(sequence.slots(test)):
        assert direction in ("up", "down")
        shown = point + measurand.display.resolution * math.sin(number)
        raw = measurand.display.raw
        found.append(
            Reading(
                point=point,
                direction=direction,  # type: ignore[arg-type]  # said in the line above
                repeat=repeat,
                position=position,
                at=START + timedelta(minutes=number),
                by="A. Example",
                indication=None if measurand.display.indication else window(measurand.unit, shown, times),
                raw=None if raw is None else window(raw.unit, RAW[raw.unit.symbol](shown), times),
                zero=window(measurand.unit, 0.0, [time - 2 * length for time in times]) if returns else None,
                standards=tuple(_signals(template, measurand, point, number, times)),
            )
        )
    return found


def _signals(
    template: Template, measurand: Measurand, point: float, number: int, times: Sequence[float]
) -> list[StandardSignal]:
    found = []
    for standard in template.standards:
        if not standard.channel or standard.unit is None or standard.measurand not in ("", measurand.name):
            continue
        value = point + 0.001 * math.cos(number)
        if not units.are_alike(standard.unit, measurand.unit):
            value = 0.997 * point if standard.unit.symbol == "mg" else 25.0
        found.append(StandardSignal(role=standard.role, signal=window(standard.unit, value, times, standard.role)))
    return found


def evenly(length: float, count: int) -> list[float]:
    return [length / count * place for place in range(count)]


def window(unit: Unit, value: float, times: Sequence[float], device: str = "item-1") -> Window:
    """Without a slope, so that it is stable by any template."""
    values = tuple(value + 1e-4 * math.sin(3.7 * place) * math.sin(0.3 * place) for place in range(len(times)))
    return Window(device=device, unit=_text(unit), times_s=tuple(times), values=values)
