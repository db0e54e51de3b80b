"""What a laboratory's logger says of completeness: which frames came, which did not, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from kleinmaelzung.asking import Ask, unreadable
from kleinmaelzung.errors import Refused
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.codec import Fields, WireError

REQUEST: Final = "completeness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One start of an agent, as far as one instrument goes. Its frames are numbered from 1 without a hole.

    `first` and `last` are numbers: of the first frame that came (None: none did) and of the last that is known of.
    `since` and `until` are times (µs since 1970 UTC) of the first and the last frame. `received`, `missing` and
    `quarantined` count frames and add up to `last`; `conflicts` counts frames that came with a number that was taken.
    """

    epoch: int
    first: int | None
    last: int
    received: int
    missing: int
    quarantined: int
    conflicts: int
    since: int
    until: int

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "run")
        return cls(
            epoch=wire.integer("epoch"),
            first=wire.optional_integer("first"),
            last=wire.integer("last"),
            received=wire.integer("received"),
            missing=wire.integer("missing"),
            quarantined=wire.integer("quarantined"),
            conflicts=wire.integer("conflicts"),
            since=wire.integer("since"),
            until=wire.integer("until"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFrames:
    """Frames `first` to `last` of a run that are not among the data.

    `kind` is "missing", or "quarantined": they came and could not be stored as what they claim to be. `reason` is empty
    as long as nobody knows one: the agent may still have them, and sends them again. `run_since` (µs) names the run to
    people, `epoch` to programs.
    """

    epoch: int
    run_since: int
    first: int
    last: int
    kind: str
    reason: str
    detail: str

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "range")
        return cls(
            epoch=wire.integer("epoch"),
            run_since=wire.integer("run_since"),
            first=wire.integer("first"),
            last=wire.integer("last"),
            kind=wire.text("kind"),
            reason=wire.text("reason"),
            detail=wire.text("detail"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingTime:
    """A time in which nothing was taken, and why. Times in µs since 1970 UTC; without `until` it lasts."""

    since: int | None
    until: int | None
    reason: str
    detail: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "gap")
        return cls(
            since=wire.optional_integer("since"),
            until=wire.optional_integer("until"),
            reason=wire.text("reason"),
            detail=wire.text("detail"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What came of one instrument's frames, over all its runs that were asked for.

    `received`, `missing` and `quarantined` add up to `expected`; `explained` of the missing have a known reason.
    `percent` is never rounded up, and None where nothing is expected. The lists are newest first, and long ones are
    cut: `more_runs`, `more_ranges` and `more_gaps` count what is left out.
    """

    instrument: str
    expected: int
    received: int
    missing: int
    explained: int
    quarantined: int
    conflicts: int
    percent: float | None
    runs: list[Run] = field(default_factory=list)
    ranges: list[MissingFrames] = field(default_factory=list)
    gaps: list[MissingTime] = field(default_factory=list)
    more_runs: int = 0
    more_ranges: int = 0
    more_gaps: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every frame that was numbered is among the data. Times in which none was taken do not count."""
        return self.received == self.expected and not self.conflicts

    @property
    def is_explained(self) -> bool:
        """Whether nothing is missing but what there is a reason for; what could not be stored is never explained."""
        return self.missing == self.explained and not self.quarantined and not self.conflicts

    @classmethod
    def nothing(cls, instrument: str) -> Self:
        """Of an instrument that nothing was ever logged of."""
        return cls(
            instrument=instrument,
            expected=0,
            received=0,
            missing=0,
            explained=0,
            quarantined=0,
            conflicts=0,
            percent=None,
        )

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From a logger's answer. Raises WireError."""
        wire = Fields(value, "completeness")
        found = wire.get("percent")
        if found is not None and type(found) not in (int, float):
            raise WireError(f"completeness.percent is {found!r:.40}, expected a number or nil")
        return cls(
            instrument=wire.text("instrument"),
            expected=wire.integer("expected"),
            received=wire.integer("received"),
            missing=wire.integer("missing"),
            explained=wire.integer("explained"),
            quarantined=wire.integer("quarantined"),
            conflicts=wire.integer("conflicts"),
            percent=found,
            runs=[Run.from_map(run) for run in wire.list("runs")],
            ranges=[MissingFrames.from_map(range_) for range_ in wire.list("ranges")],
            gaps=[MissingTime.from_map(gap) for gap in wire.list("gaps")],
            more_runs=wire.integer("more_runs"),
            more_ranges=wire.integer("more_ranges"),
            more_gaps=wire.integer("more_gaps"),
        )


async def find(ask: Ask, patterns: Sequence[str], question: dict[str, Any]) -> list[Completeness]:
    """What is known of the instruments under any of the patterns, by name. Raises Refused where nothing is."""
    found: list[Completeness] = []
    nothing: Refused | None = None
    for pattern in patterns:
        try:
            found += await _find(ask, {**question, "instrument": pattern})
        except Refused as refused:
            if refused.code != sockets.UNKNOWN:
                raise
            nothing = refused  # of this pattern, but there are others
    if nothing and not found:
        raise nothing
    return sorted(found, key=lambda one: one.instrument)


async def _find(ask: Ask, question: dict[str, Any]) -> list[Completeness]:
    found: list[Completeness] = []
    while True:
        answer = await ask(REQUEST, {**question, "after": found[-1].instrument if found else None})
        try:
            page = Fields(answer, REQUEST)
            shown = [Completeness.from_map(one) for one in page.list("instruments")]
            more = page.boolean("more", default=False)
        except WireError as error:
            raise unreadable("of the logger", error) from error
        found += shown
        if not shown or not more:
            return found
