"""Whether the newest window of a stream may be captured: its track and what is wanted in; a verdict with reasons out.

The window is the newest piece without a break: good numbers in one unit, no frame missing, times that rise. As soon as
it is long enough, the rules of records/window_rules.py must hold over it. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records import window_rules
from kleinmaelzung_services.calibration.records.window_rules import OF_A_CAPTURE
from kleinmaelzung_services.calibration.runs.samples import GOOD, MOST, NOT_A_NUMBER, Sample, Taken, Track
from kleinmaelzung_services.calibration.templates.template import Display, Stability
from kleinmaelzung_services.calibration.units import Unit, UnitError
from kleinmaelzung_wire.frames import MAX_SAMPLES
from kleinmaelzung_wire.runs import Status

_TRAVELS_S: Final = 1.0  # a sample may be on its way so long, or an agent's clock off, beside max_age_s
_SET_US: Final = 100_000  # between two frames a clock is slewed by far less
# What an instrument says of itself while it comes to rest: to wait is all that is needed.
_RESTLESS: Final = frozenset({"unstable", "busy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A window that was captured of this stream at another point."""

    point: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a window must be. `unit` is the template's, which also counts where the stream names none.

    `needed_s` is its length. `is_judged`: as steady as the template says, with as many samples; else only alive and
    whole. `is_recorded`: to see how steady it is. `display`: values far outside of it are none. `usual` is the unit of
    the windows before, "" where there are none; samples count when they were taken after `after_us`.
    """

    stability: Stability
    unit: Unit
    needed_s: float
    is_judged: bool = True
    is_recorded: bool = False
    display: Display | None = None
    usual: str = ""
    after_us: int = 0
    before: tuple[Before, ...] = ()

    @property
    def least(self) -> int:
        return max(2, self.stability.min_samples) if self.is_judged else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`window` is what there is of it; `spread` and `slope` are there when it is whole. All in `unit`."""

    status: Status
    reason: str = ""
    value: float | None = None
    unit: str = ""
    time_us: int = 0
    window: tuple[Sample, ...] = field(default=(), repr=False)
    length_s: float = 0.0
    window_s: float = 0.0
    spread: float | None = None
    slope: float | None = None

    @property
    def is_stable(self) -> bool:
        return self.status == "stable"


@dataclass(frozen=True, slots=True)
class _Piece:
    """The newest samples without a break, oldest first; `cut` says what ended it before it was long enough."""

    samples: tuple[Sample, ...]
    cut: str
    is_whole: bool


def judge(wanted: Wanted, track: Track, now_us: int, *, since_us: int | None, until_us: int | None = None) -> Judged:
    """Judge the newest window whose samples were taken and received after `since_us`, and until `until_us`.

    Without `since_us` nothing waits for it: then only what is wrong with the stream is said.
    """
    newest = track.newest
    if newest is None:
        status: Status = "idle" if since_us is None else "refused"
        return Judged(status=status, reason="nothing has come yet: check that it is connected and measures")
    shown = _shown(wanted, newest)
    wrong = _wrong_now(wanted, newest, now_us) or _wrong_sample(wanted, newest)
    if since_us is None:
        return replace(shown, status="idle", reason=wrong[1] if wrong else "")
    if wrong:
        return replace(shown, status=wrong[0], reason=wrong[1])
    return _of_window(wanted, track, shown, now_us, since_us, until_us)


def times_s(samples: Sequence[Sample]) -> list[float]:
    """From the first sample on."""
    return [(one.time_us - samples[0].time_us) / 1e6 for one in samples]


def values(samples: Sequence[Sample]) -> tuple[float, ...]:
    """Of samples that are all good."""
    return tuple(one.value for one in samples if one.value is not None)


def unit_of(wanted: Unit, sample: Sample) -> Unit:
    """The unit of a sample, or the one that the template says where the stream names none. Raises UnitError."""
    return units.find(sample.unit) if sample.unit else wanted


def _shown(wanted: Wanted, sample: Sample) -> Judged:
    """The newest value, in the template's unit if it can be told in it."""
    found = Judged(
        status="idle", value=sample.value, unit=sample.unit, time_us=sample.time_us, window_s=wanted.needed_s
    )
    if sample.value is None or _wrong_unit(wanted, sample):
        return found
    value = units.convert(sample.value, unit_of(wanted.unit, sample), wanted.unit)
    return replace(found, value=value, unit=wanted.unit.symbol)


