"""Whether live windows of a series may be used: template and readings in, mistakes into the notes. Pure.

The template's [stability] must hold over each window, whoever captured it; a stream must be good, alive, and the same
device in the same unit throughout. A value that was typed in has no window: its reason stands beside it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records import record_standards, window_rules
from kleinmaelzung_services.calibration.records.record import Reading, Record, Series, Signal, Window
from kleinmaelzung_services.calibration.records.record_json import Notes
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.template import (
    Measurand,
    Points,
    Stability,
    Template,
    Test,
    Uniformity,
)

AGAIN: Final = "wait until it is stable, and measure the point again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A window with its place in the record, the measurand it was captured for, and what it is of."""

    path: Path
    test: Test
    measurand: Measurand
    reading: Reading
    what: Literal["indication", "raw", "zero", "standard"]
    role: str = ""
    window: Window

    @property
    def stream(self) -> tuple[str, str, str]:
        """Windows of one stream have the same; each position of a chamber has a standard of its own."""
        if self.what == "standard":
            return self.measurand.name, self.role, self.reading.position
        zero = "raw" if self.measurand.display.indication else "indication"
        return self.measurand.name, zero if self.what == "zero" else self.what, ""


def check(template: Template, record: Record, series: Series, path: Path, notes: Notes) -> None:
    placed = list(_windows(template, series, path))
    for one in placed:
        _check_device(record, one, notes)
        _check_quality(one, notes)
        if _is_whole(one, notes):
            _check_stability(template, one, notes)
            _check_pairing(one, notes)
    _check_same(placed, notes)
    _check_frozen(template, placed, notes)


def _windows(template: Template, series: Series, path: Path) -> Iterator[Placed]:
    measurands = {one.name: one for one in template.measurands}
    for at, run in enumerate(series.tests):
        if not 0 <= run.test < len(template.tests):
            continue
        test = template.tests[run.test]
        for index, reading in enumerate(run.readings):
            if not reading.struck:
                yield from _of_reading(
                    (*path, "tests", at, "readings", index), test, measurands[test.measurand], reading
                )


def _of_reading(path: Path, test: Test, measurand: Measurand, reading: Reading) -> Iterator[Placed]:
    own: tuple[tuple[Literal["indication", "raw", "zero"], Signal | None], ...] = (
        ("indication", reading.indication),
        ("raw", reading.raw),
        ("zero", reading.zero),
    )
    for what, signal in own:
        if isinstance(signal, Window):
            yield Placed(path=(*path, what), test=test, measurand=measurand, reading=reading, what=what, window=signal)
    for index, one in enumerate(reading.standards):
        if isinstance(one.signal, Window):
            yield Placed(
                path=(*path, "standards", index, "signal"),
                test=test,
                measurand=measurand,
                reading=reading,
                what="standard",
                role=one.role,
                window=one.signal,
            )


def _check_device(record: Record, one: Placed, notes: Notes) -> None:
    """A stream of the instrument itself is no reference, whatever the standard is called."""
    shown = one.reading.indication
    own = {record.item.id} | ({shown.device} if isinstance(shown, Window) else set())
    is_own = one.window.device in own or one.window.device.startswith(f"{record.item.id}/")  # another channel of it
    if one.what == "standard" and is_own:
        rule = "is the instrument itself, which cannot be its own reference"
        notes.add((*one.path, "device"), rule, "read the standard's own device", found=one.window.device)


def _check_quality(one: Placed, notes: Notes) -> None:
    if one.window.quality:
        rule = "the stream itself says that samples of it are not good"
        remedy = "find out why, and measure the point again"
        notes.add((*one.path, "quality"), rule, remedy, found=", ".join(one.window.quality))


def _is_whole(one: Placed, notes: Notes) -> bool:
    times, values = one.window.times_s, one.window.values
    if len(times) != len(values) or len(times) < 2:
        rule = "expected as many times as values, and two at least"
        found = f"{len(times)} times, {len(values)} values"
        notes.add((*one.path, "values"), rule, "measure the point again", found=found)
        return False
    if (place := window_rules.backwards(times)) is not None:
        rule = f"is not after {times[place - 1]:g}, the sample before it"
        remedy = "check the clock, and measure the point again"
        notes.add((*one.path, "times_s", place), rule, remedy, found=times[place])
        return False
    return True


def _check_stability(template: Template, one: Placed, notes: Notes) -> None:
    wanted, times = one.measurand.stability, one.window.times_s
    if rule := window_rules.silent(times, wanted):
        notes.add((*one.path, "times_s"), rule, "check the connection, and measure the point again")
    if one.what == "standard" and not _is_reference(template, one):
        return  # of another quantity, at its own pace: how long and how steady, nothing says
    needed = one.test.record_s if isinstance(one.test, Uniformity) else wanted.window_s
    for rule in (window_rules.few(times, wanted.min_samples), window_rules.short(times, needed)):
        if rule:
            notes.add((*one.path, "times_s"), rule, "measure the point again")
    if not isinstance(one.test, Uniformity):  # it is recorded to see how steady it is
        _check_steady(one, wanted, notes)


def _check_steady(one: Placed, wanted: Stability, notes: Notes) -> None:
    found = window_rules.motion(one.window.times_s, one.window.values, units.find(one.window.unit), wanted.unit)
    if found is None:
        return
    for rule in (window_rules.wide(found, wanted), window_rules.moving(found, wanted)):
        if rule:
            notes.add((*one.path, "values"), rule, AGAIN)


def _check_pairing(one: Placed, notes: Notes) -> None:
    shown = one.reading.indication or one.reading.raw
    if one.what != "standard" or not isinstance(shown, Window) or not shown.times_s:
        return
    if rule := window_rules.apart(one.window.times_s, shown.times_s, one.measurand.stability):
        notes.add((*one.path, "times_s"), rule, "measure both together, again")


def _check_same(placed: list[Placed], notes: Notes) -> None:
    """Each stream is one device in one unit: what changed in the middle is not one calibration."""
    for key in ("device", "unit"):
        found = dict[tuple[str, str, str], Counter[str]]()
        for one in placed:
            found.setdefault(one.stream, Counter())[getattr(one.window, key)] += 1
        for one in placed:
            (usual, _), now = found[one.stream].most_common(1)[0], getattr(one.window, key)
            if now != usual:
                rule = f'the other readings have the {key} "{usual}": it changed in the run'
                remedy = f"measure the point again, with one {key} throughout"
                notes.add((*one.path, key), rule, remedy, found=now)


def _check_frozen(template: Template, placed: list[Placed], notes: Notes) -> None:
    """Compare each window with that of the point before on its stream."""
    before = dict[tuple[str, str, str], Placed]()
    for one in sorted(placed, key=lambda each: each.reading.at):
        follows = one.what in ("indication", "raw") or (one.what == "standard" and _is_reference(template, one))
        if not follows or not isinstance(one.test, Points):
            continue
        last = before.get(one.stream)
        before[one.stream] = one
        if last is None or abs(last.reading.point - one.reading.point) <= one.measurand.display.resolution:
            continue
        if rule := window_rules.frozen(one.window.values, last.window.values, last.reading.point):
            remedy = "check the instrument and its connection, and measure again"
            notes.add((*one.path, "values"), rule, remedy, found=one.window.values[0])


def _is_reference(template: Template, one: Placed) -> bool:
    return record_standards.reference(template, one.measurand).role == one.role
