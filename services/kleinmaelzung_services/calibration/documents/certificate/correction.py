"""The function that was fitted to the readings: equation, coefficients, how well it fits, an example; blocks out. Pure.

Of as left where something was adjusted: it is what the instrument is used with. Values inside are those of
Correction, in the measurand's unit (or the raw signal's).
"""

import itertools
import math
from collections.abc import Iterable
from decimal import Decimal

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation.results import Correction, MeasurandResult
from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.blocks import (
    Block,
    Column,
    Heading,
    Paragraph,
    Table,
)
from kleinmaelzung_services.calibration.documents.certificate import correction_charts, figures, fitted_axes, worked
from kleinmaelzung_services.calibration.documents.certificate import words as shared
from kleinmaelzung_services.calibration.documents.certificate import words_correction as words
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.engine import rounding
from kleinmaelzung_services.calibration.engine.fits import LackOfFit

_CURVES = {0: words.CONSTANT, 1: words.LINE, 2: words.QUADRATIC}
_EXPONENTS = ("", "", "²", "³", "⁴")
_LITTLE = 0.05  # p below: the function does not describe the points


def blocks(sheet: Sheet) -> list[Block]:
    series = sheet.results.as_left or sheet.results.as_found
    return [
        block
        for result in series.measurands
        if result.correction is not None
        for block in _of(sheet, result, result.correction)
    ]


def _of(sheet: Sheet, result: MeasurandResult, correction: Correction) -> Iterable[Block]:
    yield Heading(text=_title(sheet, result, correction), field="correction")
    yield Paragraph(text=_introduction(sheet, result, correction), field="correction")
    yield Paragraph(text=equation(sheet, result, correction), field="correction")
    yield Paragraph(text=in_numbers(sheet, correction), field="correction")
    yield _coefficients(sheet, result, correction)
    yield Paragraph(text=sheet.say(words.DIGITS), field="correction")
    if len(correction.fit.powers) > 1:
        yield Heading(text=sheet.say(words.CORRELATION), level=2, field="correction")
        yield _correlation(sheet, correction)
    yield Paragraph(text=uncertainty(sheet, correction), field="correction")
    yield Heading(text=sheet.say(words.FIGURES), level=2, field="correction")
    yield sheet.pairs(list(_figures(sheet, correction)), "correction", label=4.4)
    yield Heading(text=sheet.say(words.WORKED), level=2, field="correction")
    yield sheet.pairs(list(_example(sheet, result, correction)), "correction", label=4.4)
    yield Paragraph(text=sheet.say(words.WORKED_NOTE), field="correction")
    yield from correction_charts.blocks(sheet, result, correction)
    yield Heading(text=sheet.say(words.RESIDUALS), level=2, field="correction")
    yield _residuals(sheet, result, correction)


def _title(sheet: Sheet, result: MeasurandResult, correction: Correction) -> str:
    title = sheet.say(words.CHARACTERISTIC_CURVE if correction.y == "raw" else words.TITLE)
    if sheet.results.as_left is not None:
        title = sheet.say(words.OF_SERIES, title=title, series=sheet.say(shared.AS_LEFT))
    several = len(sheet.template.measurands) > 1
    return f"{title}: {result.measurand.name}" if several else title


def _introduction(sheet: Sheet, result: MeasurandResult, correction: Correction) -> str:
    fit, unit = correction.fit, fitted_axes.x_unit(sheet, result)
    decimals = figures.decimals_on_scale(result.measurand, result.points)
    low, high = (figures.fixed(end, decimals, sheet.language) for end in fit.range)
    return sheet.say(
        words.INTRODUCTION,
        y=fitted_axes.capital(fitted_axes.named(sheet, correction.y)),
        x=fitted_axes.named(sheet, correction.x),
        curve=sheet.say(_CURVES[fit.order]),
        origin=sheet.say(words.THROUGH_ORIGIN, origin=sheet.number(fit.origin)) if 0 not in fit.powers else "",
        count=len(correction.xs),
        weighting=sheet.say(words.WEIGHTED if fit.is_known else words.UNWEIGHTED),
        low=low,
        high=high,
        unit=unit,
    ).replace(" .", ".")


