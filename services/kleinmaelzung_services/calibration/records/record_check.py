"""Whether a record fits its template, and its standards may be used: both in, all mistakes at once out. Pure."""

from collections import Counter
from collections.abc import Iterator

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records import record_standards
from kleinmaelzung_services.calibration.records.record import Reading, Record, Series, TestRun, Window
from kleinmaelzung_services.calibration.records.record_json import Mistake, Notes, RecordError
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.template import (
    Eccentricity,
    Points,
    Repeatability,
    Template,
    Test,
    Uniformity,
)

# What tells one reading of a test from another: point, direction, repeat, position.
Slot = tuple[float, str, int, str]


def require(template: Template, record: Record) -> None:
    """Raises RecordError with every mistake."""
    if found := check(template, record):
        raise RecordError(found)


def check(template: Template, record: Record) -> list[Mistake]:
    """Return everything for which no number may be calculated."""
    notes = Notes()
    _check_template(template, record, notes)
    if notes.mistakes:
        return notes.mistakes  # of another template the rest would be nonsense
    _check_dates(record, notes)
    _check_adjustment(record, notes)
    record_standards.check(template, record, notes)
    _check_once(record, notes)
    _check_room(template, record, notes)
    _check_answers(template, record, notes)
    _check_ticks(template, record, notes)
    for key, series in (("as_found", record.as_found), ("as_left", record.as_left)):
        if series is not None:
            _check_series(template, record, series, (key,), notes)
    return notes.mistakes


def _check_template(template: Template, record: Record, notes: Notes) -> None:
    for key, wanted in (("id", template.id), ("version", template.version), ("sha256", template.sha256)):
        if (found := getattr(record.template, key)) != wanted:
            remedy = "calculate with the template that was used"
            notes.add(("template", key), f"the template given has {wanted}", remedy, found=found)
    if record.item.instrument_type != template.instrument_type:
        rule = f'the template is for "{template.instrument_type}"'
        notes.add(("item", "instrument_type"), rule, "choose another template", found=record.item.instrument_type)
    display = template.measurands[0].display
    if display.immersion and display.immersion.used_mm is None and record.immersion_mm is None:
        notes.add(("immersion_mm",), "missing: the template asks for it", "measure how deep it was immersed")
    if display.immersion and record.immersion_mm is not None and record.immersion_mm < display.immersion.min_mm:
        rule = f"the template asks for {display.immersion.min_mm:g} mm at least"
        notes.add(("immersion_mm",), rule, "immerse it deeper and measure again", found=record.immersion_mm)


def _check_dates(record: Record, notes: Notes) -> None:
    for key, series in (("as_found", record.as_found), ("as_left", record.as_left)):
        if series and series.finished < series.started:
            rule = f"is before {series.started.isoformat()}, when it started"
            notes.add((key, "finished"), rule, "check the clock", found=series.finished.isoformat())
    started = record.as_found.started.date()
    if record.item.received and record.item.received > started:
        rule = f"is after {started.isoformat()}, when the calibration started"
        notes.add(("item", "received"), rule, "correct the date", found=record.item.received.isoformat())
    if not any(person.role == "operator" for person in record.people):
        notes.add(("people",), "nobody is the operator", 'add one with role = "operator"')


def _check_adjustment(record: Record, notes: Notes) -> None:
    if record.adjustment and record.as_left is None:
        notes.add(("as_left",), "missing: the instrument was adjusted", "measure everything again as left")
    if record.as_left and record.adjustment is None:
        notes.add(("adjustment",), "missing: there is as_left", "say what was adjusted, or leave as_left out")
    if record.as_left and record.as_left.started < record.as_found.finished:
        rule = "begins before as_found was finished"
        notes.add(("as_left", "started"), rule, "check the clock", found=record.as_left.started.isoformat())


def _check_once(record: Record, notes: Notes) -> None:
    """What formulas ask for by name is there once."""
    lists: list[tuple[Path, list[str]]] = [
        (("environment",), [one.name for one in record.environment]),
        (("answers",), [one.name for one in record.answers]),
    ]
    for index, standard in enumerate(record.standards):
        lists.append((("standards", index, "fields"), [field.name for field in standard.fields]))
    for path, names in lists:
        for name, count in Counter(names).items():
            if count > 1:
                notes.add(path, f"{name} is there {count} times", "keep one of them")


def _check_room(template: Template, record: Record, notes: Notes) -> None:
    found = {one.name: (index, one) for index, one in enumerate(record.environment)}
    for wanted in template.environment:
        if wanted.name not in found:
            if wanted.sensor == "required":
                notes.add(("environment",), f"there is no {wanted.name}, which is required", "add its sensor")
            continue
        index, one = found[wanted.name]
        unit = units.find(one.unit)
        if not units.are_alike(unit, wanted.unit):
            rule = f'cannot be converted to "{wanted.unit.symbol}"'
            notes.add(("environment", index, "unit"), rule, "correct the unit", found=one.unit)
            continue
        low, high = (units.convert(each, unit, wanted.unit) for each in (one.low, one.high))
        for key in ("start", "end", "mean"):
            if not one.low <= (value := getattr(one, key)) <= one.high:
                rule = f"is not between low = {one.low:g} and high = {one.high:g}"
                notes.add(("environment", index, key), rule, "correct one of them", found=value)
        if wanted.low is not None and low < wanted.low:
            rule = f"is below {wanted.low:g} {wanted.unit.symbol}, which the template permits"
            notes.add(("environment", index, "low"), rule, "measure again in a better room", found=one.low)
        if wanted.high is not None and high > wanted.high:
            rule = f"is above {wanted.high:g} {wanted.unit.symbol}, which the template permits"
            notes.add(("environment", index, "high"), rule, "measure again in a better room", found=one.high)


