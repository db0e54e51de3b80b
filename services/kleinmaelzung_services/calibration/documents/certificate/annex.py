"""The annex of a certificate: every reading with its time, struck ones too, and who did what when. Pure.

Only where the issue asks for it. ISO/IEC 17025:2017, 7.5.1: original observations, each with its date and person.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Column, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import figures, trail
from kleinmaelzung_services.calibration.documents.certificate import words_annex as said
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.protocol import steps
from kleinmaelzung_services.calibration.documents.texts import Words
from kleinmaelzung_services.calibration.engine import window
from kleinmaelzung_services.calibration.records.record import FrameRange, Manual, Reading, Signal, TestRun, Window

_Align = Literal["left", "center", "number"]
_Filled = tuple[Column, list[str]]
_SERIES: Final = {"as_found": said.AS_FOUND, "as_left": said.AS_LEFT}
_WHAT: Final[dict[trail.What, Words]] = {
    "ticked": said.TICKED,
    "deviation": said.DEVIATED,
    "started": said.STARTED,
    "finished": said.FINISHED,
    "as left started": said.LEFT_STARTED,
    "as left finished": said.LEFT_FINISHED,
    "adjusted": said.ADJUSTED,
    "operator": said.OPERATOR,
    "reviewer": said.REVIEWED,
    "approver": said.APPROVED,
}
_ARROWS: Final = {"up": "↑", "down": "↓"}
_SIGNIFICANT: Final = 10  # a stream of floats may show 17 digits, of which no instrument means more
_WIDEST: Final = 9  # digits and sign of a mean, besides the one that it has more


@dataclass(frozen=True, slots=True)
class _Row:
    """A signal of a reading; `number` counts those of its test. Signals of one `scale` have the same decimals."""

    number: int
    reading: Reading
    name: str
    scale: str
    signal: Signal | None
    is_first: bool


def blocks(sheet: Sheet) -> list[Block]:
    if not sheet.issue.with_readings:
        return []
    return [*_readings(sheet), *_trail(sheet)]


def _readings(sheet: Sheet) -> list[Block]:
    found: list[Block] = [
        sheet.heading(said.READINGS),
        Paragraph(text=sheet.say(said.READINGS_NOTE), field="note"),
    ]
    for key, series in trail.series_of(sheet.record):
        for at, run in enumerate(series.tests):
            found += _test(sheet, key, _as_taken(run), f"{key}.tests[{at}]")
    return found


def _as_taken(run: TestRun) -> TestRun:
    """Its readings by time: a record may list them in another order, the numbers in the annex tell this one."""
    return replace(run, readings=tuple(sorted(run.readings, key=lambda one: one.at)))


def _test(sheet: Sheet, key: str, run: TestRun, field: str) -> list[Block]:
    if not run.readings:
        return []
    title = steps.title(sheet, sheet.template.tests[run.test])
    heading = sheet.say(said.SERIES_TEST, series=sheet.say(_SERIES[key]), number=run.test + 1, title=title)
    return [
        Heading(text=heading, level=2, field=f"test[{run.test}].title"),
        Paragraph(text=_taken(sheet, run.readings), field=f"{field}.readings"),
        _table(sheet, run, f"{field}.readings"),
        *_frames(sheet, run, f"{field}.frames"),
    ]


def _frames(sheet: Sheet, run: TestRun, field: str) -> list[Block]:
    """Of each window that was captured from a stream: where it stands in the log, and the hash that proves it."""
    rows = [
        (str(row.number), row.name, "\n".join(_range(sheet, one) for one in row.signal.frames), row.signal.sha256)
        for number, reading in enumerate(run.readings, 1)
        for row in _rows(sheet, number, reading)
        if isinstance(row.signal, Window) and row.signal.frames
    ]
    columns = (
        _column(sheet.say(texts.NUMBER), 0.8, "center"),
        _column(sheet.say(said.SIGNAL), 2.1),
        _column(sheet.say(said.FRAMES), 5.0),
        _column(sheet.say(said.SHA256), 8.6),
    )
    found = Table(columns=columns, rows=tuple(rows), field=field, is_small=True)
    return [Paragraph(text=sheet.say(said.FRAMES_NOTE), field=field), found] if rows else []


def _range(sheet: Sheet, one: FrameRange) -> str:
    words = said.ONE_FRAME if one.first == one.last else said.FRAME_RANGE
    return sheet.say(words, instrument=one.instrument, epoch=one.epoch, first=one.first, last=one.last)


def _taken(sheet: Sheet, readings: Sequence[Reading]) -> str:
    by = ", ".join(dict.fromkeys(one.by for one in readings))
    days = _days(readings)
    return sheet.say(said.TAKEN, day=days[0], by=by) if len(days) == 1 else sheet.say(said.TAKEN_DAYS, by=by)


def _days(readings: Sequence[Reading]) -> list[str]:
    return list(dict.fromkeys(f"{one.at.astimezone(UTC):%Y-%m-%d}" for one in readings))


def _table(sheet: Sheet, run: TestRun, field: str) -> Table:
    rows = [row for number, one in enumerate(run.readings, 1) for row in _rows(sheet, number, one)]
    several = len({one.by for one in run.readings}) > 1
    remarks = [_remark(sheet, row, several=several) for row in rows]
    columns = [*_of_readings(sheet, run, rows), *_of_signals(sheet, rows, is_narrow=any(remarks))]
    if any(remarks):
        columns.append((_column(sheet.say(said.REMARK), 2.8), remarks))
    cells = zip(*(texts_of for _, texts_of in columns), strict=True)
    joined = tuple(place for place, row in enumerate(rows[1:]) if not row.is_first)
    return Table(columns=tuple(column for column, _ in columns), rows=tuple(cells), field=field, joined=joined)


def _of_readings(sheet: Sheet, run: TestRun, rows: Sequence[_Row]) -> list[_Filled]:
    """What belongs to a reading stands in its first row; what all have alike is left out."""
    readings, unit = run.readings, sheet.measurand(sheet.template.tests[run.test].measurand).unit
    has_days = len(_days(readings)) > 1
    columns = [(_column(sheet.say(texts.NUMBER), 1.0, "center"), [str(place + 1) for place in range(len(readings))])]
    if any(one.direction == "down" for one in readings):
        columns.append(
            (_column(sheet.say(texts.DIRECTION), 1.3, "center"), [_ARROWS[one.direction] for one in readings])
        )
    points = sheet.column([one.point for one in readings])
    columns.append((_column(sheet.titled(texts.POINT, unit), 2.5, "number"), points))
    if any(one.repeat > 1 for one in readings):
        columns.append((_column(sheet.say(said.REPEAT), 1.3, "center"), [str(one.repeat) for one in readings]))
    if any(one.position for one in readings):
        columns.append((_column(sheet.say(texts.POSITION), 2.4), [one.position for one in readings]))
    times = [_time(one.at, has_days) for one in readings]
    columns.append((_column(sheet.say(texts.TIME), 2.5 if has_days else 2.0, "center"), times))
    return [
        (column, [texts_of[row.number - 1] if row.is_first else "" for row in rows]) for column, texts_of in columns
    ]


def _of_signals(sheet: Sheet, rows: Sequence[_Row], *, is_narrow: bool) -> list[_Filled]:
    decimals = _decimals(rows)
    told = [_statistics(sheet, row.signal, decimals[row.scale]) for row in rows]
    return [
        (_column(sheet.say(said.SIGNAL), 2.5 if is_narrow else 3.2), [_named(sheet, row) for row in rows]),
        (_column(sheet.say(said.COUNT), 0.8, "center"), [count for count, _, _, _ in told]),
        (_column(sheet.say(said.MEAN), 2.3, "number"), [mean for _, mean, _, _ in told]),
        (_column(sheet.say(said.DEVIATION), 2.1, "number"), [s for _, _, s, _ in told]),
        (_column(sheet.say(said.RANGE), 1.8, "number"), [spread for _, _, _, spread in told]),
    ]


def _rows(sheet: Sheet, number: int, reading: Reading) -> list[_Row]:
    """All signals of a reading, in the order in which they are looked at; what was struck may have none."""
    own = [(said.ZERO, reading.zero), (said.RAW, reading.raw), (said.INDICATION, reading.indication)]
    signals: list[tuple[str, str, Signal | None]] = [(one.role, one.role, one.signal) for one in reading.standards]
    signals += [(sheet.say(words), f"in {signal.unit}", signal) for words, signal in own if signal is not None]
    return [
        _Row(number, reading, name, scale, signal, place == 0)
        for place, (name, scale, signal) in enumerate(signals or [("-", "", None)])
    ]


def _column(title: str, share: float, align: _Align = "left") -> Column:
    return Column(title=title, share=share, align=align)


def _named(sheet: Sheet, row: _Row) -> str:
    unit = sheet.unit(units.find(row.signal.unit)) if row.signal else ""
    return sheet.say(said.IN_UNIT, signal=row.name, unit=unit) if unit else row.name


def _time(at: datetime, has_day: bool) -> str:
    return f"{at.astimezone(UTC):%m-%d %H:%M:%S}" if has_day else f"{at.astimezone(UTC):%H:%M:%S}"


def _statistics(sheet: Sheet, signal: Signal | None, decimals: int) -> tuple[str, str, str, str]:
    """n, mean, s and range: the mean with a digit more than the samples have, s with two more.

    What was struck out may have no samples at all.
    """

    def fixed(value: float, more: int = 0) -> str:
        return figures.fixed(value, decimals + more, sheet.language)

    values = _values(signal)
    if len(values) < 2:
        return str(len(values)), fixed(values[0]) if values else "-", "-", "-"
    found = window.repeats(values)
    is_small = 0 < found.s < 10 ** (-1 - decimals)
    s = sheet.number(float(f"{found.s:.2g}")) if is_small else fixed(found.s, 2)
    return str(found.n), fixed(found.mean, 1), s, fixed(max(values) - min(values))


def _values(signal: Signal | None) -> tuple[float, ...]:
    if signal is None:
        return ()
    return signal.values if isinstance(signal, Window) else (signal.value,)


def _decimals(rows: Sequence[_Row]) -> dict[str, int]:
    """How many each signal of a table has in its samples: what stands below each other has as many."""
    found = dict[str, int]()
    for row in rows:
        if values := _values(row.signal):
            found[row.scale] = max(found.get(row.scale, 0), _decimals_of(values))
    return {row.scale: found.get(row.scale, 0) for row in rows}


def _decimals_of(values: Sequence[float]) -> int:
    """As many as they are written with. A stream of floats has more than mean anything: s ends them, or the column."""
    written = max(len(f"{Decimal(f'{value:.{_SIGNIFICANT}g}'):f}".partition(".")[2]) for value in values)
    before = max(len(f"{value:.0f}") for value in values)
    s = window.repeats(values).s if len(values) > 1 else 0.0
    meant = math.ceil(-math.log10(s)) if s > 0 else written
    return max(0, min(written, meant, _WIDEST - before))


def _remark(sheet: Sheet, row: _Row, *, several: bool) -> str:
    """Why it does not count or was typed in; and by whom, where several took readings."""
    reading, signal = row.reading, row.signal
    found = []
    if row.is_first and reading.struck:
        found.append(sheet.say(said.STRUCK, reason=reading.struck))
    if isinstance(signal, Manual):
        found.append(sheet.say(said.MANUAL, reason=signal.reason))
    elif signal and signal.quality:
        found.append(sheet.say(said.QUALITY, flags=", ".join(signal.quality)))
    if several and row.is_first:
        found.append(sheet.say(said.BY, by=reading.by))
    return "\n".join(found)


def _trail(sheet: Sheet) -> list[Block]:
    rows = [
        (_stamp(event.at), sheet.say(_WHAT[event.what]), event.by or "-", event.text or "-")
        for event in trail.of(sheet.record)
    ]
    signer = sheet.issue.signer
    signed = sheet.say(said.SIGNED_BY, name=signer.name) if signer else "-"
    rows.append((_stamp(sheet.issue.issued_at), sheet.say(said.ISSUED), "-", signed))
    columns = (
        _column(sheet.say(said.TIME), 3.3),
        _column(sheet.say(said.WHAT), 4.0),
        _column(sheet.say(said.WHO), 3.0),
        _column(sheet.say(said.ABOUT), 5.6),
    )
    return [sheet.heading(said.TRAIL), Table(columns=columns, rows=tuple(rows), field="trail")]


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