def equation(sheet: Sheet, result: MeasurandResult, correction: Correction) -> str:
    """With the names of its coefficients: their numbers are in the table below."""
    y, x = fitted_axes.letter(correction.y), fitted_axes.letter(correction.x)
    terms = [f"b{_low(power)}{_times(sheet, correction, power)}" for power in correction.fit.powers]
    of_y = _in_unit(fitted_axes.named(sheet, correction.y), fitted_axes.y_unit(correction), sheet)
    of_x = _in_unit(fitted_axes.named(sheet, correction.x), fitted_axes.x_unit(sheet, result), sheet)
    return f"{y} = {' + '.join(terms)}     {y}: {of_y}; {x}: {of_x}"


def uncertainty(sheet: Sheet, correction: Correction) -> str:
    """How u of the function follows from the tables, wherever it holds (GUM 5.2.2, equation 16; H.3.4; ISO 6143)."""
    powers = correction.fit.powers
    own = [f"{_raised(sheet, correction, 2 * power)}u²(b{_low(power)})" for power in powers]
    shared = [
        f"2 · {_raised(sheet, correction, one + other)}r({a}, {b}) · u({a}) · u({b})"
        for one, other in itertools.combinations(powers, 2)
        for a, b in [(f"b{_low(one)}", f"b{_low(other)}")]
    ]
    y = fitted_axes.letter(correction.y)
    return sheet.say(words.UNCERTAINTY, equation=f"u²({y}) = {' + '.join([*own, *shared, 'u₀²'])}")


def _raised(sheet: Sheet, correction: Correction, power: int) -> str:
    """What stands before a term of u²: (I − 20)² and the like."""
    if not power:
        return ""
    return f"{_moved(sheet, correction)}{_EXPONENTS[power]} · "


def in_numbers(sheet: Sheet, correction: Correction) -> str:
    """The same with the coefficients as the table below has them."""
    fit, shown = correction.fit, ""
    for power, value, u in zip(fit.powers, fit.coefficients, fit.uncertainties, strict=True):
        number, _, ten = coefficient(sheet, value, u)
        sign = " − " if number.startswith("−") else " + "
        term = f"{number.lstrip('−')}{'' if ten == '1' else f' · {ten}'}{_times(sheet, correction, power)}"
        shown += f"{sign}{term}" if shown else f"{'−' if sign == ' − ' else ''}{term}"
    return f"{fitted_axes.letter(correction.y)} = {shown}"


def _times(sheet: Sheet, correction: Correction, power: int) -> str:
    """What a coefficient is multiplied by."""
    return f" · {_moved(sheet, correction)}{_EXPONENTS[power]}" if power else ""


def _moved(sheet: Sheet, correction: Correction) -> str:
    x, origin = fitted_axes.letter(correction.x), correction.fit.origin
    return f"({x} {'−' if origin > 0 else '+'} {sheet.number(abs(origin))})" if origin else x


def _in_unit(name: str, unit: str, sheet: Sheet) -> str:
    return sheet.say(words.IN_UNIT, name=name, unit=unit) if unit else name


def _low(power: int) -> str:
    return "₀₁₂"[power]


def _coefficients(sheet: Sheet, result: MeasurandResult, correction: Correction) -> Table:
    fit, x, y = correction.fit, fitted_axes.x_unit(sheet, result), fitted_axes.y_unit(correction)
    rows = [
        (f"b{_low(power)}", *coefficient(sheet, value, u), _per(y, x, power))
        for power, value, u in zip(fit.powers, fit.coefficients, fit.uncertainties, strict=True)
    ]
    columns = (
        Column(title=sheet.say(words.COEFFICIENT), share=2.4, is_label=True),
        Column(title=sheet.say(words.VALUE), share=3.4, align="number"),
        Column(title=sheet.say(words.STANDARD_UNCERTAINTY), share=3.6, align="number"),
        Column(title=sheet.say(words.TIMES), share=1.8, align="center"),
        Column(title=sheet.say(words.UNIT), share=2.0, align="center"),
    )
    return Table(columns=columns, rows=tuple(rows), field="correction")


