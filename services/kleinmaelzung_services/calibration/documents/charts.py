"""Charts on paper, of lines and dots that print in black and white: title, plot with its axes, legend below.

chart_layout.py says where everything stands. The title of the vertical axis is above it: nobody turns their head.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration.documents import chart_layout
from kleinmaelzung_services.calibration.documents.blocks import Chart, Legend
from kleinmaelzung_services.calibration.documents.chart_layout import LABEL_MM, RADIUS, RIGHT_MM, Layout, Spot, Tick
from kleinmaelzung_services.calibration.documents.paper import BODY, GREY, LEFT, SMALL_PT, WIDTH, Paper

_LINE: Final = 3.8  # of small text
_GAP_MM: Final = 2.5  # above and below
_SAMPLE_MM: Final = 9.0  # of a line in the legend
_BESIDE: Final = 6.0  # between two entries of the legend
# Thickness of lines in mm, and their dashes with the gaps between.
_STROKES: Final = {"limit": (0.55, 0.0, 0.0), "acceptance": (0.35, 2.2, 1.3), "curve": (0.18, 0.0, 0.0)}
_THIN: Final = 0.18


@dataclass(frozen=True, slots=True)
class _Entry:
    """Of the legend: where it stands from its upper left corner, and its text in lines."""

    legend: Legend
    x: float
    y: float
    lines: tuple[str, ...]


def height_mm(paper: Paper, chart: Chart) -> float:
    """All of it, or a page where its texts are so long."""
    return min(BODY, _words_mm(paper, chart) + chart.height_mm + _legend_mm(paper, chart) + 2 * _GAP_MM)


def draw(paper: Paper, chart: Chart) -> None:
    paper.set_y(paper.get_y() + _GAP_MM)
    _write(paper, chart.title, bold=True)
    _write(paper, chart.y_title)
    if chart.height_mm > paper.room:
        paper.add_page()
    _plot(paper, chart)
    _write(paper, chart.x_title, align="R", width=WIDTH - RIGHT_MM)
    _draw_legend(paper, chart)
    paper.set_xy(LEFT, paper.get_y() + _GAP_MM)


def _words_mm(paper: Paper, chart: Chart) -> float:
    above = _lines(paper, chart.title, bold=True) + _lines(paper, chart.y_title)
    return len(above + _lines(paper, chart.x_title, width=WIDTH - RIGHT_MM)) * _LINE


def _lines(paper: Paper, text: str, *, bold: bool = False, width: float = WIDTH) -> list[str]:
    return paper.wrapped(text, width, bold=bold, size_pt=SMALL_PT)


def _write(paper: Paper, text: str, *, bold: bool = False, align: str = "L", width: float = WIDTH) -> None:
    for line in _lines(paper, text, bold=bold, width=width):
        if paper.room < _LINE:
            paper.add_page()
        top = paper.get_y()
        paper.put((LEFT, top), line, width, align=align, bold=bold, size_pt=SMALL_PT)
        paper.set_xy(LEFT, top + _LINE)


def _plot(paper: Paper, chart: Chart) -> None:
    paper.use(size_pt=SMALL_PT)
    found = chart_layout.layout(chart, WIDTH, chart.height_mm, paper.document.language, paper.get_string_width)
    top = paper.get_y()
    _draw_axes(paper, found, top)
    for stroke in found.strokes:
        _draw_stroke(paper, stroke.style, [(LEFT + x, top + y) for x, y in stroke.points])
    _draw_spots(paper, found.spots, top)
    paper.set_xy(LEFT, top + chart.height_mm)


def _draw_axes(paper: Paper, found: Layout, top: float) -> None:
    frame = found.frame
    _pen(paper, _THIN)
    paper.rect(LEFT + frame.left, top + frame.top, frame.right - frame.left, frame.bottom - frame.top)
    for tick, width in zip(found.x_ticks, _rooms(found.x_ticks, frame.right - frame.left), strict=True):
        x = LEFT + tick.at
        paper.line(x, top + frame.bottom, x, top + frame.bottom - 1.2)
        paper.put((x - width / 2, top + frame.bottom + 0.6), tick.label, width, align="C", size_pt=SMALL_PT)
    for tick in found.y_ticks:
        y = top + tick.at
        paper.line(LEFT + frame.left, y, LEFT + frame.left + 1.2, y)
        paper.put((LEFT, y - LABEL_MM / 2 + 0.5), tick.label, frame.left - 1.0, align="R", size_pt=SMALL_PT)
    if found.zero is not None:
        _pen(paper, _THIN, grey=GREY)
        paper.line(LEFT + frame.left, top + found.zero, LEFT + frame.right, top + found.zero)


def _rooms(ticks: Sequence[Tick], width: float) -> Iterator[float]:
    """How wide each label may be: as far as the next tick, and not off the page."""
    apart = ticks[1].at - ticks[0].at if len(ticks) > 1 else width
    yield from (min(apart - 1.0, 2 * (WIDTH - tick.at), 2 * tick.at) for tick in ticks)


def _draw_stroke(paper: Paper, style: str, points: Sequence[tuple[float, float]]) -> None:
    thickness, dash, gap = _STROKES[style]
    _pen(paper, thickness)
    with_dashes = dash > 0
    if with_dashes:
        paper.set_dash_pattern(dash=dash, gap=gap)
    paper.polyline(points)
    if with_dashes:
        paper.set_dash_pattern()


def _draw_spots(paper: Paper, spots: Sequence[Spot], top: float) -> None:
    """Bars, then rings, then dots: what is small is not hidden by what is large."""
    _pen(paper, _THIN)
    for spot in spots:
        if spot.has_bar:
            x = LEFT + spot.x
            paper.line(x, top + spot.top, x, top + spot.bottom)
            for y in (spot.top, spot.bottom):
                paper.line(x - spot.cap, top + y, x + spot.cap, top + y)
    for spot in sorted(spots, key=lambda spot: spot.shape == "filled"):
        _draw_dot(paper, (LEFT + spot.x, top + spot.y), spot.radius, spot.shape)


def _draw_dot(paper: Paper, at: tuple[float, float], radius: float, shape: str) -> None:
    _pen(paper, 0.25)
    paper.set_fill_color(0 if shape == "filled" else 255)
    paper.circle(*at, radius, style="DF")


def _pen(paper: Paper, thickness: float, *, grey: int = 0) -> None:
    paper.set_line_width(thickness)
    paper.set_draw_color(grey)


def _legend(paper: Paper, chart: Chart) -> list[_Entry]:
    """Entries beside each other as far as they fit."""
    found, x, y, most = list[_Entry](), 0.0, 0.0, 1
    for legend in chart.legend:
        lines = _lines(paper, legend.text, width=WIDTH - _SAMPLE_MM - 1.0)
        paper.use(size_pt=SMALL_PT)
        width = _SAMPLE_MM + 1.0 + max(map(paper.get_string_width, lines), default=0.0)
        if x and x + width > WIDTH:
            x, y, most = 0.0, y + most * _LINE, 1
        found.append(_Entry(legend, x, y, tuple(lines)))
        x, most = x + width + _BESIDE, max(most, len(lines))
    return found


def _legend_mm(paper: Paper, chart: Chart) -> float:
    return max((entry.y + len(entry.lines) * _LINE for entry in _legend(paper, chart)), default=0.0)


def _draw_legend(paper: Paper, chart: Chart) -> None:
    entries = _legend(paper, chart)
    top, start = paper.get_y(), 0.0
    for entry in entries:
        if top + entry.y - start + _LINE > paper.get_y() + paper.room:
            paper.add_page()
            top, start = paper.get_y(), entry.y
        _draw_entry(paper, entry, top + entry.y - start)
    paper.set_y(top + _legend_mm(paper, chart) - start)


def _draw_entry(paper: Paper, entry: _Entry, y: float) -> None:
    x, middle = LEFT + entry.x, y + _LINE / 2 - 0.2
    if entry.legend.style in _STROKES:
        _draw_stroke(paper, entry.legend.style, [(x, middle), (x + _SAMPLE_MM - 1.0, middle)])
    else:
        _draw_dot(paper, (x + _SAMPLE_MM / 2, middle), RADIUS[entry.legend.style], entry.legend.style)
    for number, line in enumerate(entry.lines):
        paper.put((x + _SAMPLE_MM + 1.0, y + number * _LINE), line, WIDTH - entry.x - _SAMPLE_MM, size_pt=SMALL_PT)
