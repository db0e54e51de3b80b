"""Results, correction function and budgets of a certificate: what is printed is what was calculated."""

import dataclasses
import math
from collections.abc import Sequence
from datetime import timedelta

import pytest

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import MeasurandResult, Results
from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.blocks import Block, Chart, Heading, Paragraph
from kleinmaelzung_services.calibration.documents.certificate import (
    budgets,
    correction,
    error_charts,
    figures,
    findings,
    worked,
)
from kleinmaelzung_services.calibration.documents.texts import LANGUAGES, Language
from kleinmaelzung_services.calibration.engine import rounding
from kleinmaelzung_services.calibration.engine.montecarlo import Propagated
from kleinmaelzung_services.calibration.templates.template import Coverage, Fit
from tests.unit.services.calibration_documents import filled, pages
from tests.unit.services.calibration_records import examples
from tests.unit.services.calibration_records.examples import Key, manual

RUNS: tuple[Key, ...] = ("as_found", "tests")
ADJUSTED = {"text": "span adjusted", "by": "A. Example", "at": "2026-03-10T10:10:00+00:00", "before": "1", "after": "2"}


def all_blocks(found: Results, language: Language = "en") -> list[Block]:
    sheet = filled.sheet(found, language)
    return [*findings.blocks(sheet), *correction.blocks(sheet), *budgets.blocks(sheet)]


def changed(name: str, **values: object) -> Results:
    """The example with another acceptance, budget or fit in its template."""
    template = examples.TEMPLATES[name]
    (measurand,) = template.measurands
    other = dataclasses.replace(measurand, **values)  # type: ignore[arg-type]  # what a measurand has
    return calculating.calculate(dataclasses.replace(template, measurands=(other,)), examples.record(name))


def read(place: int, value: float) -> tuple[tuple[Key, ...], object]:
    """The balance's indication at a load, typed in."""
    return (*RUNS, 2, "readings", place, "indication"), manual(value, "g")


def as_left() -> Results:
    left = examples.later("balance", timedelta(hours=1, minutes=20))
    return examples.results("balance", read(5, 200.0035), (("adjustment",), ADJUSTED), (("as_left",), left))


def said(blocks: Sequence[Block]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph | Heading))


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", ["balance", "thermometer"])
def test_every_printed_result_is_the_rounded_one_and_its_points_stand_in_line(name: str, language: Language) -> None:
    found = filled.results(name)
    (result,) = found.as_found.measurands
    drawn = pages.lines(filled.pdf(findings.blocks(filled.sheet(found, language)), language))
    rows = [[line for line in drawn if abs(line.y - arrow.y) < 0.1] for arrow in drawn if arrow.text in ("↑", "↓")]
    assert len(rows) == len(result.points)
    comma = "," if language == "de" else "."
    for row, point in zip(rows, result.points, strict=True):
        error, expanded = rounding.texts(point.error, point.uncertainty.expanded)
        printed = [line.text.replace("−", "-").replace(comma, ".") for line in row]
        assert printed[3:5] == [error, expanded]
        assert float(printed[2]) == pytest.approx(point.indication, abs=10.0 ** -len(printed[2].partition(".")[2]))
        assert float(printed[1]) == pytest.approx(point.reference, abs=10.0 ** -len(printed[1].partition(".")[2]))
        assert printed[5] == f"{point.uncertainty.k:.2f}"
    for column in range(1, 6):
        places = [_point_at(row[column]) for row in rows]
        assert max(places) - min(places) < 0.1


def _point_at(line: pages.Line) -> float:
    """Where the decimal sign is: digits of the font are all as wide, its minus is wider."""
    before, _ = numerals.split(line.text)
    signs = before.count("−")
    return line.x + 8.0 * (0.636 * (len(before) - signs) + 0.838 * signs)


@pytest.mark.parametrize("name", sorted(examples.TEMPLATES))
def test_tables_of_every_template_fit_and_no_number_is_broken(name: str) -> None:
    for language in LANGUAGES:
        blocks = all_blocks(filled.results(name), language)
        printed = pages.texts(filled.pdf(blocks, language))
        cells = [cell for table in filled.tables(blocks) for row in table.rows for cell in row]
        numbers = [cell for cell in cells if numerals.is_number(cell)]
        assert len(numbers) > 30
        assert [cell for cell in numbers if cell not in printed] == []
        words = {word for table in filled.tables(blocks) for one in table.columns for word in one.title.split()}
        assert [word for word in words if not any(word in text.split() for text in printed)] == []


