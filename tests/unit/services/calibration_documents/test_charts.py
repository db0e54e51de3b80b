"""Charts: each mark at the linear map of its values, nothing outside, axes that people read, in black and white."""

import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.documents import chart_axes, chart_layout
from kleinmaelzung_services.calibration.documents.blocks import Chart, Legend, Mark, Trace
from kleinmaelzung_services.calibration.documents.chart_layout import Layout
from kleinmaelzung_services.calibration.documents.paper import LEFT, RIGHT
from kleinmaelzung_services.calibration.documents.texts import Language
from tests.unit.services.calibration_documents import filled, pages, sheets

POINT_MM = 72 / 25.4
WIDTH, HEIGHT = 173.0, 62.0
numbers = st.floats(-1e300, 1e300, allow_nan=False) | st.floats(-1e-3, 1e-3) | st.integers(-200, 200).map(float)
marks = st.builds(Mark, x=numbers, y=numbers, uncertainty=numbers.map(abs), shape=st.sampled_from(["filled", "open"]))
traces = st.builds(
    Trace,
    points=st.lists(st.tuples(numbers, numbers), max_size=4).map(tuple),
    style=st.sampled_from(["limit", "acceptance", "curve"]),
)


def chart(*shown: Mark, traces: tuple[Trace, ...] = ()) -> Chart:
    return Chart(title="Errors", x_title="Point, g", y_title="Error, mg", marks=shown, traces=traces, field="chart")


def laid(found: Chart, language: Language = "en", height: float = HEIGHT) -> Layout:
    return chart_layout.layout(found, WIDTH, height, language, lambda label: 1.6 * len(label))


def number(label: str) -> float:
    digits, times, power = label.replace("−", "-").partition("·10")
    return (
        float(digits) * 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
        if times
        else float(digits)
    )


def test_marks_bars_and_lines_lie_where_the_ticks_say() -> None:
    found = laid(
        chart(
            *(Mark(x=x, y=y, uncertainty=0.3) for x, y in ((0, -0.1), (50, 0.2), (200, 0.8))),
            traces=(Trace(points=((0, 2.0), (200, 2.0)), style="limit"),),
        )
    )
    (first, *_, last), (low, *_, high) = found.x_ticks, found.y_ticks

    def across(x: float) -> float:
        share = (x - number(first.label)) / (number(last.label) - number(first.label))
        return first.at + share * (last.at - first.at)

    def up(y: float) -> float:
        return low.at + (y - number(low.label)) / (number(high.label) - number(low.label)) * (high.at - low.at)

    for spot, (x, y) in zip(found.spots, ((0, -0.1), (50, 0.2), (200, 0.8)), strict=True):
        assert (spot.x, spot.y) == pytest.approx((across(x), up(y)))
        assert (spot.top, spot.bottom) == pytest.approx((up(y + 0.3), up(y - 0.3)))
    assert [x for x, _ in found.strokes[0].points] == pytest.approx([across(0), across(200)])
    assert [y for _, y in found.strokes[0].points] == pytest.approx([up(2), up(2)])
    assert found.zero == pytest.approx(up(0))
    frame = found.frame
    assert frame.at(frame.x.low, frame.y.low) == pytest.approx((frame.left, frame.bottom))
    assert frame.at(frame.x.high, frame.y.high) == pytest.approx((frame.right, frame.top))


@given(st.lists(marks, max_size=6), st.lists(traces, max_size=3), st.sampled_from([30.0, 62.0, 120.0]))
def test_nothing_is_outside_the_frame_whatever_the_values(shown: list[Mark], lines: list[Trace], height: float) -> None:
    found = laid(chart(*shown, traces=tuple(lines)), height=height)
    frame = found.frame
    assert 0 < frame.left < frame.right <= WIDTH
    assert 0 <= frame.top < frame.bottom < height
    at = [(spot.x + dx, y) for spot in found.spots for dx in (-spot.cap, spot.cap) for y in (spot.top, spot.bottom)]
    at += [(spot.x, spot.y + dy) for spot in found.spots for dy in (-spot.radius, spot.radius)]
    at += [point for stroke in found.strokes for point in stroke.points]
    at += [(tick.at, frame.bottom) for tick in found.x_ticks] + [(frame.left, tick.at) for tick in found.y_ticks]
    assert all(frame.left - 1e-6 <= x <= frame.right + 1e-6 for x, _ in at)
    assert all(frame.top - 1e-6 <= y <= frame.bottom + 1e-6 for _, y in at)


