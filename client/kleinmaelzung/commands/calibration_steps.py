"""How a calibration run looks to people: its heading, what to do at a step, rows of captured values, results. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kleinmaelzung import CalibrationRun, RunStep, RunSummary
from kleinmaelzung.commands import texts
from kleinmaelzung.run_views import RunCheck, RunQuestion

PHASES: Final = {"as_found": "as found", "as_left": "as left"}
HEADING: Final = ("RUN", "INSTRUMENT", "STATE", "CAPTURED", "TEMPLATE", "BEGUN", "BY", "CERTIFICATE")
_DIGITS: Final = 9  # of a mean, which has more than the instrument shows
_ERROR_DIGITS: Final = 3
_WHOLE: Final = 6  # characters before a decimal point
_DECIMALS: Final = 8  # and from it on
_TICK, _OPEN = "[x]", "[ ]"


def heading(run: CalibrationRun) -> str:
    """What is calibrated, by what, with what."""
    item = " ".join(filter(None, (run.item.get(key) for key in ("maker", "model", "serial"))))
    lines = [
        f"{run.run}  {run.instrument}  {texts.plain(item)}",
        f"{texts.plain(run.template.title)} ({run.template.id}, version {run.template.version})",
        *_standards(run),
        *_channels(run),
        *_sensors(run),
    ]
    return "\n".join(lines)


def _standards(run: CalibrationRun) -> Iterator[str]:
    for one in run.standards:
        role = f"{one.role} {one.position}" if one.position else one.role
        certificate = one.certificate
        due = f", due {certificate['due']}" if certificate.get("due") else ""
        held = f"certificate {certificate.get('number', '')} of {certificate.get('laboratory', '')}{due}"
        live = f", read from {one.instrument}/{one.channel}" if one.instrument else ""
        yield texts.plain(f"{role}: {one.name}, {one.description}; {held}{live}")


def _channels(run: CalibrationRun) -> Iterator[str]:
    """What the instrument calls otherwise than the template."""
    if others := [f"{name} is {run.instrument}/{one}" for name, one in run.channels.items() if one != name]:
        yield "read: " + ", ".join(others)


def _sensors(run: CalibrationRun) -> Iterator[str]:
    if run.sensors:
        yield "room: " + ", ".join(f"{one.name} {one.instrument}/{one.channel}" for one in run.sensors)


def state(run: CalibrationRun | RunSummary) -> str:
    """`measuring as found, paused`"""
    phase = f" {PHASES[run.phase]}" if run.state in ("measuring", "measured") else ""
    return f"{run.state}{phase}{', paused' if run.is_paused else ''}"


def table(found: Sequence[RunSummary]) -> str:
    rows = [
        (
            one.run,
            one.instrument,
            state(one),
            f"{one.captured} of {one.steps}",
            one.template.id,
            texts.local_second(one.created),
            texts.plain(one.by),
            one.certificate or "-",
        )
        for one in found
    ]
    return texts.table([HEADING, *rows])


def preparations(run: CalibrationRun) -> Iterator[str]:
    """What was ticked and answered, and what was not yet."""
    yield from map(ticked, run.checks)
    yield from map(answered, run.questions)


def ticked(check: RunCheck) -> str:
    return f"  {_TICK if check.by else _OPEN} {texts.plain(check.check)}"


def answered(question: RunQuestion) -> str:
    value = "?" if question.value is None else number(question.value)
    return f"  {question.name} = {value} {texts.shown_unit(question.unit)}"


def test_title(run: CalibrationRun, step: RunStep) -> str:
    """`eccentricity, 5 steps, as found`"""
    test = run.test(step.test)
    count = sum(one.test == step.test for one in run.steps)
    title = texts.plain(test.title or test.kind) if test else f"test {step.test + 1}"
    return f"{title}, {'1 step' if count == 1 else f'{count} steps'}, {PHASES[run.phase]}"


def place(step: RunStep) -> str:
    """`100 g`, `100 g, centre`, `100 g, no. 2`, `50 °C falling`, `zero`"""
    if step.what == "zero":
        return "zero"
    falling = " falling" if step.direction == "down" else ""
    repeat = f", no. {step.repeat}" if step.repeat > 1 else ""
    position = f", {texts.plain(step.position)}" if step.position else ""
    return (
        f"{step.point:g} {texts.shown_unit(step.unit)}{falling}{position}{repeat}"
        if step.point is not None
        else step.what
    )


def to_do(run: CalibrationRun, step: RunStep) -> str:
    """What the operator is to do: `put 100 g on, centre`."""
    position = f", {texts.plain(step.position)}" if step.position else ""
    point = "" if step.point is None else f"{step.point:g} {texts.shown_unit(step.unit)}"
    match run.template.instrument_type:
        case "balance":
            is_empty = step.what == "zero" or step.point == 0
            return "take everything off" if is_empty else f"put {point} on{position}"
        case "pipette":
            return "take everything off, or tare" if step.what == "zero" else f"dispense {point}{position}"
    return f"bring it to zero{position}" if step.what == "zero" else f"bring it to {point}{position}"


class Columns:
    """Rows that stand under each other, though each is printed as soon as it is there."""

    def __init__(self, run: CalibrationRun) -> None:
        self._place = max([len(place(step)) for step in run.steps], default=0)

    def heading(self, step: RunStep) -> str:
        """Above the steps of a test, of which this is one."""
        value, error = f"value / {texts.shown_unit(step.unit)}", f"error / {texts.shown_unit(step.error_unit)}"
        return f"step  {'at'.ljust(self._place)}  {value.rjust(_WHOLE + 4).ljust(_WHOLE + _DECIMALS)}  {error}"

    def row(self, step: RunStep) -> str:
        """`   3  100 g      100.0002        +0.2    14:03:05`; an error outside its limits has a mark."""
        if not step.is_done:
            return self._cells(step, f"{step.state}{f': {step.reason}' if step.reason else ''}")
        shown = _aligned(step.value, _DIGITS), _aligned(step.error, _ERROR_DIGITS, "+"), "!" if _is_out(step) else " "
        typed = [f"typed: {step.reason}"] if step.state == "typed" else []
        return self._cells(step, *shown, "" if step.at is None else _clock(step.at), *typed)

    def struck(self, step: RunStep) -> Iterator[str]:
        """What was measured at a step before, and does not count."""
        for one in step.struck:
            yield self._cells(step, _aligned(one.value, _DIGITS), f"struck by {one.struck_by}: {one.reason}", number="")

    def _cells(self, step: RunStep, *cells: str, number: str | None = None) -> str:
        first = str(step.step) if number is None else number
        return texts.plain("  ".join((first.rjust(4), place(step).ljust(self._place), *cells)).rstrip())


def _is_out(step: RunStep) -> bool:
    if step.error is None:
        return False
    is_low = step.lower is not None and step.error < step.lower
    return is_low or (step.upper is not None and step.error > step.upper)


def _aligned(value: float | None, digits: int, sign: str = "") -> str:
    """With the decimal point always at the same place."""
    if value is None:
        return "-".rjust(_WHOLE).ljust(_WHOLE + _DECIMALS)
    whole, point, decimals = number(value, sign, digits).partition(".")
    return whole.rjust(_WHOLE) + f"{point}{decimals}".ljust(_DECIMALS)


def number(value: float, sign: str = "", digits: int = 9) -> str:
    """`100.000167`: as sharp as anything measures, without an exponent, and no `-0`."""
    shown = f"{value:{sign}.{digits}g}"
    if "e" in shown:
        shown = f"{value:{sign}.{digits}f}".rstrip("0").rstrip(".")
    return {"-0": "0", "+0": "0"}.get(shown, shown)


def _clock(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).astimezone().strftime("%H:%M:%S")


def steps(run: CalibrationRun, found: Sequence[RunStep]) -> Iterator[str]:
    """All steps of a phase, test by test, with what was struck."""
    columns, test = Columns(run), None
    for step in found:
        if step.test != test:
            test = step.test
            yield ""
            yield test_title(run, step)
            yield columns.heading(step)
        yield from columns.struck(step)
        yield columns.row(step)


def report(run: CalibrationRun) -> str:
    """All of a run."""
    lines = [heading(run), f"{state(run)}, begun {texts.local_second(run.created)} by {texts.plain(run.by)}"]
    lines += preparations(run)
    if run.as_found:
        lines += ["", "as found", *steps(run, run.as_found)]
    lines += steps(run, run.steps)
    if run.adjustment is not None:
        one = run.adjustment
        lines += ["", texts.plain(f"adjusted by {one.by}: {one.text}; {one.before or '?'} -> {one.after or '?'}")]
    lines += [texts.plain(f"deviation: {one.text} ({one.by})") for one in run.deviations]
    lines += results(run)
    if run.state in ("created", "measuring"):
        lines += ["", *(f"still to do: {texts.plain(one)}" for one in run.missing)]
    if run.reviewed is not None:
        lines.append(texts.plain(f"reviewed by {run.reviewed.by} {run.reviewed.text}".rstrip()))
    return "\n".join([*lines, *whats_next(run)])


def results(run: CalibrationRun) -> list[str]:
    """What was calculated: a verdict for each measurand and series."""
    if run.results is None:
        return []
    lines = ["", f"result: {run.results.get('verdict', '')}"]
    for key, name in PHASES.items():
        lines += [_result(name, one) for one in (run.results.get(key) or {}).get("measurands", [])]
    return [*lines, f"SHA-256 of the record {run.results.get('data_sha256', '')}"]


def _result(series: str, found: dict[str, Any]) -> str:
    """A measurand's verdict, and a row for each of its points."""
    rows = found.get("results") or []
    unit, error_unit = texts.shown_unit(found["unit"]), texts.shown_unit(found["error_unit"])
    head = [f"at / {unit}", "", f"error / {error_unit}", f"U / {error_unit}", "k", "limits", ""]
    cells = [head, *([texts.plain(cell) for cell in _result_cells(one)] for one in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    right = (0, 2, 3, 4)
    lines = [texts.plain(f"{series}, {found['name']}: {found['verdict']}")]
    for row in cells if rows else []:
        placed = (
            one.rjust(width) if place in right else one.ljust(width)
            for place, (one, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  " + "  ".join(placed).rstrip())
    return "\n".join([*lines, *(f"  {texts.plain(note)}" for note in found["notes"])])


def _result_cells(point: dict[str, Any]) -> list[str]:
    lower, upper = ("open" if point[key] is None else f"{point[key]:g}" for key in ("lower", "upper"))
    limits = "" if point["lower"] is None and point["upper"] is None else f"{lower} to {upper}"
    shown = point["shown"]
    return [
        f"{point['nominal']:g}",
        point["direction"],
        shown["error"],
        shown["U"],
        f"{point['k']:.2f}",
        limits,
        point["verdict"],
    ]


def whats_next(run: CalibrationRun) -> list[str]:
    """Who does what next, beyond measuring."""
    command = "kleinmaelzung calibration"
    match run.state:
        case "calculated":
            who = "a calibrator or admin who took no reading" if run.review == "another" else "a calibrator or admin"
            return [f"{who} reviews it:", f"{command} review {run.run} --approve, or --return TEXT"]
        case "reviewed":
            return [f"its certificate: {command} issue {run.run}"]
        case "issued":
            return [f"certificate {run.certificate}: {command} pdf {run.certificate}"]
        case "aborted":
            return ["it was aborted: there will be no certificate"]
    return [f"go on: {command} run --resume {run.run}"]
