# ruff: noqa: E501 - a refusal is one line, however long
"""What forbids a calculation: standards that may not be used, and records that do not fit their template."""

from datetime import timedelta
from typing import Any

import pytest

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.records import record_check
from kleinmaelzung_services.calibration.records.record_json import RecordError
from tests.unit.services.calibration_records.examples import CONTENT, TEMPLATES, VALUES, Key, later, record

S: tuple[Key, ...] = ("standards", 0)
BATH: tuple[Key, ...] = ("standards", 1)
RUN: tuple[Key, ...] = ("as_found", "tests", 2, "readings")
BATH_READING: tuple[Key, ...] = ("as_found", "tests", 0, "readings", 1)
ADJUSTED = {"text": "span adjusted", "by": "A. Example", "at": "2026-03-10T10:10:00+00:00"}
WEIGHTS = VALUES["balance"]["standards"][0]["certified"]
READINGS = VALUES["balance"]["as_found"]["tests"][2]["readings"]

# The example, what is changed into what, and what is said: where, what was found, the rule, what to do.
STANDARDS: list[tuple[str, tuple[Key, ...], Any, str]] = [
    ("balance", (*S, "certificate", "due"), "2026-03-09", 'standards[0].certificate.due: found "2026-03-09"; overdue on 2026-03-10; choose a standard whose calibration is valid'),
    ("balance", (*S, "certificate", "calibrated"), "2026-03-11", 'certificate.calibrated: found "2026-03-11"; is after 2026-03-10, when it was used; choose'),
    ("balance", (*S, "certificate", "number"), "", "standards[0].certificate.number: no certificate: nothing ties its value to the SI; enter its certificate"),
    ("thermometer", (*BATH, "certificate", "number"), "", "standards[1].certificate.number"),
    ("balance", (*S, "certified", 1, "U"), None, "standards[0].certified[1].U: missing: without U it is no reference; enter U"),
    ("balance", (*S, "certified", 1, "U"), 0.0, "standards[0].certified[1].U: found 0; an uncertainty is above zero"),
    ("balance", (*S, "certified", 1, "k"), None, "standards[0].certified[1].k: missing: U without k says nothing about u; enter k"),
    ("balance", (*S, "certified", 1, "k"), 0.5, "k is expected from 1 to 10"),
    ("balance", (*S, "certified"), WEIGHTS[:-1], "standards[0].certified: its certificate does not cover the point 200 g; choose a standard that does, or leave the point out"),
    ("balance", (*S, "certified"), [], "standards[0].certified: there is neither value nor U; enter what its certificate says"),
    ("balance", (*S, "certified", 1, "high"), 1.0, "standards[0].certified[1].high: found 1; is below low = 50; exchange them"),
    ("thermometer", (*S, "certified", 0, "low"), 5, "does not cover the point 0 degC"),
    ("balance", (*S, "unit"), "hPa", 'standards[0].unit: found "hPa"; the wrong quantity: it cannot be converted to "g"; choose another standard'),
    ("balance", (*S, "unit"), None, 'standards[0].unit: missing, expected one like "g"; add it'),
    ("balance", (*S, "kind"), "thermometer", 'standards[0].kind: found "thermometer"; the template asks for "weight_set"; choose another standard'),
    ("balance", (*S, "accuracy_class"), "M1", 'standards[0].accuracy_class: found "M1"; the template permits E2, F1; choose one of such a class'),
    ("balance", (*S, "id"), "balance-1", 'standards[0].id: found "balance-1"; is the instrument itself, which cannot be its own reference; choose another'),
    ("thermometer", (*S, "serial"), "sim-0003 ", "is the serial number of the instrument itself"),
    ("thermometer", (*BATH_READING, "indication", "device"), "prt-1", 'readings[1].standards[0].signal.device: found "prt-1"; is the instrument itself'),
    ("thermometer", (*BATH_READING, "standards", 0, "signal", "device"), "thermometer-3", "is the instrument itself, which cannot"),
    ("balance", (*S, "role"), "mass", 'found "mass"; the template has no such standard, but weights; correct the role'),
    ("balance", ("standards",), [], 'standards: no standard has the role "weights"; choose one of kind "weight_set"'),
    ("balance", ("standards",), [VALUES["balance"]["standards"][0]] * 2, '2 standards have the role "weights"; keep one'),
    ("thermometer", (*BATH, "fields"), VALUES["thermometer"]["standards"][1]["fields"] * 2, "standards[1].fields: u_homogeneity is there 2 times"),
    ("thermometer", (*BATH, "fields"), [], "standards[1].fields: there is no u_homogeneity, which the template needs; add it"),
]  # fmt: skip