def test_verdict_and_worst_point_stand_before_all_else() -> None:
    first, results, *_ = filled.tables(findings.blocks(filled.sheet(filled.results("balance"))))
    assert first.rows == (
        ("Conformity", "pass"),
        ("Worst point", "200 g upwards: error 0.77 mg, U = 0.77 mg, limits ±2 mg"),
    )
    (marked,) = results.marked
    assert results.rows[marked][1].startswith("200.")


def test_a_fail_names_its_point_and_a_result_that_is_not_kept() -> None:
    found = examples.results("balance", read(5, 200.0035))
    first, *_ = filled.tables(findings.blocks(filled.sheet(found, "de")))
    assert first.rows[0] == ("Konformität", "nicht konform")
    assert first.rows[1][1].startswith("200 g aufwärts: Abweichung 3,46 mg")
    first, *_ = filled.tables(findings.blocks(filled.sheet(filled.results("ph-meter"))))
    assert first.rows[:2] == (("Conformity", "fail"), ("Not kept", "slope, as a share of the theoretical one"))


def test_as_found_and_as_left_are_both_there_in_full_and_the_adjustment_between() -> None:
    found = as_left()
    blocks = findings.blocks(filled.sheet(found))
    headings = [block.text for block in blocks if isinstance(block, Heading) and block.level == 1]
    assert headings == ["Results as found", "Adjustment", "Results as left"]
    tables = [table for table in filled.tables(blocks) if table.columns[-1].title == "Risk"]
    assert [len(table.rows) for table in tables] == [12, 12]
    assert ["fail" in filled.column(table, "Verdict") for table in tables] == [True, False]
    assert len([block for block in blocks if isinstance(block, Chart)]) == 2
    (adjustment,) = [table for table in filled.tables(blocks) if table.field == "adjustment"]
    assert [row[1] for row in adjustment.rows] == ["span adjusted", "1", "2", "A. Example, 2026-03-10 10:10 UTC"]
    assert "No adjustment" not in said(blocks)
    titles = [block.text for block in budgets.blocks(filled.sheet(found)) if isinstance(block, Heading)]
    assert [title for title in titles if title.startswith("Uncertainty")] == [
        "Uncertainty budget, as found",
        "Uncertainty budget, as left",
    ]
    assert "Correction function, as left" in said(correction.blocks(filled.sheet(found)))


def test_without_an_adjustment_it_says_so() -> None:
    assert "No adjustment was made" in said(findings.blocks(filled.sheet(filled.results("balance"))))
    assert "nicht justiert" in said(findings.blocks(filled.sheet(filled.results("balance"), "de")))


def test_a_correction_is_titled_and_signed_as_the_template_says() -> None:
    result = filled.results("thermometer").as_found.measurands[0]
    table = filled.tables(findings.blocks(filled.sheet(filled.results("thermometer"))))[1]
    first = result.points[0]
    assert filled.column(table, "Correction")[0] == "−20"
    assert first.reference - first.indication == pytest.approx(-0.0196)
    assert "Correction = reference − indication." in said(findings.blocks(filled.sheet(filled.results("thermometer"))))


def test_repeats_are_shown_with_s_where_there_are_several() -> None:
    table = filled.tables(findings.blocks(filled.sheet(filled.results("pipette"))))[1]
    assert filled.column(table, "n") == ["10", "10", "10"]
    assert len({*filled.column(table, "s,")}) > 1
    plain = filled.tables(findings.blocks(filled.sheet(filled.results("balance"))))[1]
    assert "n" not in [column.title for column in plain.columns]


def test_without_limits_no_conformity_is_stated_and_nothing_of_limits_is_printed() -> None:
    blocks = findings.blocks(filled.sheet(changed("balance", acceptance=None)))
    first, table, *_ = filled.tables(blocks)
    assert first.rows[0][1] == "not stated: the template has no limits"
    assert [column.title.split(",")[0] for column in table.columns] == [
        "",
        "Reference",
        "Indication",
        "Error",
        "U",
        "k",
    ]
    (chart,) = [block for block in blocks if isinstance(block, Chart)]
    assert chart.traces == ()
    assert [one.style for one in chart.legend] == ["filled", "open"]