def coefficient(sheet: Sheet, value: float, u: float) -> tuple[str, str, str]:
    """Value, u and the power of ten that both are multiplied by, one of 10³: small numbers are read wrongly."""
    largest = max(abs(value), u)
    exponent = 3 * math.floor(math.log10(largest) / 3) if largest and not 1e-2 <= largest < 1e5 else 0
    scaled, own = (Decimal(repr(each)).scaleb(-exponent) for each in (value, u))
    if own <= 0:
        return figures.significant(float(scaled), 8, sheet.language), "0", _ten(exponent)
    rounded = rounding.uncertainty(own)
    shown = rounding.to_place_of(scaled, rounded.scaleb(-2))
    return numerals.rounded(shown, sheet.language), numerals.rounded(rounded, sheet.language), _ten(exponent)


def _ten(exponent: int) -> str:
    return f"10{str(exponent).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}" if exponent else "1"


def _per(y: str, x: str, power: int) -> str:
    """The unit of a coefficient: mA/kPa²."""
    if not power or not x:
        return y or "1"
    if y == x and power == 1:
        return "1"
    below = f"{x}{_EXPONENTS[power]}" if "/" not in x else f"({x}){_EXPONENTS[power]}"
    return f"1/{x}" if y == x else f"{y or '1'}/{below}"


def _correlation(sheet: Sheet, correction: Correction) -> Table:
    powers = correction.fit.powers
    columns = (
        Column(title="", share=1, is_label=True),
        *(Column(title=f"b{_low(power)}", share=1, align="number") for power in powers),
    )
    rows = tuple(
        (f"b{_low(power)}", *(figures.fixed(float(r), 3, sheet.language) for r in row))
        for power, row in zip(powers, correction.fit.correlation, strict=True)
    )
    return Table(columns=columns, rows=rows, field="correction")


def _figures(sheet: Sheet, correction: Correction) -> Iterable[tuple[str, str]]:
    fit, unit = correction.fit, fitted_axes.y_unit(correction)
    if fit.is_known:
        yield sheet.say(words.CHI), figures.significant(fit.residual_s, 3, sheet.language)
        gamma = max(abs(r) / u for r, u in zip(fit.residuals.tolist(), correction.weighted_by, strict=True))
        yield sheet.say(words.GAMMA), figures.significant(gamma, 3, sheet.language)
    else:
        yield sheet.say(words.RESIDUAL_S), f"{figures.significant(fit.residual_s, 3, sheet.language)} {unit}".strip()
    yield sheet.say(words.DOF), str(fit.dof)
    if fit.lack_of_fit is not None:
        yield sheet.say(words.LACK_OF_FIT), _lack_of_fit(sheet, fit.lack_of_fit)
    u = figures.significant(correction.u_common, 2, sheet.language)
    yield sheet.say(words.COMMON), sheet.say(words.COMMON_IS, u=u, unit=unit).replace(" ;", ";")


def _lack_of_fit(sheet: Sheet, found: LackOfFit) -> str:
    return sheet.say(
        words.LACK_OF_FIT_IS,
        f=figures.significant(found.f, 3, sheet.language),
        lack=found.dof_lack,
        pure=found.dof_pure,
        p=figures.fixed(found.p_value, 3, sheet.language),
        verdict=sheet.say(words.FITS if found.p_value >= _LITTLE else words.FITS_NOT),
    )


def _example(sheet: Sheet, result: MeasurandResult, correction: Correction) -> Iterable[tuple[str, str]]:
    found = worked.example(result, correction)
    unit, y_unit = fitted_axes.x_unit(sheet, result), fitted_axes.y_unit(correction)
    if found.is_inverse:
        value, expanded = worked.rounded(found.x, found.expanded)
        yield fitted_axes.capital(fitted_axes.named(sheet, correction.y)), f"{sheet.number(found.y)} {y_unit}".strip()
        yield sheet.say(words.MEASURED), f"{numerals.rounded(value, sheet.language)} {unit}".strip()
        yield sheet.say(words.EXPANDED), _expanded(sheet, found, expanded, unit)
        return
    if correction.y == "raw":
        value, expanded = worked.rounded(found.y, found.expanded)
        yield fitted_axes.capital(fitted_axes.named(sheet, correction.x)), f"{sheet.number(found.x)} {unit}".strip()
        shown = f"{numerals.rounded(value, sheet.language)} {y_unit}".strip()
        yield sheet.say(words.BY_FUNCTION, name=fitted_axes.capital(fitted_axes.named(sheet, correction.y))), shown
        yield sheet.say(words.EXPANDED), _expanded(sheet, found, expanded, y_unit)
        return
    yield from _corrected(sheet, result, correction, found)


