"""What may be put into the register: strict keys, units and dates, all mistakes at once."""

from datetime import date
from typing import Any

import pytest

from kleinmaelzung_services.calibration.register import content
from kleinmaelzung_services.calibration.register.content import Laboratory, Standard
from kleinmaelzung_wire.register import Kind
from tests.unit.services.calibration_register import entered
from tests.unit.services.calibration_register.entered import NAMES, TODAY, changed


def mistakes(kind: Kind, *changes: tuple[tuple[str | int, ...], Any], name: str = "") -> list[str]:
    return content.check(kind, name or NAMES[kind], changed(kind, *changes), TODAY)[1]


@pytest.mark.parametrize("kind", ["laboratory", "standard", "item"])
def test_what_is_right_comes_out_with_every_key_and_goes_in_again(kind: Kind) -> None:
    checked, wrong = content.check(kind, NAMES[kind], changed(kind), TODAY)
    assert checked is not None
    assert wrong == []
    plain = content.plain(checked)
    assert changed(kind).keys() <= plain.keys()
    assert content.of(kind, plain) == checked
    assert content.check(kind, NAMES[kind], plain, TODAY) == (checked, [])


def test_what_may_be_left_out_is() -> None:
    least = {"kind": "weight", "description": "1 kg", "serial": "1"}
    checked, wrong = content.check("standard", "W-1", least, TODAY)
    assert wrong == []
    assert isinstance(checked, Standard)
    assert (checked.certificate, checked.certified, checked.unit, checked.interval_months) == (None, (), None, None)
    checked, _ = content.check("laboratory", "laboratory", {"name": "A", "address": "B"}, TODAY)
    assert isinstance(checked, Laboratory)
    assert checked.reviewer == "another"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([(("certified", 0, "k"), ...)], "certified[0].k: missing: U without k says nothing about u"),
        ([(("certified", 0, "k"), None)], "certified[0].k: missing: U without k says nothing about u"),
        ([(("certified", 0, "U"), ...)], "certified[0].U: missing: k is a factor of U"),
        ([(("certified", 1, "U"), -0.1)], "certified[1].U: found -0.1; an uncertainty is above zero"),
        ([(("certified", 1, "U"), 0)], "certified[1].U: found 0; an uncertainty is above zero"),
        ([(("certified", 1, "U"), "0.1")], 'certified[1].U: found "0.1"; expected a number'),
        ([(("certified", 1, "k"), 0.5)], "certified[1].k: found 0.5; k is expected from 1 to 10"),
        ([(("certified", 1, "mpe"), 0)], "certified[1].mpe: found 0; a permissible error is above zero"),
        ([(("certified", 0, "high"), 20)], "certified[0].high: found 20; is below low = 50"),
        (
            [(("certified", 1, "low"), 50), (("certified", 1, "high"), 50)],
            'certified[1]: found "50 to 50"; it is there twice',
        ),
        ([(("certified", 0, "value"), 20)], "certified[0].value: unknown key"),
        ([(("unit",), ...)], "unit: missing: certified values are in it"),
        ([(("unit",), "gramm")], 'unit: found "gramm"; "gramm" is no unit that is known here, did you mean "g"?'),
        ([(("fields", 0, "unit"), "fur")], 'fields[0].unit: found "fur"; "fur" is no unit that is known here'),
        ([(("certificate", "due"), "2025-03-01")], 'certificate.due: found "2025-03-01"; is not after 2025-03-01'),
        ([(("certificate", "due"), "1.3.2027")], 'certificate.due: found "1.3.2027"; expected a date'),
        (
            [(("certificate", "calibrated"), "2026-11-24")],
            'certificate.calibrated: found "2026-11-24"; is in the future, today is 2026-11-23',
        ),
        ([(("certificate", "number"), "")], 'certificate.number: found ""; the text is empty'),
        ([(("serial",), "")], 'serial: found ""; the text is empty'),
        ([(("description",), "a\nb")], 'description: found "a\\nb"; has a character that cannot be printed'),
        ([(("seriell",), "1")], 'seriell: unknown key; did you mean "serial"?'),
        ([(("instrument",), "balance")], 'instrument: found "balance"; expected an instrument of this system'),
        ([(("instrument",), "pi-1/b/t1/x")], 'instrument: found "pi-1/b/t1/x"; expected an instrument of this system'),
        ([(("instrument",), "pi-1/b/T 1")], 'instrument: found "pi-1/b/T 1"; expected an instrument of this system'),
        ([(("interval_months",), 0)], "interval_months: found 0; expected 1 to 600 months"),
        ([(("interval_months",), 1.5)], "interval_months: found 1.5; expected a whole number"),
        ([(("note",), "x" * 10_001)], "note: found"),
        ([(("fields",), [{"name": "a", "value": 1, "unit": "g"}] * 2)], 'fields[1]: found "a"; it is there twice'),
    ],
)
def test_each_mistake_of_a_standard_has_its_sentence(
    changes: list[tuple[tuple[str | int, ...], Any]], sentence: str
) -> None:
    [found] = mistakes("standard", *changes)
    assert found.startswith(sentence)
    assert "; " in found