REST: list[tuple[str, tuple[Key, ...], Any, str]] = [
    ("balance", ("template", "sha256"), "0" * 64, "template.sha256: found"),
    ("balance", ("template", "version"), 2, "template.version: found 2; the template given has 1; calculate with the template that was used"),
    ("balance", ("template", "id"), "BAL-1", "template.id: found"),
    ("balance", ("item", "instrument_type"), "pipette", 'found "pipette"; the template is for "balance"; choose another template'),
    ("balance", ("item", "received"), "2026-03-11", "item.received: found \"2026-03-11\"; is after 2026-03-10"),
    ("balance", ("as_found", "finished"), "2026-03-10T08:00:00+00:00", "as_found.finished"),
    ("balance", ("people",), [], 'people: nobody is the operator; add one with role = "operator"'),
    ("balance", ("adjustment",), ADJUSTED, "as_left: missing: the instrument was adjusted; measure everything again as left"),
    ("balance", ("as_left",), VALUES["balance"]["as_found"], "adjustment: missing: there is as_left; say what was adjusted"),
    ("balance", ("environment",), [], "environment: there is no temperature, which is required; add its sensor"),
    ("balance", ("environment", 0, "high"), 27.5, "environment[0].high: found 27.5; is above 27 degC, which the template permits; measure again"),
    ("balance", ("environment", 1, "low"), 20.0, "environment[1].low: found 20; is below 30 %RH"),
    ("balance", ("environment", 0, "unit"), "hPa", 'environment[0].unit: found "hPa"; cannot be converted to "degC"'),
    ("balance", ("environment", 0, "mean"), 25.0, "environment[0].mean: found 25; is not between low = 21.2 and high = 21.7"),
    ("balance", ("answers",), [], "answers: convection is not answered; say: apparent change of mass"),
    ("balance", ("answers", 0, "name"), "wind", 'answers[0].name: found "wind"; the template does not ask this'),
    ("balance", ("answers", 0, "unit"), "K", 'answers[0].unit: found "K"; cannot be converted to "mg"'),
    ("balance", ("answers", 0, "value"), 6, "answers[0].value: found 6; the template permits 0 to 5 mg; check what was read"),
    ("balance", ("answers",), VALUES["balance"]["answers"] * 2, "answers: convection is there 2 times; keep one of them"),
    ("balance", ("environment",), VALUES["balance"]["environment"] * 2, "environment: temperature is there 2 times"),
    ("balance", ("preparations",), [], 'preparations: "levelled" is not ticked; do it, then tick it'),
    ("thermometer", ("immersion_mm",), None, "immersion_mm: missing: the template asks for it; measure how deep it was immersed"),
    ("thermometer", ("immersion_mm",), 100, "immersion_mm: found 100; the template asks for 150 mm at least; immerse it deeper"),
    ("balance", ("as_found", "tests", 2, "test"), 7, "as_found.tests[2].test: found 7; the template has 3 tests, counted from 0"),
    ("balance", ("as_found", "tests", 2, "test"), 1, "as_found.tests: test 1 is there 2 times; keep one of them"),
    ("balance", ("as_found", "tests"), VALUES["balance"]["as_found"]["tests"][:2], 'as_found.tests: test 2, "'),
    ("balance", RUN, READINGS[:-1], "as_found.tests[2].readings: 1 of 12 are missing, first 0 down no. 1; measure it"),
    ("balance", RUN, [*READINGS, READINGS[0]], "as_found.tests[2].readings[12]: found \"0 up no. 1\"; there is one like it already; strike one"),
    ("balance", (*RUN, 0, "point"), 1.0, "as_found.tests[2].readings[0]: found \"1 up no. 1\"; the template's test 2 has no such reading"),
]  # fmt: skip


@pytest.mark.parametrize("name", CONTENT)
def test_the_examples_fit_their_templates(name: str) -> None:
    assert record_check.check(TEMPLATES[name], record(name)) == []


@pytest.mark.parametrize(("name", "path", "value", "said"), [*STANDARDS, *REST], ids=lambda each: None)
def test_what_forbids_a_calculation_is_said_with_its_place(
    name: str, path: tuple[Key, ...], value: Any, said: str
) -> None:
    with pytest.raises(RecordError) as refused:
        calculating.calculate(TEMPLATES[name], record(name, (path, value)))
    assert said in str(refused.value)


def test_everything_that_forbids_it_is_said_at_once() -> None:
    changes: tuple[tuple[tuple[Key, ...], Any], ...] = (
        ((*S, "certificate", "due"), "2026-01-01"),
        ((*S, "kind"), "x"),
        (("answers",), []),
        (("people",), []),
    )
    found = record_check.check(TEMPLATES["balance"], record("balance", *changes))
    places = {one.path for one in found}
    assert places == {"standards[0].certificate.due", "standards[0].kind", "answers", "people"}


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-03-10T09:30:00+00:00", "is before 2026-03-10T10:00:00+00:00, when as_found was finished"),
        ("2026-03-10T11:30:00+00:00", "is after 2026-03-10T11:00:00+00:00, when as_left began"),
    ],
)
def test_an_adjustment_is_made_between_as_found_and_as_left(at: str, said: str) -> None:
    adjustment = {"text": "span set", "by": "A. Example", "at": "2026-03-10T10:30:00+00:00"}
    as_left = (("as_left",), later("balance", timedelta(hours=2)))
    assert record_check.check(TEMPLATES["balance"], record("balance", (("adjustment",), adjustment), as_left)) == []
    changes = ((("adjustment",), {**adjustment, "at": at}), as_left)
    (found,) = record_check.check(TEMPLATES["balance"], record("balance", *changes))
    assert str(found).startswith(f'adjustment.at: found "{at}"; {said}; it lies between the two')


def test_a_missing_reading_is_no_mistake_where_a_deviation_names_its_test() -> None:
    deviation = {"text": "the lamp failed", "by": "A. Example", "at": "2026-03-10T10:00:00+00:00", "test": 2}
    changes = ((RUN, READINGS[:-1]), (("deviations",), [deviation]))
    assert record_check.check(TEMPLATES["balance"], record("balance", *changes)) == []


def test_a_standard_that_is_due_on_the_last_day_may_still_be_used() -> None:
    assert record_check.check(TEMPLATES["balance"], record("balance", ((*S, "certificate", "due"), "2026-03-10"))) == []
