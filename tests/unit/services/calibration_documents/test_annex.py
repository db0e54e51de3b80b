"""The annex: every reading with its time and why it does not count, and who did what when; looked up in the blocks."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.blocks import Block, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import annex
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue, Signer
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.records.record import (
    Adjustment,
    FrameRange,
    Manual,
    Reading,
    UnitText,
    Window,
)
from tests.unit.services.calibration_documents import pages, sheets
from tests.unit.services.calibration_records import examples, simulated

ISSUE = Issue(
    number="K-2026-0007",
    issued_at=datetime(2026, 3, 12, 8, 0, tzinfo=UTC),
    language="en",
    software="kleinmaelzung 0.1.0",
)
BALANCE = examples.results("balance")
THERMOMETER = examples.results("thermometer")


def blocks(results: Results = BALANCE, language: Language = "en", **changes: Any) -> list[Block]:
    issue = dataclasses.replace(ISSUE, language=language, **changes)
    return annex.blocks(Sheet(results.template, language, results, issue, "00" * 32))


def tables(found: list[Block]) -> list[Table]:
    return [one for one in found if isinstance(one, Table)]


def column(table: Table, title: str) -> list[str]:
    place = [one.title for one in table.columns].index(title)
    return [row[place] for row in table.rows]


def with_first(results: Results, *readings: Reading) -> Results:
    """Other readings at the beginning of the last test of the balance, the points."""
    found = results.record.as_found
    run = found.tests[-1]
    changed = dataclasses.replace(run, readings=(*readings, *run.readings[len(readings) :]))
    series = dataclasses.replace(found, tests=(*found.tests[:-1], changed))
    return dataclasses.replace(results, record=dataclasses.replace(results.record, as_found=series))


def first() -> Reading:
    return BALANCE.record.as_found.tests[-1].readings[0]


def test_there_is_none_where_nobody_asked_for_it() -> None:
    assert blocks(with_readings=False) == []


def test_every_reading_is_there_in_the_order_of_the_record() -> None:
    tests = BALANCE.record.as_found.tests
    for table, run in zip(tables(blocks()), tests, strict=False):
        numbers = [number for number in column(table, "No.") if number]
        assert numbers == [str(number) for number in range(1, len(run.readings) + 1)]
        times = [time for time in column(table, "Time") if time]
        assert times == [f"{one.at:%H:%M:%S}" for one in run.readings]
    assert len(tables(blocks())) == len(tests) + 1  # the last one says who did what


def test_they_are_in_the_order_of_time_however_the_record_lists_them() -> None:
    one, *rest = BALANCE.record.as_found.tests[-1].readings
    table = tables(blocks(with_first(BALANCE, *rest, one)))[2]
    assert table == tables(blocks())[2]
    assert column(table, "No.") == [str(number) for number in range(1, 13)]


def test_the_signals_of_a_reading_stay_on_one_page() -> None:
    table = tables(blocks(THERMOMETER))[0]
    assert table.joined == tuple(range(0, 20, 2))


def test_each_test_has_its_title_and_its_day() -> None:
    found = blocks()
    headings = [one.text for one in found if isinstance(one, Heading) and one.level == 2]
    assert headings == ["As found, 1. Repeatability", "As found, 2. Eccentricity", "As found, 3. Points"]
    said = [one.text for one in found if isinstance(one, Paragraph)]
    assert said[1] == "Taken on 2026-03-10 by A. Example; times are UTC."


def test_a_struck_reading_says_why_it_does_not_count() -> None:
    remarks = [remark for remark in column(tables(blocks())[0], "Remark") if remark]
    assert remarks == ["struck out, does not count: door was open"]


def test_statistics_have_more_digits_than_the_samples() -> None:
    table = tables(blocks())[2]
    assert column(table, "n")[1] == "16"
    assert column(table, "Mean")[1].startswith("10.000")
    assert [len(column(table, title)[1].partition(".")[2]) for title in ("Mean", "s", "Range")] == [5, 6, 4]


def test_a_mean_of_zero_has_no_sign_and_all_its_decimals() -> None:
    window = first().indication
    assert isinstance(window, Window)
    nothing = dataclasses.replace(window, values=tuple(-0.0 for _ in window.values))
    table = tables(blocks(with_first(BALANCE, dataclasses.replace(first(), indication=nothing))))[2]
    assert [column(table, title)[0] for title in ("Mean", "s", "Range")] == ["0.00000", "0.000000", "0.0000"]


def test_a_value_that_was_typed_in_says_why() -> None:
    typed = Manual(unit=UnitText("g"), value=0.0001, reason="the cable was broken")
    table = tables(blocks(with_first(BALANCE, dataclasses.replace(first(), indication=typed))))[2]
    row = [column(table, title)[0] for title in ("n", "Mean", "s", "Range", "Remark")]
    assert row == ["1", "0.0001", "-", "-", "typed in by hand: the cable was broken"]


def test_a_struck_reading_may_have_no_samples() -> None:
    window = first().indication
    assert isinstance(window, Window)
    empty = dataclasses.replace(window, times_s=(), values=())
    struck = dataclasses.replace(first(), indication=empty, struck="the stream ended")
    table = tables(blocks(with_first(BALANCE, struck)))[2]
    assert [column(table, title)[0] for title in ("n", "Mean")] == ["0", "-"]


def test_a_struck_reading_of_which_nothing_was_captured_is_there_too() -> None:
    struck = dataclasses.replace(first(), indication=None, struck="the weight fell down")
    table = tables(blocks(with_first(BALANCE, struck)))[2]
    assert (column(table, "No.")[:2], column(table, "n")[0], column(table, "Mean")[0]) == (["1", "2"], "0", "-")
    assert column(table, "Remark")[0] == "struck out, does not count: the weight fell down"


def test_what_the_stream_said_of_its_samples_is_told() -> None:
    window = first().indication
    assert isinstance(window, Window)
    doubtful = dataclasses.replace(first(), indication=dataclasses.replace(window, quality=("unstable", "late")))
    assert column(tables(blocks(with_first(BALANCE, doubtful)))[2], "Remark")[0] == "the stream said: unstable, late"


def test_a_stream_of_floats_does_not_fill_the_page_with_digits() -> None:
    window = first().indication
    assert isinstance(window, Window)
    noisy = dataclasses.replace(window, values=tuple(100 + number / 3 for number, _ in enumerate(window.values)))
    table = tables(blocks(with_first(BALANCE, dataclasses.replace(first(), indication=noisy))))[2]
    assert max(len(text) for text in column(table, "Mean")) <= 11


def test_the_standard_that_was_read_stands_with_the_instrument() -> None:
    table = tables(blocks(THERMOMETER))[0]
    assert column(table, "Signal")[:2] == ["reference, °C", "indication, °C"]
    assert (column(table, "No.")[:3], column(table, "Dir.")[:3]) == (["1", "", "2"], ["↑", "", "↑"])


HASH = "0123456789abcdef" * 4


def traced(results: Results, *ranges: tuple[int, int, int]) -> Results:
    """The first reading of the balance's points, captured from these frames."""
    window = first().indication
    assert isinstance(window, Window)
    frames = tuple(FrameRange(instrument="pi-1/balance", epoch=one[0], first=one[1], last=one[2]) for one in ranges)
    return with_first(
        results, dataclasses.replace(first(), indication=dataclasses.replace(window, frames=frames, sha256=HASH))
    )


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "pi-1/balance, run 123456789, frames 1041 to 1049\npi-1/balance, run 5, frame 1"),
        ("de", "pi-1/balance, Lauf 123456789, Frames 1041 bis 1049\npi-1/balance, Lauf 5, Frame 1"),
    ],
)
def test_a_captured_window_leads_back_to_its_frames_in_the_log(language: Language, said: str) -> None:
    found = tables(blocks(traced(BALANCE, (123456789, 1041, 1049), (5, 1, 1)), language))
    assert len(found) == len(tables(blocks())) + 1
    signal = "indication" if language == "en" else "Anzeige"
    assert found[3].rows == (("1", signal, said, HASH),)