def _wrong_now(wanted: Wanted, newest: Sample, now_us: int) -> tuple[Status, str] | None:
    age, late = (now_us - newest.received_us) / 1e6, (newest.received_us - newest.time_us) / 1e6
    permitted = wanted.stability.max_age_s
    if age > permitted:
        rule = f"stale: the newest sample came {age:.1f} s ago, {permitted:g} s are permitted"
        return "refused", f"{rule}: check the instrument and its connection"
    if -late > permitted + _TRAVELS_S:
        return "refused", f"its times are {-late:.1f} s ahead of the server's clock: set the clock of its agent"
    if late > permitted + _TRAVELS_S:
        rule = f"its times are {late:.1f} s behind the server's clock"
        return "refused", f"{rule}: wait until its agent has caught up, or set the agent's clock"
    return None


def _wrong_sample(wanted: Wanted, sample: Sample) -> tuple[Status, str] | None:
    if sample.quality == NOT_A_NUMBER:
        return "refused", "what it sends is not a number: check the instrument and its channel"
    if sample.quality != GOOD or sample.value is None:
        status: Status = "unsteady" if sample.quality in _RESTLESS else "refused"
        what = "wait until it is good" if status == "unsteady" else "look at the instrument"
        return status, f'the instrument says "{sample.quality}": {what}'
    if rule := _wrong_unit(wanted, sample):
        return "refused", f"{rule}: set the instrument to {wanted.unit.symbol}"
    value = units.convert(sample.value, unit_of(wanted.unit, sample), wanted.unit)
    if wanted.display and (rule := window_rules.impossible(value, wanted.display, wanted.unit.symbol)):
        found = f"it shows {value:g} {wanted.unit.symbol}"
        return "refused", f"{found}, {rule}: look for its overload or error sign"
    return None


def _wrong_unit(wanted: Wanted, sample: Sample) -> str:
    try:
        is_alike = units.are_alike(unit_of(wanted.unit, sample), wanted.unit)
    except UnitError as error:
        return str(error)
    return "" if is_alike else f'its unit "{sample.unit}" cannot be converted to "{wanted.unit.symbol}"'


def _of_window(wanted: Wanted, track: Track, shown: Judged, now_us: int, since_us: int, until_us: int | None) -> Judged:
    settle_s = wanted.stability.settle_s
    from_us, passed_s = since_us + round(settle_s * 1e6), (now_us - since_us) / 1e6
    if passed_s < settle_s:
        return replace(shown, status="settling", reason=f"still settling, {max(0.0, passed_s):.1f} of {settle_s:g} s")
    piece = _piece(wanted, track, from_us, until_us)
    length_s = window_rules.length_s(times_s(piece.samples)) if len(piece.samples) > 1 else 0.0
    found = replace(shown, window=piece.samples, length_s=length_s)
    if not piece.is_whole:
        return replace(found, status="settling", reason=_not_whole(wanted, piece, length_s))
    return _of_whole(wanted, found)


def _not_whole(wanted: Wanted, piece: _Piece, length_s: float) -> str:
    since = f", since {piece.cut}" if piece.cut else ""
    if len(piece.samples) > MOST - MAX_SAMPLES:  # a track has no more, but for what is left of a frame
        return f"the window has more than {MOST} samples: have the instrument asked less often"
    if window_rules.is_long(length_s, wanted.needed_s):
        return f"{len(piece.samples)} of {wanted.least} samples{since}"
    return f"window {length_s:.1f} of {wanted.needed_s:g} s{since}"


def _of_whole(wanted: Wanted, found: Judged) -> Judged:
    samples = found.window
    for sample in (min(samples, key=_value), max(samples, key=_value)):
        if wrong := _wrong_sample(wanted, sample):
            return replace(found, status=wrong[0], reason=wrong[1])
    own, times, shown = unit_of(wanted.unit, samples[0]), times_s(samples), values(samples)
    if motion := window_rules.motion(times, shown, own, wanted.unit):
        found = replace(found, spread=motion.spread, slope=motion.slope)
    if wanted.usual and own.symbol != wanted.usual:
        rule = f'the readings before have the unit "{wanted.usual}", now it is "{own.symbol}"'
        return replace(found, status="refused", reason=f"{rule}: set it back")
    limits = wanted.stability
    steady = (
        window_rules.motion(times, shown, own, limits.unit) if wanted.is_judged and not wanted.is_recorded else None
    )
    if steady:
        for rule in (
            window_rules.wide(steady, limits, OF_A_CAPTURE),
            window_rules.moving(steady, limits, OF_A_CAPTURE),
        ):
            if rule:
                return replace(found, status="unsteady", reason=rule)
    for one in wanted.before:
        if rule := window_rules.frozen(shown, one.values, one.point):
            return replace(found, status="refused", reason=f"{rule}: check the instrument and its connection")
    return replace(found, status="stable")


