"""Whether a record fits its template, and its standards may be used: both in, all mistakes at once out. Pure."""

from collections import Counter
from datetime import datetime, timedelta

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records import record_series, record_standards
from kleinmaelzung_services.calibration.records.record import AmbientRange, Record
from kleinmaelzung_services.calibration.records.record_json import Mistake, Notes, RecordError
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.template import Ambient, Template


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
            record_series.check(template, record, series, (key,), notes)
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
    if record.adjustment and record.adjustment.at < record.as_found.finished:
        rule = f"is before {record.as_found.finished.isoformat()}, when as_found was finished"
        _add_time(notes, ("adjustment", "at"), rule, record.adjustment.at)
    if record.adjustment and record.as_left and record.adjustment.at > record.as_left.started:
        rule = f"is after {record.as_left.started.isoformat()}, when as_left began"
        _add_time(notes, ("adjustment", "at"), rule, record.adjustment.at)


def _add_time(notes: Notes, path: Path, rule: str, found: datetime) -> None:
    notes.add(path, rule, "it lies between the two: correct the time, or check the clock", found=found.isoformat())


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
        _check_change(record, wanted, one, index, notes)


def hourly_change(low: float, high: float, run: timedelta) -> float:
    """Between its extremes it changed by so much in the whole run: in some hour of it at least by its share."""
    return (high - low) / max(1.0, run / timedelta(hours=1))


def _check_change(record: Record, wanted: Ambient, one: AmbientRange, index: int, notes: Notes) -> None:
    if wanted.max_change_per_h is None:
        return
    last = max(series.finished for series in (record.as_found, record.as_left) if series)
    change = hourly_change(one.low, one.high, last - record.as_found.started)
    change = units.convert_difference(change, units.find(one.unit), wanted.unit)
    if change > wanted.max_change_per_h * (1 + 1e-9):
        rule = f"it changed by {change:.3g} {wanted.unit.symbol} in an hour, {wanted.max_change_per_h:g} are permitted"
        found = f"{one.low:g} to {one.high:g}"
        notes.add(("environment", index), rule, "measure again in a steadier room", found=found)


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