def test_where_no_statement_is_possible_it_says_why_and_where() -> None:
    blocks = findings.blocks(filled.sheet(examples.results("balance", (("answers", 0, "value"), 4.0))))
    assert "No statement is possible where U is larger than half the tolerance: 0, 10, 50, 100, 150, 200 g." in said(
        blocks
    )
    moved: tuple[Key, ...] = (*RUNS, 1, "readings", 0, "indication")
    blocks = findings.blocks(filled.sheet(examples.results("thermometer", (moved, manual(0.3, "degC"))), "de"))
    assert "Der Kontrollpunkt 0 °C hat sich um" in said(blocks)
    assert "nicht eingehalten" in " ".join(
        cell for table in filled.tables(blocks) for row in table.rows for cell in row
    )


def test_notes_of_points_are_told_once_in_the_language_with_their_points() -> None:
    result = filled.results("balance").as_found.measurands[0]
    note = "repeatability: all readings were equal, the resolution carries it"
    points = tuple(dataclasses.replace(point, notes=(note,)) for point in result.points)
    found = filled.results("balance")
    series = dataclasses.replace(found.as_found, measurands=(dataclasses.replace(result, points=points),))
    text = said(findings.blocks(filled.sheet(dataclasses.replace(found, as_found=series), "de")))
    assert text.count("repeatability: Alle Anzeigen waren gleich") == 1
    assert "(0, 10, 50, 100, 150, 200 g)" in text


def test_what_the_tests_found_is_there_with_its_limits() -> None:
    cells = [row for table in filled.tables(all_blocks(filled.results("balance"))) for row in table.rows]
    assert ("Hysteresis", "0.112", "100", "largest difference of the way down from the way up") in cells
    assert ("front right", "0.300") in cells
    assert ("Largest, without sign", "0.300") in cells
    cells = [row for table in filled.tables(all_blocks(filled.results("thermometer"))) for row in table.rows]
    assert ("Shift of the check point", "3.4", "0", "permitted ±20 mK: kept") in cells
    cells = [row for table in filled.tables(all_blocks(filled.results("ph-meter"))) for row in table.rows]
    (zero,) = [row for row in cells if row[0] == "zero point: voltage at pH 7"]
    (computed,) = [one for one in filled.results("ph-meter").as_found.measurands[0].computed if one.name == zero[0]]
    assert computed.uncertainty is not None
    assert zero[1:3] == rounding.texts(computed.value, computed.uncertainty.expanded)
    assert zero[4:] == ("mV", "−30 to 30 mV", "kept")
    several = [table.columns for table in filled.tables(all_blocks(filled.results("climate-chamber")))]
    assert ["Position", "At 15 °C", "At 25 °C", "At 35 °C"] in [[one.title for one in columns] for columns in several]


def test_a_computed_result_shows_on_which_side_of_its_limit_it_is() -> None:
    found = filled.results("ph-meter")
    (result,) = found.as_found.measurands
    close = dataclasses.replace(result.computed[2], value=102.0004)
    other = dataclasses.replace(result, computed=(close,))
    series = dataclasses.replace(found.as_found, measurands=(other,))
    cells = [
        row
        for table in filled.tables(findings.blocks(filled.sheet(dataclasses.replace(found, as_found=series))))
        for row in table.rows
    ]
    (shown,) = [row for row in cells if row[0] == close.name]
    assert (shown[1], *shown[4:]) == ("102.0004", "%", "95 to 102 %", "not kept")


def test_analyses_that_the_template_does_not_name_are_left_out() -> None:
    found = filled.results("balance")
    template = dataclasses.replace(found.template, analyses=("error_table",))
    names = [
        row[0]
        for table in filled.tables(findings.blocks(filled.sheet(dataclasses.replace(found, template=template))))
        for row in table.rows
    ]
    assert "Hysteresis" not in names
    assert "Repeatability s" in names


def test_limits_in_the_chart_are_steps_and_acceptance_is_drawn_in_by_u() -> None:
    (result,) = filled.results("balance").as_found.measurands
    limits = [trace.points for trace in error_charts.traces(result) if trace.style == "limit"]
    assert [{y for _, y in points} for points in limits] == [{-1.0}, {1.0}, {-2.0}, {2.0}]
    assert [points[0][0] for points in limits] == pytest.approx([0, 0, 50, 50])
    assert [points[-1][0] for points in limits] == [50, 50, 200, 200]
    accepted = [trace.points for trace in error_charts.traces(result) if trace.style == "acceptance"]
    assert accepted[3][-1] == pytest.approx((200, 2 - result.worst.uncertainty.expanded))
    assert accepted[1][0] == pytest.approx((0, 1 - result.points[0].uncertainty.expanded))