def test_a_hash_stands_in_one_piece_so_that_it_can_be_looked_up() -> None:
    drawn = drawing.draw(sheets.sheet(*blocks(traced(BALANCE, (2**53 - 1, 1041, 1049)))))
    assert HASH in [one.text for one in pages.lines(drawn.pdf)]


def test_a_test_of_several_days_and_people_says_both_with_each_reading() -> None:
    later = dataclasses.replace(first(), at=first().at - timedelta(days=1), by="D. Other")
    found = blocks(with_first(BALANCE, later))
    assert column(tables(found)[2], "Time")[0].startswith("03-09 ")
    assert column(tables(found)[2], "Remark")[:2] == ["by D. Other", "by A. Example"]
    said = [one.text for one in found if isinstance(one, Paragraph)]
    assert said[3] == "Taken by D. Other, A. Example; times are UTC."


def test_what_was_measured_again_after_an_adjustment_is_there_too() -> None:
    found = blocks(adjusted())
    headings = [one.text for one in found if isinstance(one, Heading) and one.level == 2]
    assert headings[3:] == ["As left, 1. Repeatability", "As left, 2. Eccentricity", "As left, 3. Points"]


@pytest.mark.parametrize("name", examples.TEMPLATES)
def test_every_template_has_its_annex(name: str) -> None:
    results = calculating.calculate(examples.TEMPLATES[name], simulated.record(examples.TEMPLATES[name]))
    found = tables(blocks(results))
    readings = [one for run in results.record.as_found.tests for one in run.readings]
    assert sum(1 for table in found[:-1] for number in column(table, "No.") if number) == len(readings)
    assert not any("nan" in text or "inf" in text for table in found[:-1] for text in column(table, "Mean"))


