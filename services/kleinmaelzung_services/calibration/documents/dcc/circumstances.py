"""How a measurand was measured, for programs: methods, standards and the room's conditions as `dcc:` elements. Pure."""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.dcc import administrative, quantities, statements, units, words
from kleinmaelzung_services.calibration.documents.dcc.elements import Text, Voice, line, node, said
from kleinmaelzung_services.calibration.documents.dcc.quantities import OWN
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.records.record import AmbientRange, Record, UsedStandard
from kleinmaelzung_services.calibration.templates.template import Measurand, Template

_NAMES: Final[dict[str, tuple[Words, str]]] = {
    "temperature": (texts.TEMPERATURE, "basic_temperature"),
    "humidity": (texts.HUMIDITY, "basic_humidityRelative"),
    "pressure": (texts.PRESSURE, f"{OWN}airPressure"),
}


def methods(template: Template, measurand: Measurand, voice: Voice) -> Element:
    """The procedure by its version and hash (7.8.2.1 f), where U comes from, and the decision rule."""
    coverage = float(f"{measurand.budget.coverage.p * 100:.12g}")
    return node(
        "dcc:usedMethods",
        node(
            "dcc:usedMethod",
            voice.tell("dcc:name", template.title, written_in=template.language),
            voice.tell("dcc:description", *template.method, written_in=template.language) if template.method else None,
            line("dcc:reference", f"{template.id}, version {template.version}"),
            line("dcc:reference", f"sha256:{template.sha256}"),
            ref=f"{OWN}template",
        ),
        node(
            "dcc:usedMethod",
            voice.tell("dcc:name", words.UNCERTAINTY),
            voice.tell("dcc:description", said(words.UNCERTAINTY_NOTE, p=coverage)),
            ref="basic_methodMeasurementUncertainty",
        ),
        node(
            "dcc:usedMethod",
            voice.tell("dcc:name", texts.RULE),
            voice.tell("dcc:description", *statements.rule(measurand.acceptance)),
            ref=f"{OWN}decisionRule",
        ),
    )


def equipment(results: Results, measurand: Measurand, voice: Voice) -> Element | None:
    """The standards of a measurand, with the certificates that make it traceable (7.8.4.1 c)."""
    roles = {one.role for one in results.template.standards if one.measurand in ("", measurand.name)}
    used = [_standard(one, results.record, voice) for one in results.record.standards if one.role in roles]
    return node("dcc:measuringEquipments", *used) if used else None


def _standard(one: UsedStandard, record: Record, voice: Voice) -> Element:
    maker = node("dcc:manufacturer", voice.tell("dcc:name", one.maker)) if one.maker else None
    return node(
        "dcc:measuringEquipment",
        voice.tell("dcc:name", administrative.specimen(one.description, record)),
        voice.describe(*_about(one)),
        _certificate(one, record, voice),
        maker,
        node("dcc:identifications", *_identifications(one, voice)),
        ref="basic_normalUsed",
    )


def _about(one: UsedStandard) -> Iterator[Text]:
    yield said(words.ROLE, role=one.role)
    if one.accuracy_class:
        yield said(words.CLASS, accuracy_class=one.accuracy_class)
    if one.position:
        yield said(words.POSITION, position=one.position)
    yield said(words.CALIBRATED, calibrated=one.certificate.calibrated, due=one.certificate.due)


def _certificate(one: UsedStandard, record: Record, voice: Voice) -> Element | None:
    found = one.certificate
    number = line("dcc:referralID", found.number)
    if number is None:
        return None
    element = administrative.hashed(
        "dcc:certificate", found.laboratory or words.CERTIFICATE, number, found.sha256, voice
    )
    is_valid = found.calibrated <= record.as_found.started.date() <= found.due
    element.append(node("dcc:inValidityRange", "true" if is_valid else "false"))
    return element


def _identifications(one: UsedStandard, voice: Voice) -> list[Element]:
    return [
        administrative.identification(issuer, f"standards.{one.role}.{field}", value, name, voice, ref)
        for issuer, field, value, name, ref in (
            ("manufacturer", "serial", one.serial, texts.SERIAL, "basic_serialNumber"),
            ("calibrationLaboratory", "id", one.id, words.SYSTEM_ID, ""),
        )
    ]


def conditions(record: Record, status: str, voice: Voice) -> Element | None:
    """What the room was like (7.8.4.1 b); `status` is beforeAdjustment, afterAdjustment or empty."""
    found = [_ambient(one, status, voice) for one in record.environment]
    if record.immersion_mm is not None:
        found.append(_immersion(record.immersion_mm, status, voice))
    return node("dcc:influenceConditions", *found) if found else None


def _ambient(one: AmbientRange, status: str, voice: Voice) -> Element:
    name, ref = _NAMES[one.name]
    scale = units.of(one.unit)
    parts = (
        (words.CONDITION_MIN, one.low, "Min"),
        (words.CONDITION_MAX, one.high, "Max"),
        (words.CONDITION_MEAN, one.mean, "Mean"),
    )
    return _condition(
        voice.tell("dcc:name", name),
        voice.tell("dcc:description", said(words.SENSOR, sensor=one.sensor)),
        status,
        [
            quantities.quantity(
                voice,
                said(told, condition=name),
                quantities.real(scale.value(value), scale.symbol),
                ref=f"{ref}{end}" if end != "Mean" else f"{OWN}mean",
            )
            for told, value, end in parts
        ],
        ref,
    )


def _immersion(used_mm: float, status: str, voice: Voice) -> Element:
    scale = units.of("mm")
    found = quantities.quantity(voice, words.IMMERSION, quantities.real(used_mm, scale.symbol))
    return _condition(voice.tell("dcc:name", words.IMMERSION), None, status, [found], f"{OWN}immersion")


def _condition(name: Element, about: Element | None, status: str, found: list[Element], ref: str) -> Element:
    told = node("dcc:status", status) if status else None
    return node("dcc:influenceCondition", name, about, told, node("dcc:data", *found), ref=ref)
