"""The chart of a measurand's errors: points with U, limits and what is accepted within them, over the points. Pure."""

import math
from collections.abc import Iterable, Sequence

from kleinmaelzung_services.calibration.calculation import verdicts
from kleinmaelzung_services.calibration.calculation.results import MeasurandResult
from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Chart, Legend, Mark, Trace
from kleinmaelzung_services.calibration.documents.certificate import words_results as words
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.templates.template import Acceptance, Limit

_HEIGHT_MM = 62.0


def chart(sheet: Sheet, result: MeasurandResult) -> Chart:
    measurand = result.measurand
    is_error = measurand.direction == "error"
    return Chart(
        title=sheet.say(words.CHART_ERRORS if is_error else words.CHART_CORRECTIONS),
        x_title=sheet.titled(texts.POINT, measurand.unit),
        y_title=sheet.titled(texts.ERROR if is_error else texts.CORRECTION, measurand.error_unit),
        marks=tuple(_marks(result)),
        traces=traces(result),
        legend=tuple(_legend(sheet, result)),
        height_mm=_HEIGHT_MM,
        field="results",
    )


def traces(result: MeasurandResult) -> tuple[Trace, ...]:
    """The limits between the first and the last point; a step of them is a gap, not a slope."""
    acceptance = result.measurand.acceptance
    if acceptance is None:
        return ()
    return tuple(trace for limit in acceptance.limits for trace in _of_limit(result, acceptance, limit))


def _marks(result: MeasurandResult) -> Iterable[Mark]:
    """Up is a dot and down a ring: at the same place the ring is around the dot."""
    for point in result.points:
        yield Mark(
            x=point.nominal,
            y=point.error,
            uncertainty=point.uncertainty.expanded,
            shape="filled" if point.direction == "up" else "open",
        )


def _of_limit(result: MeasurandResult, acceptance: Acceptance, limit: Limit) -> Iterable[Trace]:
    first, last = _ends(result)
    start, end = max(first, limit.above), min(last, limit.upto)
    if start >= end:
        return
    start = math.nextafter(start, math.inf) if start == limit.above else start
    inside = sorted({point.nominal for point in result.points if start < point.nominal < end} | {start, end})
    pairs = [(x, verdicts.limits(result.measurand, acceptance, x, x)) for x in inside]
    for side in (0, 1):
        if edge := [(x, value) for x, both in pairs if (value := both[side]) is not None]:
            yield Trace(points=tuple(edge), style="limit")
    if acceptance.rule != "simple":
        yield from _accepted([(x, both, acceptance.guard_factor * _expanded(result, x)) for x, both in pairs])


def _accepted(pairs: Sequence[tuple[float, tuple[float | None, float | None], float]]) -> Iterable[Trace]:
    """The limits drawn in by the guard band; nothing where they would cross."""
    if any(low is not None and high is not None and low + band > high - band for _, (low, high), band in pairs):
        return
    lower = tuple((x, low + band) for x, (low, _), band in pairs if low is not None)
    upper = tuple((x, high - band) for x, (_, high), band in pairs if high is not None)
    yield from (Trace(points=edge, style="acceptance") for edge in (lower, upper) if edge)


def _ends(result: MeasurandResult) -> tuple[float, float]:
    """Of the points; of the whole range where there is only one."""
    low, high = min(point.nominal for point in result.points), max(point.nominal for point in result.points)
    return (low, high) if low < high else (result.measurand.display.low, result.measurand.display.high)


def _expanded(result: MeasurandResult, x: float) -> float:
    """The larger U of both directions, straight from point to point."""
    known = dict[float, float]()
    for point in result.points:
        known[point.nominal] = max(point.uncertainty.expanded, known.get(point.nominal, 0.0))
    below = max((each for each in known if each <= x), default=min(known))
    above = min((each for each in known if each >= x), default=max(known))
    if below == above:
        return known[below]
    return known[below] + (known[above] - known[below]) * (x - below) / (above - below)


def _legend(sheet: Sheet, result: MeasurandResult) -> Iterable[Legend]:
    ways = {point.direction for point in result.points}
    if "up" in ways:
        yield Legend(style="filled", text=sheet.say(words.LEGEND_UP if len(ways) > 1 else words.LEGEND))
    if "down" in ways:
        yield Legend(style="open", text=sheet.say(words.LEGEND_DOWN))
    if result.measurand.acceptance is not None:
        yield Legend(style="limit", text=sheet.say(words.LEGEND_LIMIT))
        if any(trace.style == "acceptance" for trace in traces(result)):
            yield Legend(style="acceptance", text=sheet.say(words.LEGEND_ACCEPTANCE))
