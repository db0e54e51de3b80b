"""What the other tests found, for programs: repeatability, places, hysteresis, linearity, shifts, results. Pure."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.calculation.results import (
    Computed,
    MeasurandResult,
    Places,
    Shift,
    Spread,
)
from kleinmaelzung_services.calibration.documents import numerals, texts
from kleinmaelzung_services.calibration.documents.dcc import quantities, units, words
from kleinmaelzung_services.calibration.documents.dcc.elements import Said, Text, Voice, node, said
from kleinmaelzung_services.calibration.documents.dcc.quantities import OWN, quantity
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.engine.points import Largest, Linearity
from kleinmaelzung_services.calibration.templates.template import (
    CheckPoint,
    Eccentricity,
    Measurand,
    Repeatability,
    Template,
    Uniformity,
)


def of(template: Template, found: MeasurandResult, voice: Voice) -> Iterator[Element]:
    measurand = found.measurand
    if found.spread is not None:
        yield _spread(template, measurand, found.spread, voice)
    if found.repeats is not None:
        s, dof = found.repeats
        told = said(words.STANDARD_DEVIATION, dof=dof)
        yield result(voice, words.REPEATABILITY, [_step(measurand, told, s, voice)], "repeatability")
    for places in found.places:
        yield _places(template, measurand, places, voice)
    if found.hysteresis is not None:
        told = _at(measurand, words.HYSTERESIS_AT, found.hysteresis)
        yield result(voice, words.HYSTERESIS, [_step(measurand, told, found.hysteresis.value, voice)], "hysteresis")
    if found.linearity is not None:
        yield _linearity(measurand, found.linearity, voice)
    for shift in found.shifts:
        yield _shift(template, measurand, shift, voice)
    if found.computed:
        yield _computed(template, found.computed, voice)


def result(voice: Voice, name: Text, found: Sequence[Element], ref: str, about: Element | None = None) -> Element:
    return node("dcc:result", voice.tell("dcc:name", name), about, node("dcc:data", *found), ref=f"{OWN}{ref}")


def _step(measurand: Measurand, name: Text, value: float, voice: Voice, ref: str = "") -> Element:
    """A difference, in the unit of errors."""
    scale = units.of(measurand.error_unit.symbol)
    return quantity(voice, name, quantities.real(scale.difference(value), scale.step), ref=ref)


def _at(measurand: Measurand, told: Words, largest: Largest) -> Said:
    return said(told, at=largest.at, unit=numerals.unit(measurand.unit.symbol))


def _titled(template: Template, measurand: Measurand, test: int, nominal: float) -> Said:
    unit = numerals.unit(measurand.unit.symbol)
    return said(words.AT_LOAD, title=_title(template, test), nominal=nominal, unit=unit)


def named(template: Template, test: int, voice: Voice) -> Element:
    """A result's name: the title of its test, in the language of the template."""
    return voice.tell("dcc:name", _title(template, test), written_in=template.language)


def _title(template: Template, test: int) -> Text:
    """What the template calls a test, or else what kind it is."""
    found = template.tests[test]
    if found.title:
        return found.title
    match found:
        case Repeatability():
            return texts.REPEATABILITY
        case Eccentricity():
            return texts.ECCENTRICITY
        case Uniformity():
            return texts.UNIFORMITY
        case CheckPoint():
            return texts.CHECK_POINT
    return texts.POINTS


def _spread(template: Template, measurand: Measurand, found: Spread, voice: Voice) -> Element:
    scale = units.of(measurand.unit.symbol)
    shown = quantities.reals([scale.value(one) for one in found.indications], scale.symbol)
    told = said(words.STANDARD_DEVIATION, dof=found.dof)
    name = _titled(template, measurand, found.test, found.nominal)
    return result(
        voice,
        name,
        [
            quantity(voice, words.INDICATIONS, shown, ref="basic_measuredValue"),
            _step(measurand, told, found.s, voice, ref=f"{OWN}standardDeviation"),
        ],
        "repeatability",
    )


def _places(template: Template, measurand: Measurand, found: Places, voice: Voice) -> Element:
    first, *others = found.positions
    rows = [
        _step(measurand, said(words.FROM_FIRST, position=place, first=first), difference, voice)
        for place, difference in zip(others, found.differences[1:], strict=True)
    ]
    rows.append(_step(measurand, words.LARGEST, found.largest, voice, ref=f"{OWN}largestDifference"))
    if found.instability is not None:
        rows.append(_step(measurand, words.INSTABILITY, found.instability, voice, ref=f"{OWN}instability"))
    ref = "eccentricity" if found.instability is None else "uniformity"
    return result(voice, _titled(template, measurand, found.test, found.nominal), rows, ref)


def _linearity(measurand: Measurand, found: Linearity, voice: Voice) -> Element:
    rows = [
        _step(measurand, _at(measurand, told, one), one.value, voice)
        for told, one in ((words.INDEPENDENT, found.independent), (words.TERMINAL, found.terminal))
    ]
    return result(voice, words.LINEARITY, rows, "linearity")


def _shift(template: Template, measurand: Measurand, found: Shift, voice: Voice) -> Element:
    rows = [
        _step(measurand, words.SHIFT, found.value, voice),
        _step(measurand, words.PERMITTED, found.permitted, voice),
    ]
    return result(voice, _titled(template, measurand, found.test, found.nominal), rows, "checkPoint")


def _computed(template: Template, found: Sequence[Computed], voice: Voice) -> Element:
    rows = [_one_computed(template, one, voice) for one in found]
    return result(voice, words.COMPUTED, rows, "computed")


def _one_computed(template: Template, one: Computed, voice: Voice) -> Element:
    scale = units.of(one.unit)
    name = voice.tell("dcc:name", one.name, written_in=template.language)
    stated = one.uncertainty
    uncertainty = None if stated is None else quantities.of_one(scale.difference(stated.expanded), stated.k, stated.p)
    shown = quantities.real(scale.value(one.value), scale.symbol, uncertainty)
    about = voice.describe(words.NO_UNCERTAINTY[one.why_not]) if one.why_not else None
    return node("dcc:quantity", name, about, shown, _permitted(one, scale, voice))


def _permitted(one: Computed, scale: units.Scale, voice: Voice) -> Element | None:
    limits = [
        quantity(voice, name, quantities.real(scale.value(limit), scale.symbol), ref=ref)
        for name, ref, limit in (
            (words.ACCEPTANCE_LOWER, "basic_acceptanceLimitLower", one.lower),
            (words.ACCEPTANCE_UPPER, "basic_acceptanceLimitUpper", one.upper),
        )
        if limit is not None
    ]
    if not limits:
        return None
    verdict = node("dcc:conformity", "pass" if one.is_permitted else "fail")
    metadata = node(
        "dcc:metaData",
        voice.tell("dcc:name", words.CONFORMITY),
        verdict,
        node("dcc:data", *limits),
        ref="basic_conformity",
    )
    return node("dcc:measurementMetaData", metadata)
