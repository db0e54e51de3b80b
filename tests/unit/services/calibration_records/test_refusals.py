# ruff: noqa: E501 - a refusal is one line, however long
"""All that must be refused, in one list: each is made to happen by a row of the table that is named beside it.

Of a template while it is read, of standards and readings before anything is calculated, of numbers while they are. What
only a run can meet (a stream that never becomes stable, a second run of the same instrument) is not here.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.services.calibration import test_table
from tests.unit.services.calibration_records import (
    test_calculation,
    test_computed,
    test_record_check,
    test_record_json,
    test_record_windows,
    test_second_order,
)
from tests.unit.services.calibration_templates import refusals, test_shipped_templates

# What is wrong, the table that has a row of it, and a part of what that row says.
TEMPLATE, STANDARDS, REST = refusals.REFUSED, test_record_check.STANDARDS, test_record_check.REST
RUN, JSON, NUMBERS = test_record_windows.REFUSED, test_record_json.REFUSED, test_calculation.REFUSED
ROWS: list[tuple[str, Sequence[tuple[Any, ...]], str]] = [
    # the template
    ("unknown key", TEMPLATE, "unknown key"),
    ("unknown schema", TEMPLATE, "this program reads"),
    ("unit of a limit", TEMPLATE, "acceptance.limit[0].unit"),
    ("unit of a standard", TEMPLATE, "and this is the reference"),
    ("unit of a stream", TEMPLATE, "instrument.unit"),
    ("no direction", TEMPLATE, "which way a deviation counts"),
    ("no basis", TEMPLATE, "where on the scale"),
    ("no points", TEMPLATE, "the list is empty"),
    ("a point twice", TEMPLATE, "is there twice"),
    ("a point outside the range", TEMPLATE, "outside the instrument's range"),
    ("too few points for the curve", TEMPLATE, "a line needs 2 points"),
    ("no degree of freedom left", TEMPLATE, "leave no degree of freedom"),
    ("one reading and type A", TEMPLATE, "needs 2 readings"),
    ("points measured once and type A", TEMPLATE, "measured once"),
    ("a negative half-width", TEMPLATE, "must not be below 0"),
    ("NaN", TEMPLATE, "expected a number or a formula"),
    ("a component twice", TEMPLATE, "a component of this name"),
    ("an unknown name in a formula", TEMPLATE, "the name x is not known"),
    ("a gap between limits", TEMPLATE, "they leave a gap"),
    ("a window shorter than its samples", TEMPLATE, "shorter than min_samples x"),
    ("a trapezoid without its top", TEMPLATE, "a trapezoid has a top"),
    ("a ratio of quantities that cannot be compared", TEMPLATE, "no component says how"),
    ("a quantity that is in no formula", TEMPLATE, "is not in the formula of the reference"),
    # standards
    ("overdue", STANDARDS, "overdue on"),
    ("calibrated after it was used", STANDARDS, "when it was used"),
    ("no certificate", STANDARDS, "no certificate"),
    ("no U", STANDARDS, "without U it is no reference"),
    ("U without k", STANDARDS, "U without k says nothing"),
    ("range does not cover the point", STANDARDS, "does not cover the point 200 g"),
    ("wrong quantity", STANDARDS, "the wrong quantity"),
    ("wrong class", STANDARDS, "the template permits E2, F1"),
    ("U too large for the limit", NUMBERS, "it is at most 0.33 of the limit 1 mg"),
    ("the item itself, by its id", STANDARDS, "is the instrument itself, which cannot"),
    ("the item itself, by its serial number", STANDARDS, "is the serial number of the instrument itself"),
    ("the item itself, by its stream", STANDARDS, "signal.device: found \"prt-1\""),
    # the run, as far as a record shows it
    ("stale", RUN, "a sample is stale after"),
    ("frozen", RUN, "frozen: every sample is the same"),
    ("the clock jumped", RUN, "its series; check the clock"),
    ("times run backwards", RUN, "is not after 0.5, the sample before it"),
    ("no samples", RUN, "0 times, 0 values"),
    ("another device", RUN, "with one device throughout"),
    ("another unit", RUN, 'found "mg"; the other readings have the unit "g"'),
    ("a unit of another quantity", NUMBERS, "indication, test[0] at 100 is hPa"),
    ("an error sign in the stream", RUN, "that samples of it are not good"),
    ("not stable: range", RUN, "not stable: it spans"),
    ("not stable: slope", RUN, "not stable: it moves by"),
    ("too few samples", RUN, "the template asks for 8"),
    ("too short", RUN, "s long, the template asks for 4 s"),
    ("instrument and reference not at the same time", RUN, "away from the instrument's window"),
    ("no zero", RUN, "the template returns to zero before each reading"),
    ("zero after the reading", RUN, "is not before the reading"),
    ("reference not near the point", NUMBERS, "it is within 0.5 of the point"),
    ("room out of limits", REST, "is above 27 degC, which the template permits"),
    ("room changes too fast", RUN, "it changed by 1.7 degC in an hour"),
    ("sensor of the room lost", REST, "there is no temperature, which is required"),
    ("wrong order of the points", RUN, 'against the order "up-down"'),
    ("a reading is missing", REST, "1 of 12 are missing"),
    ("a value that was typed in without a reason", JSON, "indication.reason"),
    ("a number as text, such as one with a decimal comma", JSON, "expected a number; write it"),
    # the calculation
    ("nu_eff undefined", NUMBERS, "without degrees of freedom there is no k"),
    ("singular fit", NUMBERS, "2 coefficients and the uncertainty need at least 3"),
    ("outside of what a certificate covers", NUMBERS, "says nothing there"),
    ("a number that a formula needs is missing", NUMBERS, "it cannot be computed"),
]  # fmt: skip

# What one row does not show has a test of its own.
TESTS = [
    ("edit of a released version", test_shipped_templates.test_an_edit_without_a_new_version_is_refused),
    ("decimal comma that can be a thousand", test_table.test_a_decimal_comma_that_can_be_nothing_else_is_understood),
    ("NaN and infinity in a record", test_record_windows.test_what_is_no_number_never_gets_into_a_record),
    ("overload: far outside the scale", test_record_windows.test_a_value_far_outside_the_scale_is_a_fault_and_no_value),
    ("s = 0 is no error, and U is never 0", test_calculation.test_equal_readings_have_no_spread_and_the_resolution_carries_the_uncertainty),
    ("U above the limit is no fail", test_calculation.test_where_u_is_larger_than_the_limit_there_is_no_statement_and_never_a_fail),
    ("extrapolation", test_calculation.test_the_correction_line_gives_a_corrected_reading_and_refuses_to_extrapolate),
    ("points that are one", test_calculation.test_a_fit_through_points_that_are_one_is_refused),
    ("a formula without a value", test_second_order.test_a_formula_without_a_value_within_the_uncertainty_is_refused),
    ("a result without U has a reason", test_computed.test_where_a_result_has_no_uncertainty_it_is_said_why),
]  # fmt: skip


@pytest.mark.parametrize(("what", "table", "said"), ROWS, ids=lambda each: each if isinstance(each, str) else "")
def test_each_refusal_has_a_row_that_makes_it_happen(what: str, table: Sequence[tuple[Any, ...]], said: str) -> None:
    assert [row for row in table if any(isinstance(part, str) and said in part for part in row)], what


def test_what_has_a_test_of_its_own_is_named_once() -> None:
    assert len({test for _, test in TESTS}) == len(TESTS)
    assert len({what for what, *_ in [*ROWS, *TESTS]}) == len(ROWS) + len(TESTS)
