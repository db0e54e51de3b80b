"""Calibration runs: a service leads through a template, captures from the live streams, and keeps all that happens.

    {request: "run-create", template, standards: [{role, name, position}], sensors: {temperature: "pi-1/room/air"},
     channels: {"mass": "weight"}, customer: {name, address, contact, country} or nil,
     place: {kind, address} or nil, condition, received, id}
        -> {run: View, mistakes: []} or {run: nil, mistakes: a sentence for each thing that forbids it}
    {request: "run-templates", template}               -> {templates: [Offer], mistakes: []}: what a run can be led by
    {request: "run-list", open, after}                 -> {runs: [Summary], more}, the newest first
    {request: "run-show", run}                         -> {run: View}
    {request: "run-act", run, act, ..., id}            -> {run: View, mistakes: []}, or with what forbids it
    {request: "run-events", run, after}                -> {events: [{number, time, user, kind, details, hash}], more}

    Summary {run, instrument, state, phase, is_paused, head, created, by, template: {id, version, title}, certificate,
             captured, steps}
    View    {Summary's keys but `steps`, template: {id, version, title, sha256, language, instrument_type},
             item: {...} of the register, customer, place, condition, received, review: "another" | "same",
             standards: [{role, name, position, description, certificate: {number, laboratory, calibrated, due},
                          instrument, channel}],
             channels: {"mass": "weight"}: what the template reads of the instrument, as that calls it,
             sensors: [{name, instrument, channel, unit, low, high, is_required}],
             checks: [{check, by, at}]                 by "" and at nil where it is not ticked
             questions: [{name, unit, meaning, low, high, value, by, at}]           value nil until it is answered
             tests: [{test, kind, title, measurand, unit, error_unit, is_skipped}],
             steps: [Step] of this phase, as_found: [Step] in the phase as_left, else [],
             next: number of the step to place now, or nil,   acts: [act, ...] that its state permits,
             missing: [sentence, ...] what is still to be done before it can go on,
             deviations: [{text, by, at, test}], adjustment: {text, before, after, by, at} or nil,
             results: nil or {verdict, data_sha256, as_found, as_left} as `calibration record --json` tells them,
             reviewed: nil or {by, at, text}, certificate: "" or its number}
    Offer   {name, id, version, title, instrument_type, sensors: [{name, unit, is_required}],
             standards: [{role, kind, classes, unit, is_live, positions: one at each; [] where there is one]}]}
    Step    {step, test, what: "zero" | "reading", point, unit, direction, repeat, position, state: StepState,
             value, error, error_unit, lower, upper, samples, spread, slope, at, by, reason,
             references: [{role, value, unit}],
             frames: [{role, instrument, epoch, first, last, sha256}],
             struck: [{value, at, by, reason, struck_by}]}      `error` is to show only: the results are calculated;
                                                 `lower` and `upper` are its limits in error_unit, nil where none is

Asked of a service whose role is `calibration`, in the role calibrator or admin; to look, any but public. Each is about
the run's instrument, or a pattern that it falls under. With an `id` of the caller's own what is sent again is done
once. `template` is the name of one that comes along, or a file's bytes, compressed by zlib. `channels` may be left out:
a channel of the template is the instrument's of that name, else the only one in such a unit; else it must be named.
Times are in µs since 1970 UTC; `received` is a date. Steps count from 1, tests from 0.

What comes by itself meanwhile is `<agent>/<instrument>/run` (Live). `head` counts what happened: where it is larger
than that of the View at hand, ask for a new one.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import MAX_ID, MAX_SENTENCE

CREATE: Final = "run-create"
TEMPLATES: Final = "run-templates"
LIST: Final = "run-list"
SHOW: Final = "run-show"
ACT: Final = "run-act"
EVENTS: Final = "run-events"

# Where a run is. From `created` to `reviewed` it is open: one of each instrument at most.
RunState = Literal["created", "measuring", "measured", "adjusting", "calculated", "reviewed", "issued", "aborted"]
Phase = Literal["as_found", "as_left"]

# What may be asked of a run, with its arguments.
Act = Literal[
    "tick",  # check: its text; undone: true takes it back
    "answer",  # name, value, unit
    "begin",  # created -> measuring as_found; adjusting -> measuring as_left
    "place",  # step: what it asks for is done, wait until it is stable and capture
    "lift",  # wait no more
    "type",  # step, value (text, as it was typed), unit, reason, decimal ("point" or "comma"): where no stream tells
    "strike",  # step, reason: what was captured does not count, it is open again
    "skip",  # test, reason: its open steps stay out, as a deviation from the method
    "deviate",  # text: another deviation
    "command",  # name, arguments; confirmed: true for a dangerous one. Nobody else commands the instrument meanwhile
    "measure_again",  # reason: measured, calculated or reviewed -> measuring, to strike and repeat
    "adjust",  # text, before, after: measured as_found -> adjusting
    "calculate",  # measured -> calculated: all is checked against the log, all numbers are made
    "review",  # approve, text, data_sha256 (of what was looked at): calculated -> reviewed, or back to measured
    "issue",  # language, readings: reviewed -> issued
    "pause",  # reason: nothing is captured until
    "resume",
    "abort",  # reason
]

# What a step waits for. `captured` and `typed` have a value; `left out` is of a test that was skipped.
StepState = Literal["open", "waiting", "captured", "typed", "left out"]

# What the stream of a waiting step does. `refused`: it cannot be captured as it is, and the reason says why.
Status = Literal["idle", "settling", "unsteady", "stable", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSignal:
    """One stream of a run, now. `role` is "" for the instrument itself, a standard's role, or a condition's name.

    `spread` is largest less smallest and `slope` per second, of the newest window, in `unit`; None while it is too
    short. `length_s` is how much of the window of `window_s` is there. `reason` says why it is not stable, or not good.
    """

    role: str
    instrument: str
    channel: str
    value: float | None = None
    unit: str = ""
    time: int = 0
    status: Status = "idle"
    reason: str = ""
    samples: int = 0
    length_s: float = 0.0
    window_s: float = 0.0
    spread: float | None = None
    slope: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """How a run is now: `<agent>/<instrument>/run`, retained, at most 4 a second; empty where there is none.

    `step` is the one that waits, None where none does; `left_s` until it is given up. `reason` says what stands in the
    way of the whole run, such as a lost sensor. `is_held`: nobody else commands the instrument.
    """

    run: str
    state: RunState
    phase: Phase
    head: int
    is_paused: bool = False
    is_held: bool = False
    step: int | None = None
    left_s: float | None = None
    reason: str = ""
    time: int = 0
    signals: list[LiveSignal] = field(default_factory=list)

    def encode(self) -> bytes:
        return codec.pack_versioned(asdict(self))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "run")
        return cls(
            run=wire.text("run", longest=MAX_ID),
            state=codec.one_of(wire.text("state"), RunState, "run.state"),
            phase=codec.one_of(wire.text("phase"), Phase, "run.phase"),
            head=wire.integer("head"),
            is_paused=wire.boolean("is_paused", default=False),
            is_held=wire.boolean("is_held", default=False),
            step=None if wire.get("step") is None else wire.integer("step", minimum=0),
            left_s=_number(wire.get("left_s"), "run.left_s"),
            reason=wire.text("reason", default="", longest=MAX_SENTENCE),
            time=wire.integer("time", default=0),
            signals=[_signal(one) for one in wire.list("signals", default=[])],
        )


def _signal(value: Any) -> LiveSignal:
    wire = Fields(value, "signal")
    return LiveSignal(
        role=wire.text("role"),
        instrument=wire.text("instrument"),
        channel=wire.text("channel"),
        value=_number(wire.get("value"), "signal.value"),
        unit=wire.text("unit", default=""),
        time=wire.integer("time", default=0),
        status=codec.one_of(wire.text("status"), Status, "signal.status"),
        reason=wire.text("reason", default="", longest=MAX_SENTENCE),
        samples=wire.integer("samples", default=0),
        length_s=_number(wire.get("length_s"), "signal.length_s") or 0.0,
        window_s=_number(wire.get("window_s"), "signal.window_s") or 0.0,
        spread=_number(wire.get("spread"), "signal.spread"),
        slope=_number(wire.get("slope"), "signal.slope"),
    )


def _number(value: Any, what: str) -> float | None:
    if value is not None and type(value) not in (int, float):
        raise WireError(f"{what} is not a number")
    return None if value is None else float(value)