def test_a_single_point_has_limits_over_the_whole_range() -> None:
    (result,) = filled.results("balance").as_found.measurands
    alone = dataclasses.replace(result, points=result.points[3:4])
    assert {x for trace in error_charts.traces(alone) for x, _ in trace.points} >= {0, 50, 200}


def test_the_correction_function_has_its_coefficients_and_a_reading_that_can_be_computed_from_them() -> None:
    found = filled.results("thermometer")
    (result,) = found.as_found.measurands
    assert result.correction is not None
    blocks = correction.blocks(filled.sheet(found))
    assert "b = −0.021150 − 388.05 · 10⁻⁶ · I" in said(blocks)
    coefficients, correlation, fitted, example, residuals = filled.tables(blocks)
    assert coefficients.rows == (
        ("b₀", "−0.021150", "0.0027", "1", "°C"),
        ("b₁", "−388.05", "44", "10⁻⁶", "1"),
    )
    assert correlation.rows[0] == ("b₀", "1.000", "−0.817")
    assert ("Degrees of freedom", "8") in fitted.rows
    reading, by_function, corrected, expanded = (row[1] for row in example.rows)
    assert (reading, by_function) == ("60.000 °C", "−44 mK")
    assert corrected == "59.956 °C (reading + correction)"
    assert expanded == "19 mK, k = 2.00 (95.45 %)"
    assert result.correction.at(60).y == pytest.approx(-0.021150 - 388.05e-6 * 60, abs=1e-6)
    for row in residuals.rows:
        y, by_curve, residual = (float(cell.replace("−", "-")) for cell in row[2:])
        assert y - by_curve == pytest.approx(residual, abs=1.1e-5)


def test_a_characteristic_is_read_backwards_from_its_signal() -> None:
    found = filled.results("linear-sensor")
    (result,) = found.as_found.measurands
    assert result.correction is not None
    example = worked.example(result, result.correction)
    assert example.is_inverse
    assert example.y == float(f"{example.y:.3e}")
    offset, slope = result.correction.fit.coefficients
    assert offset + slope * example.x == pytest.approx(example.y, abs=1e-9)
    assert example.u > result.correction.u_common / slope
    assert "S = 4.0002" in said(correction.blocks(filled.sheet(found)))


def test_there_is_no_page_of_a_function_where_none_was_fitted() -> None:
    assert correction.blocks(filled.sheet(filled.results("climate-chamber"))) == []


@pytest.mark.parametrize(
    ("xs", "place"),
    [((0, 50, 100), 20), ((0.0, 25.01, 50.03, 75.05, 100.1), 60), ((4.0, 6.9, 9.2), 5.5), ((5.0,), 5.0)],
)
def test_the_example_is_at_a_round_place_that_was_not_measured(xs: tuple[float, ...], place: float) -> None:
    assert worked.place(xs) == place


def _lines(result: MeasurandResult) -> list[float]:
    return [line.contribution for line in result.worst.uncertainty.lines]


def test_a_budget_adds_up_as_it_is_printed() -> None:
    found = filled.results("balance")
    (result,) = found.as_found.measurands
    full, total, summary = filled.tables(budgets.blocks(filled.sheet(found)))
    contributions = [float(cell) for cell in filled.column(full, "|c| u")]
    assert contributions == pytest.approx([abs(each) for each in _lines(result)], abs=0.0006)
    assert math.hypot(*contributions) == pytest.approx(float(total.rows[0][1].split()[0]), abs=0.001)
    assert sum(float(cell) for cell in filled.column(full, "Share")) == pytest.approx(100, abs=0.5)
    assert total.rows[2][1] == "2.00, from the t-distribution for 95.45 %"
    assert total.rows[3][1] == "0.7705 mg, reported as 0.77 mg"
    assert filled.column(summary, "U") == [f"{figures.expanded(point):f}" for point in result.points]
    assert filled.column(summary, "ν")[:6] == ["6", "10", "41", "273", "> 1000", "> 1000"]
    (marked,) = summary.marked
    assert result.points[marked] is result.worst


