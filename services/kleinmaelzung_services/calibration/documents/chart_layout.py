"""Where everything of a chart stands: values in; millimetres from the upper left corner of its plot out. Pure.

Each mark and each point of a trace lies at the linear map of its values; nothing lies outside the frame.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from kleinmaelzung_services.calibration.documents import chart_axes
from kleinmaelzung_services.calibration.documents.blocks import Chart, Mark
from kleinmaelzung_services.calibration.documents.chart_axes import Axis, Measure
from kleinmaelzung_services.calibration.documents.texts import Language

LABEL_MM: Final = 4.5  # the row of labels below the frame
GUTTER_MM: Final = 34.0  # labels on the left that are wider become smaller
RIGHT_MM: Final = 8.0  # half of the last label below
_MARGIN_MM: Final = 2.6  # between the frame and the outermost value; at the sides twice of it
_MANY: Final = 60  # marks, from which on they are smaller
# A ring around a dot, a wide cap beside a narrow one: two marks at the same place are both seen.
RADIUS: Final = {"filled": 0.75, "open": 1.25}
_CAP: Final = {"filled": 0.8, "open": 1.5}

Position = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    left: float
    top: float
    right: float
    bottom: float
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> Position:
        across, up = self.x.share(x), self.y.share(y)
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A mark; its bar reaches from `top` to `bottom`, `cap` to each side. Without an uncertainty there is no bar."""

    x: float
    y: float
    radius: float
    shape: Literal["filled", "open"]
    top: float
    bottom: float
    cap: float

    @property
    def has_bar(self) -> bool:
        return self.bottom > self.top


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    points: tuple[Position, ...]
    style: Literal["limit", "acceptance", "curve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`zero` is the height of the zero line, None where it is not in the frame."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    zero: float | None
    spots: tuple[Spot, ...]
    strokes: tuple[Stroke, ...]


def layout(chart: Chart, width: float, height: float, language: Language, measure: Measure) -> Layout:
    """Lay out a plot of this size, labels included; `measure` tells how wide a label is."""
    frame = _frame(chart, width, height, language, measure)
    x, y = frame.x, frame.y
    return Layout(
        frame=frame,
        x_ticks=tuple(
            Tick(at=frame.at(tick, y.low)[0], label=label) for tick, label in zip(x.ticks, x.labels, strict=True)
        ),
        y_ticks=tuple(
            Tick(at=frame.at(x.low, tick)[1], label=label) for tick, label in zip(y.ticks, y.labels, strict=True)
        ),
        zero=frame.at(x.low, 0.0)[1] if y.low <= 0.0 <= y.high else None,
        spots=tuple(_spot(frame, mark, is_small=len(chart.marks) > _MANY) for mark in chart.marks),
        strokes=tuple(
            Stroke(points=tuple(frame.at(*point) for point in trace.points), style=trace.style)
            for trace in chart.traces
            if trace.points
        ),
    )


def _frame(chart: Chart, width: float, height: float, language: Language, measure: Measure) -> Frame:
    bottom, right = height - LABEL_MM, width - RIGHT_MM
    y = chart_axes.upwards(_heights(chart), bottom, language, margin_mm=_MARGIN_MM)
    left = min(GUTTER_MM, max((measure(label) for label in y.labels), default=0.0)) + 2.0
    x = chart_axes.across(_places(chart), right - left, language, measure, margin_mm=2 * _MARGIN_MM)
    return Frame(left=left, top=0.0, right=right, bottom=bottom, x=x, y=y)


def _places(chart: Chart) -> Iterable[float]:
    yield from (mark.x for mark in chart.marks)
    yield from (x for trace in chart.traces for x, _ in trace.points)


def _heights(chart: Chart) -> Iterable[float]:
    for mark in chart.marks:
        yield from (mark.y - mark.uncertainty, mark.y, mark.y + mark.uncertainty)
    yield from (y for trace in chart.traces for _, y in trace.points)


def _spot(frame: Frame, mark: Mark, *, is_small: bool) -> Spot:
    x, y = frame.at(mark.x, mark.y)
    scale = 0.6 if is_small else 1.0
    return Spot(
        x=x,
        y=y,
        radius=RADIUS[mark.shape] * scale,
        shape=mark.shape,
        top=frame.at(mark.x, mark.y + mark.uncertainty)[1],
        bottom=frame.at(mark.x, mark.y - mark.uncertainty)[1],
        cap=_CAP[mark.shape] * scale,
    )