def _corrected(
    sheet: Sheet, result: MeasurandResult, correction: Correction, found: worked.Worked
) -> Iterable[tuple[str, str]]:
    """The error in its own unit, and the reading without it; over the reference there is no reading."""
    measurand, unit = result.measurand, fitted_axes.x_unit(sheet, result)
    error_unit = sheet.unit(measurand.error_unit)
    error, U = (  # noqa: N806 - U is the expanded uncertainty, u the standard one
        units.convert_difference(each, measurand.unit, measurand.error_unit) for each in (found.y, found.expanded)
    )
    value, expanded = worked.rounded(error, U)
    decimals = figures.decimals_of(measurand, expanded)
    is_error = correction.y == "error"
    is_reading = correction.x == "indication"
    label = words.READING if is_reading else words.AT_REFERENCE
    yield sheet.say(label), f"{figures.fixed(found.x, decimals, sheet.language)} {unit}".strip()
    name = sheet.say(words.BY_FUNCTION, name=fitted_axes.capital(fitted_axes.named(sheet, correction.y)))
    yield name, f"{numerals.rounded(value, sheet.language)} {error_unit}".strip()
    if is_reading:
        corrected = found.x - found.y if is_error else found.x + found.y
        sentence = words.READING_LESS if is_error else words.READING_PLUS
        shown = figures.fixed(corrected, decimals, sheet.language)
        yield sheet.say(words.CORRECTED), sheet.say(sentence, value=shown, unit=unit).replace("  ", " ")
    yield sheet.say(words.EXPANDED), _expanded(sheet, found, expanded, error_unit)


def _expanded(sheet: Sheet, found: worked.Worked, expanded: Decimal, unit: str) -> str:
    return sheet.say(
        words.EXPANDED_IS,
        expanded=numerals.rounded(expanded, sheet.language),
        unit=unit,
        k=figures.fixed(found.k, 2, sheet.language),
        p=sheet.number(round(100 * found.p, 2)),
    ).replace(" ,", ",")


def _residuals(sheet: Sheet, result: MeasurandResult, correction: Correction) -> Table:
    """With two places more than the residual's s needs, so that each can be computed from the other two."""
    decimals = figures.decimals_on_scale(result.measurand, result.points)
    xs = [figures.fixed(x, decimals, sheet.language) for x in correction.xs]
    places = _places(correction)
    residuals = [float(each) for each in correction.fit.residuals]
    columns = (
        Column(title=sheet.say(words.NUMBER), share=1, align="number"),
        Column(
            title=fitted_axes.titled(fitted_axes.named(sheet, correction.x), fitted_axes.x_unit(sheet, result)),
            share=3,
            align="number",
        ),
        Column(
            title=fitted_axes.titled(fitted_axes.named(sheet, correction.y), fitted_axes.y_unit(correction)),
            share=3,
            align="number",
        ),
        Column(
            title=fitted_axes.titled(sheet.say(words.BY_CURVE), fitted_axes.y_unit(correction)), share=3, align="number"
        ),
        Column(
            title=fitted_axes.titled(sheet.say(words.RESIDUAL), fitted_axes.y_unit(correction)), share=3, align="number"
        ),
    )
    rows = tuple(
        (str(number), x, *(figures.fixed(each, places, sheet.language) for each in (y, y - residual, residual)))
        for number, (x, y, residual) in enumerate(zip(xs, correction.ys, residuals, strict=True), 1)
    )
    return Table(columns=columns, rows=rows, field="correction")


def _places(correction: Correction) -> int:
    largest = max(abs(float(each)) for each in correction.fit.residuals)
    if largest <= 1e-12 * max(abs(y) for y in correction.ys):  # through all of them
        return 3
    return max(0, min(12, 2 - math.floor(math.log10(largest))))