def test_the_coverage_sentence_matches_what_k_was_taken_from() -> None:
    text = said(budgets.blocks(filled.sheet(filled.results("thermometer"))))
    assert "coverage factor k = 2.00, which for a normal distribution corresponds to a coverage probability of" in text
    assert "approximately 95.45 %" in text
    text = said(budgets.blocks(filled.sheet(filled.results("balance"))))
    assert "Points 0, 10, 50, 100 g: The reported expanded uncertainty" in text
    assert "which for a t-distribution with the stated effective degrees of freedom ν" in text
    text = said(budgets.blocks(filled.sheet(filled.results("climate-chamber"), "de")))
    assert "aus der angenommenen Rechteckverteilung für eine Überdeckungswahrscheinlichkeit von 95,45 %" in text
    budget = examples.TEMPLATES["balance"].measurands[0].budget
    fixed = changed("balance", budget=dataclasses.replace(budget, coverage=Coverage(k=3.0)))
    text = said(budgets.blocks(filled.sheet(fixed, "de")))
    assert "dem Erweiterungsfaktor k = 3,00 ergibt. Die Vorlage legt ihn fest" in text
    assert "etwa 99,73 %" in text


def test_several_measurands_have_a_heading_each() -> None:
    found = filled.results("climate-chamber")
    names = [measurand.name for measurand in found.template.measurands]
    for page in (findings, budgets):
        headings = [block.text for block in page.blocks(filled.sheet(found)) if isinstance(block, Heading)]
        assert [text for text in headings if text in names] == names


def test_hostile_texts_of_a_template_are_literal_and_all_there() -> None:
    found = filled.results("balance")
    (result,) = found.as_found.measurands
    text = "Ω μ ± ß <b>bold</b> " * 50
    worst = result.worst
    lines = tuple(dataclasses.replace(line, name=text) for line in worst.uncertainty.lines)
    points = tuple(
        dataclasses.replace(point, uncertainty=dataclasses.replace(worst.uncertainty, lines=lines))
        if point is worst
        else point
        for point in result.points
    )
    series = dataclasses.replace(found.as_found, measurands=(dataclasses.replace(result, points=points),))
    whole = pages.whole(filled.pdf(budgets.blocks(filled.sheet(dataclasses.replace(found, as_found=series)))))
    assert whole.count("<b>bold</b>") == 50 * len(lines)


def test_several_tests_of_points_have_a_table_each_with_their_set_points() -> None:
    found = filled.results("climate-chamber")
    text = said(findings.blocks(filled.sheet(found)))
    assert "Meanwhile humidity = 60 %RH." in text
    first, other = found.as_found.measurands
    points = (*first.points, *(dataclasses.replace(point, test=2) for point in first.points))
    series = dataclasses.replace(found.as_found, measurands=(dataclasses.replace(first, points=points), other))
    blocks = findings.blocks(filled.sheet(dataclasses.replace(found, as_found=series)))
    tables = [table for table in filled.tables(blocks) if table.columns[-1].title == "Risk"]
    assert [len(table.rows) for table in tables] == [3, 3, 3]
    assert [len(table.marked) for table in tables] == [1, 0, 1]
    assert "Indication, humidity" in said(blocks)


def test_a_monte_carlo_is_named_with_trials_and_seed() -> None:
    found = filled.results("balance")
    (result,) = found.as_found.measurands
    drawn = Propagated(trials=200_000, seed=7, p=0.9545, y=0, u=0.1, symmetric=(-0.2, 0.2), shortest=(-0.2, 0.2))
    worst = result.worst
    note = "the second order has 12 % of u squared, so U is by Monte Carlo"
    other = dataclasses.replace(
        worst,
        notes=(note,),
        uncertainty=dataclasses.replace(worst.uncertainty, basis="monte carlo", second_order=0.123, drawn=drawn),
    )
    points = tuple(other if point is worst else point for point in result.points)
    series = dataclasses.replace(found.as_found, measurands=(dataclasses.replace(result, points=points),))
    blocks = all_blocks(dataclasses.replace(found, as_found=series))
    cells = " ".join(cell for table in filled.tables(blocks) for row in table.rows for cell in row)
    assert (
        "by Monte Carlo (JCGM 101, 200000 trials, seed 7) for 95.45 %: terms of second order have 12 % of u²" in cells
    )
    assert "U is by Monte Carlo (JCGM 101), because the terms of second order are not small (200 g)." in said(blocks)
    assert "Point 200 g: The reported expanded uncertainty" in said(blocks)
    assert note not in said(blocks)


