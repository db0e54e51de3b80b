"""Whether the readings of a series are those of the template, in its order and time: both in, mistakes out. Pure."""

from collections import Counter
from collections.abc import Iterator

from kleinmaelzung_services.calibration.records import record_windows
from kleinmaelzung_services.calibration.records.record import Reading, Record, Series, TestRun, Window
from kleinmaelzung_services.calibration.records.record_json import Notes
from kleinmaelzung_services.calibration.templates import sequence
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.sequence import Slot
from kleinmaelzung_services.calibration.templates.template import Points, Repeatability, Template, Test


def check(template: Template, record: Record, series: Series, path: Path, notes: Notes) -> None:
    runs = Counter(run.test for run in series.tests)
    for index, test in enumerate(template.tests):
        if runs[index] > 1:
            notes.add((*path, "tests"), f"test {index} is there {runs[index]} times", "keep one of them")
        if not runs[index] and not _may_miss(record, index):
            notes.add((*path, "tests"), f'test {index}, "{test.title}", is missing', "measure it, or note a deviation")
    for at, run in enumerate(series.tests):
        if 0 <= run.test < len(template.tests):
            _check_run(template.tests[run.test], record, run, (*path, "tests", at), notes)
            _check_times(series, run, (*path, "tests", at), notes)
        else:
            rule = f"the template has {len(template.tests)} tests, counted from 0"
            notes.add((*path, "tests", at, "test"), rule, "correct the number", found=run.test)
    record_windows.check(template, record, series, path, notes)


def counting(run: TestRun) -> Iterator[tuple[int, Reading]]:
    """The readings that are not struck out, each with its place in the record."""
    yield from ((index, one) for index, one in enumerate(run.readings) if not one.struck)


def _check_run(test: Test, record: Record, run: TestRun, path: Path, notes: Notes) -> None:
    expected, seen = set(sequence.slots(test)), set[Slot]()
    for index, reading in counting(run):
        slot = _slot(reading)
        if slot not in expected:
            rule = f"the template's test {run.test} has no such reading"
            notes.add((*path, "readings", index), rule, "strike it out, with a reason", found=_told(slot))
        if slot in seen:
            rule = "there is one like it already"
            notes.add((*path, "readings", index), rule, "strike one of the two out, with a reason", found=_told(slot))
        seen.add(slot)
        _check_zero(test, reading, (*path, "readings", index), notes)
    if (missing := sorted(expected - seen)) and not _may_miss(record, run.test):
        rule = f"{len(missing)} of {len(expected)} are missing, first {_told(missing[0])}"
        notes.add((*path, "readings"), rule, f"measure it, or note a deviation with test = {run.test}")
    if isinstance(test, Points) and seen <= expected and not _may_miss(record, run.test):
        _check_order(test, run, path, notes)


def _check_order(test: Points, run: TestRun, path: Path, notes: Notes) -> None:
    """Each repeat of the series runs in the template's order; whether a point is repeated at once is left open."""
    places = {slot: place for place, slot in enumerate(sequence.slots(test))}
    made = sorted(counting(run), key=lambda each: (each[1].at, places[_slot(each[1])]))
    last = dict[int, Slot]()
    for index, reading in made:
        slot = _slot(reading)
        before = last.get(reading.repeat)
        if before and places[slot] < places[before]:
            rule = f'was made after {_told(before)}, against the order "{test.order}"'
            remedy = f"measure the series again in order, or note a deviation with test = {run.test}"
            notes.add((*path, "readings", index), rule, remedy, found=_told(slot))
            return
        last[reading.repeat] = slot


def _check_zero(test: Test, reading: Reading, path: Path, notes: Notes) -> None:
    is_wanted = isinstance(test, Points | Repeatability) and test.return_to_zero
    if is_wanted and reading.zero is None:
        notes.add((*path, "zero"), "missing: the template returns to zero before each reading", "measure it again")
    if reading.zero is not None and not is_wanted:
        rule = "the template does not return to zero in this test"
        notes.add((*path, "zero"), rule, "leave it out, or use a template that does")
    shown = reading.indication or reading.raw
    if isinstance(reading.zero, Window) and isinstance(shown, Window):
        _check_before(reading.zero, shown, path, notes)


def _check_before(zero: Window, shown: Window, path: Path, notes: Notes) -> None:
    if zero.times_s and shown.times_s and zero.times_s[-1] >= shown.times_s[0]:
        rule = f"is not before the reading, which begins at {shown.times_s[0]:g} s"
        remedy = "zero is taken before each reading: measure it again"
        notes.add((*path, "zero", "times_s"), rule, remedy, found=zero.times_s[-1])


def _check_times(series: Series, run: TestRun, path: Path, notes: Notes) -> None:
    for index, reading in counting(run):
        if not series.started <= reading.at <= series.finished:
            rule = f"is not between {series.started.isoformat()} and {series.finished.isoformat()}, its series"
            where = (*path, "readings", index, "at")
            notes.add(where, rule, "check the clock, and measure again", found=reading.at.isoformat())


def _may_miss(record: Record, test: int) -> bool:
    return any(deviation.test == test for deviation in record.deviations)


def _slot(reading: Reading) -> Slot:
    return reading.point, reading.direction, reading.repeat, reading.position


def _told(slot: Slot) -> str:
    point, direction, repeat, position = slot
    return " ".join(filter(None, (f"{point:g}", direction, f"no. {repeat}", position)))
