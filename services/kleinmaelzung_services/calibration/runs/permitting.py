"""Which acts a run permits as it is, and to whom: run, act and who asks in; a refusal with its reason out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.calibration.certificates.asked import ISSUING
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.requests import RequestRefused
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.runs import Act, RunState


class Refused(RequestRefused):
    """What forbids an act: a code of sockets, and a sentence for each reason."""

    def __init__(self, code: str, *mistakes: str) -> None:
        super().__init__(code, "; ".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    user: str
    role: str


_OPEN: Final[frozenset[RunState]] = frozenset(
    {"created", "measuring", "measured", "adjusting", "calculated", "reviewed"}
)
_RECORDING: Final[frozenset[RunState]] = frozenset({"created", "measuring", "measured", "adjusting"})
_STATES: Final[Mapping[Act, frozenset[RunState]]] = {
    "tick": frozenset({"created"}),
    "answer": _RECORDING,
    "begin": frozenset({"created", "adjusting"}),
    "place": frozenset({"measuring"}),
    "lift": frozenset({"measuring"}),
    "type": frozenset({"measuring"}),
    "strike": frozenset({"measuring", "measured"}),
    "skip": frozenset({"measuring"}),
    "deviate": _RECORDING,
    "command": _RECORDING,
    "measure_again": frozenset({"measured", "calculated", "reviewed"}),
    "adjust": frozenset({"measuring", "measured"}),
    "calculate": frozenset({"measuring", "measured"}),
    "review": frozenset({"calculated"}),
    "issue": frozenset({"reviewed"}),
    "pause": _RECORDING,
    "resume": _RECORDING,
    "abort": _OPEN,
}
_WHILE_PAUSED: Final = frozenset({"resume", "abort", "deviate"})
_WHILE_WAITING: Final = frozenset({"lift", "answer", "deviate", "pause", "abort"})
_NEXT: Final[Mapping[RunState, str]] = {
    "created": "tick and answer what is open, then begin",
    "measuring": "measure what is open",
    "measured": "calculate, or measure_again",
    "adjusting": "begin as left",
    "calculated": "have it reviewed, or measure_again",
    "reviewed": "issue it, or measure_again",
    "issued": "create another run",
    "aborted": "create another run",
}


def acts(run: Run) -> list[Act]:
    """What its state permits, whoever asks."""
    return [act for act in _STATES if not _forbidden(run, act)]


def check(run: Run, act: str, who: Who) -> Act:
    """The act, if its name is one and they may do it now. Raises Refused, WireError."""
    known = next((one for one in _STATES if one == act), None)
    if known is None:
        raise WireError(f"act is {act!r:.40}, expected one of {', '.join(_STATES)}")
    check_role(who)
    if forbidden := _forbidden(run, known):
        raise Refused(sockets.CONFLICT, forbidden)
    return known


def check_role(who: Who) -> None:
    """Raise Refused unless they may calibrate."""
    if who.role not in ISSUING:
        roles = " or ".join(sorted(ISSUING))
        sentence = f"{who.user} is {who.role}: a calibration is made by one who is {roles}; ask an admin for that role"
        raise Refused(sockets.NOT_PERMITTED, sentence)


def _forbidden(run: Run, act: Act) -> str:
    """Why the run as it is has no such act; empty where it has."""
    states = _STATES[act]
    if run.state not in states:
        rule = f"{act} is for one that is {' or '.join(one for one in _NEXT if one in states)}"
        return f"run {run.name} is {run.state}: {rule}; {_NEXT[run.state]}"
    if run.is_paused and act not in _WHILE_PAUSED:
        return f"run {run.name} is paused: nothing is captured or changed meanwhile; resume it first"
    if not run.is_paused and act == "resume":
        return f"run {run.name} is not paused: there is nothing to resume; {_NEXT[run.state]}"
    if run.waiting and act not in _WHILE_WAITING:
        return f"step {run.waiting.step} waits until it is stable: let it be captured, or lift it first"
    if not run.waiting and act == "lift":
        return f"no step of run {run.name} waits: there is nothing to lift; place the next one"
    if act in ("calculate", "adjust") and not run.is_measured:
        return f"run {run.name} has open steps: {act} is for when all are measured or skipped; {_NEXT['measuring']}"
    if act == "adjust" and run.phase == "as_left":
        rule = "an instrument is adjusted once in a run"
        return f"run {run.name} is measured as left already: {rule}; calculate it, or abort it and create another"
    if act in ("place", "type", "skip") and run.next is None:
        return f"run {run.name} has no open step: strike one out to measure it again, or calculate"
    return ""