def _check_answers(template: Template, record: Record, notes: Notes) -> None:
    found = {one.name: (index, one) for index, one in enumerate(record.answers)}
    wanted = {one.name: one for one in template.inputs if one.ask}
    for name in wanted.keys() - found.keys():
        notes.add(("answers",), f"{name} is not answered", f"say: {wanted[name].meaning}")
    for name, (index, one) in found.items():
        if name not in wanted:
            notes.add(("answers", index, "name"), "the template does not ask this", "leave it out", found=name)
            continue
        asked, unit = wanted[name], units.find(one.unit)
        if not units.are_alike(unit, asked.unit):
            rule = f'cannot be converted to "{asked.unit.symbol}"'
            notes.add(("answers", index, "unit"), rule, "correct the unit", found=one.unit)
            continue
        value = units.convert(one.value, unit, asked.unit)
        if (asked.low is not None and value < asked.low) or (asked.high is not None and value > asked.high):
            low, high = ("open" if each is None else f"{each:g}" for each in (asked.low, asked.high))
            rule = f"the template permits {low} to {high} {asked.unit.symbol}"
            notes.add(("answers", index, "value"), rule, "check what was read", found=one.value)


def _check_ticks(template: Template, record: Record, notes: Notes) -> None:
    ticked = {tick.check for tick in record.preparations}
    for text in template.preparation.checks:
        if text not in ticked:
            notes.add(("preparations",), f'"{text}" is not ticked', "do it, then tick it")


def _check_series(template: Template, record: Record, series: Series, path: Path, notes: Notes) -> None:
    runs = Counter(run.test for run in series.tests)
    for index, test in enumerate(template.tests):
        if runs[index] > 1:
            notes.add((*path, "tests"), f"test {index} is there {runs[index]} times", "keep one of them")
        if not runs[index] and not _may_miss(record, index):
            notes.add((*path, "tests"), f'test {index}, "{test.title}", is missing', "measure it, or note a deviation")
    for at, run in enumerate(series.tests):
        if 0 <= run.test < len(template.tests):
            _check_run(template.tests[run.test], record, run, (*path, "tests", at), notes)
        else:
            rule = f"the template has {len(template.tests)} tests, counted from 0"
            notes.add((*path, "tests", at, "test"), rule, "correct the number", found=run.test)


def _check_run(test: Test, record: Record, run: TestRun, path: Path, notes: Notes) -> None:
    expected, seen = set(slots(test)), set[Slot]()
    for index, reading in enumerate(run.readings):
        if reading.struck:
            continue
        _check_devices(record, reading, (*path, "readings", index), notes)
        slot = (reading.point, reading.direction, reading.repeat, reading.position)
        if slot not in expected:
            rule = f"the template's test {run.test} has no such reading"
            notes.add((*path, "readings", index), rule, "strike it out, with a reason", found=_told(slot))
        if slot in seen:
            rule = "there is one like it already"
            notes.add((*path, "readings", index), rule, "strike one of the two out, with a reason", found=_told(slot))
        seen.add(slot)
    if (missing := sorted(expected - seen)) and not _may_miss(record, run.test):
        rule = f"{len(missing)} of {len(expected)} are missing, first {_told(missing[0])}"
        notes.add((*path, "readings"), rule, f"measure it, or note a deviation with test = {run.test}")


def _check_devices(record: Record, reading: Reading, path: Path, notes: Notes) -> None:
    """A stream of the instrument itself is no reference, whatever the standard is called."""
    own = {record.item.id} | ({reading.indication.device} if isinstance(reading.indication, Window) else set())
    for index, one in enumerate(reading.standards):
        if isinstance(one.signal, Window) and one.signal.device in own:
            rule = "is the instrument itself, which cannot be its own reference"
            where = (*path, "standards", index, "signal", "device")
            notes.add(where, rule, "read the standard's own device", found=one.signal.device)


def slots(test: Test) -> Iterator[Slot]:
    """Every reading that a test has."""
    match test:
        case Points():
            directions = ("up", "down") if test.order == "up-down" else ("down",) if test.order == "down" else ("up",)
            for direction in directions:
                for point in test.points:
                    yield from ((point, direction, repeat, "") for repeat in range(1, test.repeats + 1))
        case Repeatability():
            yield from ((test.point, "up", repeat, "") for repeat in range(1, test.repeats + 1))
        case Eccentricity():
            yield from ((test.point, "up", 1, position) for position in test.positions)
        case Uniformity():
            yield from ((point, "up", 1, position) for point in test.points for position in test.positions)
        case _:
            yield (test.point, "up", 1, "")


def _may_miss(record: Record, test: int) -> bool:
    return any(deviation.test == test for deviation in record.deviations)


def _told(slot: Slot) -> str:
    point, direction, repeat, position = slot
    return " ".join(filter(None, (f"{point:g}", direction, f"no. {repeat}", position)))