def test_a_computed_result_without_u_says_why() -> None:
    found = filled.results("pipette")
    text = said(findings.blocks(filled.sheet(found, "de")))
    assert "ist selbst ein Maß der Streuung" in text


def test_an_error_over_the_reference_is_not_read_backwards() -> None:
    fit = examples.TEMPLATES["balance"].measurands[0].fit
    assert fit is not None
    found = changed("balance", fit=dataclasses.replace(fit, x="reference"))
    example = filled.tables(correction.blocks(filled.sheet(found)))[3]
    assert [row[0] for row in example.rows] == ["Reference", "Error by the function", "Expanded uncertainty U"]


@pytest.mark.parametrize(
    ("fit", "units", "sentence"),
    [
        (Fit(order=2, origin=5, y="correction", weights="uncertainty"), ["g", "1", "1/g"], "b₂ · (I − 5)²"),
        (Fit(order=2, origin=-3.5, through_origin=True, y="error"), ["1", "1/g"], "through (−3.5; 0)"),
        (Fit(order=1, through_origin=True, y="error", x="reference"), ["1"], "E = b₁ · R"),
        (Fit(order=0, y="error"), ["g"], "a constant"),
    ],
)
def test_the_printed_coefficients_give_the_function_back(fit: Fit, units: list[str], sentence: str) -> None:
    found = changed("balance", fit=fit)
    (result,) = found.as_found.measurands
    blocks = correction.blocks(filled.sheet(found))
    coefficients = filled.tables(blocks)[0]
    assert filled.column(coefficients, "Unit") == units
    assert sentence in said(blocks)
    assert result.correction is not None
    powers = result.correction.fit.powers
    x = 130.0
    y = sum(
        float(value.replace("−", "-")) * _ten(times) * (x - fit.origin) ** power
        for power, (_, value, _, times, _) in zip(powers, coefficients.rows, strict=True)
    )
    there = result.correction.at(x)
    assert y == pytest.approx(there.y, abs=0.001 * there.u)


@pytest.mark.parametrize(
    ("fit", "formula"),
    [
        (Fit(order=0, y="error"), "u²(E) = u²(b₀) + u₀², see u₀ below."),
        (
            Fit(order=1, y="error"),
            "u²(E) = u²(b₀) + I² · u²(b₁) + 2 · I · r(b₀, b₁) · u(b₀) · u(b₁) + u₀², see u₀ below.",
        ),
        (
            Fit(order=2, origin=5, through_origin=True, y="correction"),
            "u²(b) = (I − 5)² · u²(b₁) + (I − 5)⁴ · u²(b₂) + 2 · (I − 5)³ · r(b₁, b₂) · u(b₁) · u(b₂) + u₀²",
        ),
    ],
)
def test_the_uncertainty_of_the_function_follows_from_what_is_printed(fit: Fit, formula: str) -> None:
    found = changed("balance", fit=fit)
    result = found.as_found.measurands[0].correction
    assert result is not None
    assert formula in said(correction.blocks(filled.sheet(found)))
    x, powers, u = 130.0, result.fit.powers, result.fit.uncertainties
    square = sum(
        (x - fit.origin) ** (one + other) * result.fit.correlation[i, j] * u[i] * u[j]
        for i, one in enumerate(powers)
        for j, other in enumerate(powers)
    )
    assert math.sqrt(square + result.u_common**2) == pytest.approx(result.at(x).u, rel=1e-9)


def test_a_weighted_fit_tells_its_largest_residual_over_u() -> None:
    found = changed("balance", fit=Fit(order=1, y="error", weights="uncertainty"))
    result = found.as_found.measurands[0].correction
    assert result is not None
    largest = max(abs(rest) / u for rest, u in zip(result.fit.residuals, result.weighted_by, strict=True))
    fitted = filled.tables(correction.blocks(filled.sheet(found)))[2]
    assert fitted.rows[1] == ("Largest residual over its u (ISO 6143: Γ, at most 2)", f"{largest:.3g}")


def _ten(shown: str) -> float:
    return 10.0 ** int(shown[2:].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