@given(st.lists(numbers, min_size=1, max_size=5))
def test_ticks_are_1_2_or_5_times_a_power_of_ten_apart_and_told_apart(values: list[float]) -> None:
    axis = chart_axes.upwards(values, 60.0, "en", margin_mm=2.6)
    assert 2 <= len(axis.ticks) <= 9
    assert len(set(axis.labels)) == len(axis.labels)
    step = axis.ticks[1] - axis.ticks[0]
    mantissa = step / 10.0 ** math.floor(math.log10(step) + 1e-6)
    assert min(abs(mantissa - wanted) for wanted in (1, 2, 5)) < 1e-3


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 200.0], ["0", "50", "100", "150", "200"]),
        ([-0.2, 0.2], ["−0.2", "−0.1", "0.0", "0.1", "0.2"]),
        ([0.0, 7e-8], ["0", "2·10⁻⁸", "4·10⁻⁸", "6·10⁻⁸"]),
        ([7.0, 7.0], ["6.5", "7.0", "7.5"]),
        ([], ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
    ],
)
def test_ticks_are_round_numbers(values: list[float], labels: list[str]) -> None:
    axis = chart_axes.across(values, 80.0, "en", lambda label: 10.0, margin_mm=5.2)
    assert list(axis.labels) == labels


def test_labels_have_the_sign_of_the_language_and_room_beside_each_other() -> None:
    german = laid(chart(Mark(x=1.25, y=-0.5), Mark(x=2.5, y=0.5)), "de")
    assert "−0,5" not in {tick.label for tick in german.x_ticks}
    assert {"−0,4", "0,0", "0,4"} <= {tick.label for tick in german.y_ticks}
    wide = laid(chart(*(Mark(x=1e9 + x, y=0) for x in range(5))))
    apart = [second.at - first.at for first, second in itertools.pairwise(wide.x_ticks)]
    assert min(apart) > max(1.6 * len(tick.label) for tick in wide.x_ticks)


@pytest.mark.parametrize(("values", "has_zero"), [((0.1, 0.2), True), ((100.1, 100.2), False), ((-0.3, -0.1), True)])
def test_zero_is_shown_where_it_is_not_far(values: tuple[float, float], has_zero: bool) -> None:
    found = laid(chart(*(Mark(x=x, y=y) for x, y in enumerate(values))))
    assert (found.zero is not None) == has_zero


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        laid(chart(Mark(x=1, y=math.nan)))


def test_a_ring_is_seen_around_a_dot_and_its_cap_beside_the_other() -> None:
    dot, ring = laid(chart(Mark(x=1, y=1, uncertainty=1), Mark(x=1, y=1, uncertainty=1, shape="open"))).spots
    assert (dot.x, dot.y) == (ring.x, ring.y)
    assert dot.radius + 0.3 < ring.radius
    assert dot.cap + 0.3 < ring.cap


def test_many_marks_are_smaller() -> None:
    few, many = (laid(chart(*(Mark(x=x, y=math.sin(x)) for x in range(count)))) for count in (5, 200))
    assert len(many.spots) == 200
    assert many.spots[0].radius < few.spots[0].radius


def test_a_drawn_chart_has_its_texts_on_the_page_and_the_legend_below_the_plot() -> None:
    legend = (
        Legend(style="filled", text="upwards"),
        Legend(style="limit", text="limit"),
        Legend(style="acceptance", text="a long explanation " * 12 + "end"),
    )
    lines = (Trace(points=((0, 2), (9, 2)), style="limit"), Trace(points=((0, 1), (9, 1)), style="acceptance"))
    found = dataclasses.replace(
        chart(Mark(x=3, y=0.5, uncertainty=3.0), traces=lines), title="A long title " * 30, legend=legend
    )
    drawn = pages.lines(filled.pdf([found], "de"))
    text = "".join("".join(line.text for line in drawn).split())
    assert text.count("Alongtitle") == 30
    assert text.count("alongexplanation") == 12
    at = {line.text: line for line in drawn}
    assert at["Error, mg"].y > at["0"].y > at["Point, g"].y > at["upwards"].y
    assert at["upwards"].y == pytest.approx(at["limit"].y)
    assert all(LEFT * POINT_MM - 0.01 <= line.x <= (210 - RIGHT) * POINT_MM for line in drawn)


def test_a_chart_is_not_divided_and_lines_have_no_colour() -> None:
    found = chart(Mark(x=3, y=0.5, uncertainty=3.0), traces=(Trace(points=((0, 1), (9, 1)), style="acceptance"),))
    pdf = sheets.pdf(*(found for _ in range(4)))
    drawn = pages.lines(pdf)
    assert drawn[-1].page == 2
    assert [line.page for line in drawn if line.text == "Errors"] == [
        line.page for line in drawn if line.text == "Point, g"
    ]
    with pages.opened(pdf) as opened:
        operators = [str(instruction.operator) for page in opened.pages for instruction in pages.instructions(page)]
    assert "d" in operators  # dashes
    assert not {"rg", "RG", "k", "K"} & set(operators)