def _piece(wanted: Wanted, track: Track, from_us: int, until_us: int | None) -> _Piece:
    """Walk from the newest sample backwards until it is long enough, or something ends it."""
    found: list[Sample] = []
    newer: Taken | None = None
    passed: list[Taken] = []  # frames without a sample of it, since the last one that had some
    silent_us = wanted.stability.max_age_s * 1e6
    for frame in reversed(track.frames):
        for sample in reversed(frame.samples):
            if until_us is not None and sample.time_us > until_us and not found:
                continue
            if min(sample.time_us, sample.received_us) <= from_us or sample.time_us <= wanted.after_us:
                return _ended(found, "")
            later = found[-1] if found else None
            is_plain = newer is frame or (not passed and newer is not None and _follows(newer, frame))
            is_plain = is_plain and later is not None and _is_alike(later, sample, silent_us)  # nearly all of many are
            if not is_plain and (cut := _cut(wanted, later, sample, newer, [*passed, frame])):
                return _ended(found, cut)
            newer, passed = frame, []
            found.append(sample)
            if len(found) >= wanted.least and _is_long(wanted, found):
                return _Piece(tuple(reversed(found)), "", True)
        if newer is not frame:
            passed.append(frame)
    return _ended(found, "")


def _follows(newer: Taken, older: Taken) -> bool:
    is_next = newer.epoch == older.epoch and newer.number == older.number + 1
    return is_next and not newer.lost and newer.boot == older.boot and abs(newer.set_us - older.set_us) <= _SET_US


def _is_alike(later: Sample, sample: Sample, silent_us: float) -> bool:
    is_good = sample.quality == GOOD and sample.unit == later.unit
    return is_good and 0 < later.time_us - sample.time_us <= silent_us


def _value(sample: Sample) -> float:
    return 0.0 if sample.value is None else sample.value  # in a window all have one


def _ended(found: list[Sample], cut: str) -> _Piece:
    return _Piece(tuple(reversed(found)), cut, False)


def _is_long(wanted: Wanted, found: Sequence[Sample]) -> bool:
    length_s = (found[0].time_us - found[-1].time_us) / 1e6 * len(found) / (len(found) - 1)
    return window_rules.is_long(length_s, wanted.needed_s, OF_A_CAPTURE)


def _cut(wanted: Wanted, later: Sample | None, sample: Sample, newer: Taken | None, older: Sequence[Taken]) -> str:
    """What ends a window at a sample, or before the one after it; `older` are the frames on the way back to it."""
    if sample.quality != GOOD or later is None:
        wrong = _wrong_sample(wanted, sample)
        return wrong[1].partition(":")[0] if wrong else ""
    silence = (later.time_us - sample.time_us) / 1e6
    if silence <= 0:
        return "its times went back"
    if newer is not None and newer is not older[-1] and (rule := _between([newer, *older])):
        return rule
    if window_rules.silent((0.0, silence), wanted.stability, OF_A_CAPTURE):
        return f"it was silent for {silence:.3g} s"
    return "" if sample.unit == later.unit else f'its unit changed from "{sample.unit}" to "{later.unit}"'


def _between(frames: Sequence[Taken]) -> str:
    """Frames from the newer to the older: what is missing between them, or was done to the clock."""
    missing = lost = 0
    for newer, older in pairwise(frames):
        missing += newer.number - 1 - (older.number if newer.epoch == older.epoch else 0)
        lost += newer.lost
        if newer.boot is not None and newer.boot == older.boot and abs(newer.set_us - older.set_us) > _SET_US:
            return f"the clock of its agent was set by {(newer.set_us - older.set_us) / 1e6:+.1f} s"
    if missing:
        return f"{missing} of its frames were lost"
    return f"{lost} of its samples were lost" if lost else ""
