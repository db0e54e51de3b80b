"""The calibration function, for programs: a fit in; coefficients with covariance, range and residuals out. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.calculation.results import Correction, MeasurandResult
from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.dcc import findings, quantities, units, words
from kleinmaelzung_services.calibration.documents.dcc.elements import Said, Voice, node, said
from kleinmaelzung_services.calibration.documents.dcc.quantities import OWN, quantity
from kleinmaelzung_services.calibration.documents.dcc.units import Factors, Scale

# How much of a normal distribution of 1, 2 or 3 dimensions lies in the ellipsoid with k = 1 (chi squared below 1).
_WITHIN: Final = {
    1: math.erf(math.sqrt(0.5)),
    2: 1 - math.exp(-0.5),
    3: math.erf(math.sqrt(0.5)) - math.sqrt(2 / math.pi) * math.exp(-0.5),
}
_Y: Final = {"error": words.IS_ERROR, "correction": words.IS_CORRECTION, "raw": words.IS_RAW}
_X: Final = {"reference": words.IS_REFERENCE, "indication": words.IS_INDICATION}


@dataclass(frozen=True, slots=True)
class Axes:
    """The units of a curve; y is a difference but where it is a raw signal."""

    x: Scale
    y: Scale
    is_difference: bool

    @property
    def y_symbol(self) -> str:
        return self.y.step if self.is_difference else self.y.symbol

    def coefficient(self, value: float, power: int) -> float:
        if power == 0 and not self.is_difference:
            return self.y.value(value)
        return self.y.difference(value) / self.x.difference(1.0) ** power

    def unit(self, power: int) -> str:
        if power == 0:
            return self.y_symbol
        return units.spelt(units.product([(self.y.steps, 1), (self.x.steps, -power)]))

    def covariance(self, value: float, powers: int) -> Element:
        """Of two coefficients with `powers` together."""
        own = value * self.y.difference(1.0) ** 2 / self.x.difference(1.0) ** powers
        unit: Factors = units.product([(self.y.steps, 2), (self.x.steps, -powers)])
        return node("si:covariance", node("si:value", quantities.number(own)), node("si:unit", units.spelt(unit)))


def of(found: MeasurandResult, voice: Voice) -> Iterator[Element]:
    """Nothing where the template fits none."""
    one = found.correction
    if one is None:
        return
    axes = Axes(units.of(found.measurand.unit.symbol), units.of(one.y_unit), one.y != "raw")
    about = node(
        "dcc:description",
        *voice.tell("_", _note(found, one), words.COVARIANCE_NOTE),
        node("dcc:formula", node("dcc:latex", _formula(one, axes))),
    )
    yield findings.result(voice, words.CURVE, list(_quantities(one, axes, voice)), "calibrationFunction", about)


def _note(found: MeasurandResult, one: Correction) -> Said:
    low, high = one.fit.range
    return said(
        words.CURVE_NOTE,
        y=_Y[one.y],
        x=_X[one.x],
        y_unit=numerals.unit(one.y_unit) or "1",
        x_unit=numerals.unit(found.measurand.unit.symbol) or "1",
        low=low,
        high=high,
    )


def _formula(one: Correction, axes: Axes) -> str:
    origin = axes.x.value(one.fit.origin)
    x = "x" if origin == 0 else f"(x - ({quantities.number(origin)}))"
    terms = {0: "b_0", 1: f"b_1 {x}", 2: f"b_2 {x}^2"}
    return f"y = {' + '.join(terms[power] for power in one.fit.powers)}"


def _quantities(one: Correction, axes: Axes, voice: Voice) -> Iterator[Element]:
    fit = one.fit
    names = ", ".join(f"b{power}" for power in fit.powers)
    yield quantity(voice, said(words.COEFFICIENTS, names=names), _coefficients(one, axes), ref=f"{OWN}coefficients")
    for name, value, ref in (
        (words.RANGE_LOW, fit.range[0], "rangeLow"),
        (words.RANGE_HIGH, fit.range[1], "rangeHigh"),
    ):
        yield quantity(voice, name, quantities.real(axes.x.value(value), axes.x.symbol), ref=f"{OWN}{ref}")
    if fit.dof > 0:
        yield _residuals(one, axes, voice)
    shared = quantities.real(axes.y.difference(one.u_common), axes.y.step)
    yield quantity(voice, words.COMMON, shared, ref=f"{OWN}commonUncertainty")


def _residuals(one: Correction, axes: Axes, voice: Voice) -> Element:
    """Of a fit with known uncertainties they are told in these, and have no unit."""
    fit = one.fit
    told = said(words.WEIGHTED_RESIDUALS if fit.is_known else words.RESIDUALS, dof=fit.dof)
    value = fit.residual_s if fit.is_known else axes.y.difference(fit.residual_s)
    symbol = units.ONE.symbol if fit.is_known else axes.y.step
    return quantity(voice, told, quantities.real(value, symbol), ref=f"{OWN}residuals")


def _coefficients(one: Correction, axes: Axes) -> Element:
    fit = one.fit
    powers = fit.powers
    columns = [
        node(
            "si:column",
            *(axes.covariance(float(fit.covariance[row, at]), powers[row] + powers[at]) for row in range(len(powers))),
        )
        for at in range(len(powers))
    ]
    region = node(
        "si:ellipsoidalRegionXMLList",
        node("si:covarianceMatrix", *columns),
        node("si:coverageFactor", "1"),
        node("si:coverageProbability", quantities.plain(_WITHIN[len(powers)])),
        node("si:distribution", "normal"),
    )
    values = [axes.coefficient(value, power) for value, power in zip(fit.coefficients, powers, strict=True)]
    return node(
        "si:realListXMLList",
        node("si:labelXMLList", " ".join(f"b{power}" for power in powers)),
        node("si:valueXMLList", " ".join(map(quantities.number, values))),
        node("si:unitXMLList", " ".join(axes.unit(power) for power in powers)),
        region,
    )