@pytest.mark.parametrize("instrument", ["", "pi-1/bridge", "pi-1/bridge/t1"])
def test_a_standard_is_read_by_nothing_by_an_instrument_or_by_one_channel_of_it(instrument: str) -> None:
    assert mistakes("standard", (("instrument",), instrument)) == []


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes("standard", (("serial",), ...), (("unit",), "fur"), (("certified", 0, "U"), "a"), name="WS 1")
    assert [one.partition(":")[0] for one in found] == ["serial", "unit", "certified[0].U"]
    found = mistakes("standard", (("certified", 0, "k"), ...), (("interval_months",), 0), (("instrument",), "a b"))
    assert [one.partition(":")[0] for one in found] == ["instrument", "certified[0].k", "interval_months"]


def test_an_entry_that_does_not_go_into_an_answer_is_refused() -> None:
    many = [{"low": one, "high": one, "U": 1, "k": 2} for one in range(201)]
    assert mistakes("standard", (("certified",), many)) == [
        "certified: expected at most 200, found 201; keep those that are used"
    ]
    long = [{"name": f"{place}{'x' * 500}", "value": 1, "unit": "g"} for place in range(100)]
    assert mistakes("standard", (("fields",), long)) == ["the entry: it has more than 32768 characters; shorten it"]


@pytest.mark.parametrize("found", [[], "text", None, 3])
def test_what_is_no_map_is_refused(found: Any) -> None:
    checked, [sentence] = content.check("item", "pi-1/balance", found, TODAY)
    assert checked is None
    assert sentence.startswith("the entry: ")
    assert "expected an object" in sentence


def test_an_item_is_an_instrument_of_this_system_and_there_is_one_laboratory() -> None:
    [sentence] = mistakes("item", name="balance")
    assert sentence.startswith('name: found "balance"; expected an instrument of this system')
    [sentence] = mistakes("laboratory", name="other")
    assert sentence.startswith('name: found "other"; a laboratory has the name "laboratory"')
    assert mistakes("standard", name="pi-1/thermometer") == []


def test_who_reviews_and_in_which_country_are_choices() -> None:
    found = mistakes("laboratory", (("reviewer",), "nobody"), (("country",), "XX"))
    assert [one.partition(";")[0] for one in found] == ['country: found "XX"', 'reviewer: found "nobody"']


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 1, 31), 13, date(2028, 2, 29)),
        (date(2026, 11, 23), 1, date(2026, 12, 23)),
        (date(2026, 11, 23), 2, date(2027, 1, 23)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 1), 600, date(2076, 12, 1)),
    ],
)
def test_months_end_where_the_month_does(day: date, months: int, later: date) -> None:
    assert content.after_months(day, months) == later


def test_what_the_log_has_that_is_no_entry_is_said() -> None:
    with pytest.raises(ValueError, match="serial: missing"):
        content.of("item", entered.changed("item", (("serial",), ...)))