def test_the_trail_is_in_the_order_of_time() -> None:
    rows = tables(blocks(adjusted()))[-1].rows
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert ("2026-03-10 10:10:00", "adjusted", "A. Example", "span\n1.0001 → 1.0000") in rows
    assert ("2026-03-10 11:30:00", "approved", "C. Muster", "head of laboratory") in rows
    assert rows[-1] == ("2026-03-12 08:00:00", "certificate issued", "-", "-")


def test_the_trail_names_who_signs() -> None:
    rows = tables(blocks(signer=Signer(name="Example Laboratory", fingerprint="ab" * 32)))[-1].rows
    assert rows[-1][-1] == "signed by the key of Example Laboratory"


def adjusted() -> Results:
    at = datetime(2026, 3, 10, 10, 10, tzinfo=UTC)
    record = dataclasses.replace(
        BALANCE.record,
        adjustment=Adjustment(text="span", before="1.0001", after="1.0000", by="A. Example", at=at),
        as_left=dataclasses.replace(
            BALANCE.record.as_found, started=at + timedelta(minutes=5), finished=at + timedelta(minutes=30)
        ),
    )
    return dataclasses.replace(BALANCE, record=record, as_left=BALANCE.as_found)


@pytest.mark.parametrize(("language", "title"), [("en", "Annex: readings"), ("de", "Anhang: Messwerte")])
def test_it_is_drawn_in_both_languages_with_long_reasons(language: Language, title: str) -> None:
    reason = "<b>Ω μ ± ß</b> https://example.org " * 150
    long = with_first(BALANCE, dataclasses.replace(first(), struck=reason))
    drawn = drawing.draw(sheets.sheet(*blocks(long, language)))
    assert title in pages.texts(drawn.pdf)
    found = pages.whole(drawn.pdf).count("Ωμ±ß")
    assert 150 - drawn.pages < found <= 150  # one may be parted by the end of a page
