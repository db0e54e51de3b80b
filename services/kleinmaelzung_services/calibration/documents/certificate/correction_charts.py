"""The charts of a fitted function: readings with the curve through them, and what is left of them. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation.results import Correction, MeasurandResult
from kleinmaelzung_services.calibration.documents.blocks import Chart, Legend, Mark, Trace
from kleinmaelzung_services.calibration.documents.certificate import fitted_axes
from kleinmaelzung_services.calibration.documents.certificate import words_correction as words
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.engine import prediction

_STEPS: Final = 60  # of a drawn curve


def blocks(sheet: Sheet, result: MeasurandResult, correction: Correction) -> Iterable[Chart]:
    """A raw signal lies on its line as far as an eye can tell: only its residuals are drawn."""
    if correction.y != "raw":
        yield _curve_chart(sheet, result, correction)
    yield _residual_chart(sheet, result, correction)


def _curve_chart(sheet: Sheet, result: MeasurandResult, correction: Correction) -> Chart:
    low, high = correction.fit.range
    xs = [low + (high - low) * step / _STEPS for step in range(_STEPS + 1)]
    curve = tuple((x, prediction.predict(correction.fit, x).y) for x in xs)
    return _chart(
        sheet,
        result,
        correction,
        title=sheet.say(words.CHART_CURVE),
        y_title=fitted_axes.named(sheet, correction.y),
        ys=correction.ys,
        curve=curve,
        legend=(
            Legend(style="filled", text=sheet.say(words.LEGEND_READING)),
            Legend(style="curve", text=sheet.say(words.LEGEND_CURVE)),
        ),
    )


def _residual_chart(sheet: Sheet, result: MeasurandResult, correction: Correction) -> Chart:
    return _chart(
        sheet,
        result,
        correction,
        title=sheet.say(words.CHART_RESIDUALS),
        y_title=sheet.say(words.RESIDUAL),
        ys=[float(each) for each in correction.fit.residuals],
        curve=(),
        legend=(Legend(style="filled", text=sheet.say(words.LEGEND_RESIDUAL)),),
    )


def _chart(
    sheet: Sheet,
    result: MeasurandResult,
    correction: Correction,
    *,
    title: str,
    y_title: str,
    ys: Sequence[float],
    curve: tuple[tuple[float, float], ...],
    legend: tuple[Legend, ...],
) -> Chart:
    """Errors and their residuals in the unit of errors, as everywhere; a raw signal in its own."""
    measurand = result.measurand
    is_raw = correction.y == "raw"

    def shown(value: float) -> float:
        return value if is_raw else units.convert_difference(value, measurand.unit, measurand.error_unit)

    return Chart(
        title=title,
        x_title=fitted_axes.titled(fitted_axes.named(sheet, correction.x), fitted_axes.x_unit(sheet, result)),
        y_title=fitted_axes.titled(
            y_title, fitted_axes.y_unit(correction) if is_raw else sheet.unit(measurand.error_unit)
        ),
        marks=tuple(Mark(x=x, y=shown(y)) for x, y in zip(correction.xs, ys, strict=True)),
        traces=(Trace(points=tuple((x, shown(y)) for x, y in curve), style="curve"),) if curve else (),
        legend=legend,
        height_mm=50.0,
        field="correction",
    )
