"""What the instruments sent against what the database holds: Truth and Rows in, a Finding per instrument out. Pure.

Missing is every value that was sent and is not there, but for those that could not be kept, which have figures of
their own:

    lost in window     sent so shortly before a kill -9 of its agent that it was in memory only: the promised window
    unread at stop     sent while its agent ended in order, and still unread in the port
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.faults.parts import Ending
from tests.faults.truth import Connection, Sent, Truth

WINDOW_MS: Final = 250  # kept in memory before the spool writes it
FRAME_MS: Final = 100  # gathered into one frame
# Sent and not yet read by the agent, and the spool's commit: two busy cores carry everything.
UNREAD_MS: Final = 250
AT_RISK_MS: Final = WINDOW_MS + FRAME_MS + UNREAD_MS
SHOWN: Final = 20
NEAR_MS: Final = 10_000  # earlier than this, the end of the agent has nothing to do with it


class Row(NamedTuple):
    """One sample as the database has it, in the order of stream, number and index."""

    value: int
    stream: int
    number: int
    time_us: int


@dataclass(slots=True, kw_only=True)
class Finding:
    """What became of one instrument's values."""

    instrument: str
    taken: int = 0
    logged: int = 0
    missing: int = 0
    duplicated: int = 0
    invented: int = 0
    disordered: int = 0
    lost_in_window: int = 0
    longest_window_ms: float = 0.0
    kills_with_loss: set[int] = field(default_factory=set)  # by their time: each must be told as a gap
    unread_at_stop: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.missing or self.duplicated or self.invented or self.disordered)


def judge(instrument: str, truth: Truth, rows: Sequence[Row], endings: Iterable[Ending]) -> Finding:
    """Compare one instrument's values; `endings` are those of all agents."""
    times_logged = Counter(row.value for row in rows)
    own = [ending for ending in endings if instrument.startswith(f"{ending.part}/")]
    finding = Finding(instrument=instrument, taken=len(truth.sent))
    finding.logged = len(truth.sent.keys() & times_logged.keys())
    finding.duplicated = sum(times - 1 for count, times in times_logged.items() if count in truth.sent)
    finding.invented = sum(times for count, times in times_logged.items() if count not in truth.sent)
    finding.disordered = disordered(rows)
    for count in sorted(truth.sent.keys() - times_logged.keys()):
        _judge_absent(finding, count, truth, own)
    _add_examples(finding, "twice", (count for count, times in times_logged.items() if times > 1))
    _add_examples(finding, "never sent", times_logged.keys() - truth.sent.keys())
    return finding


def disordered(rows: Sequence[Row]) -> int:
    """How often time or count runs backwards within a stream, in the order of its numbers."""
    return sum(
        after.stream == before.stream and (after.time_us < before.time_us or after.value < before.value)
        for before, after in itertools.pairwise(rows)
    )


def _judge_absent(finding: Finding, count: int, truth: Truth, endings: Sequence[Ending]) -> None:
    value = truth.sent[count]
    connection = truth.connections[value.connection]
    ending = ending_of(connection, endings)
    early_ms = _early_ms(value, connection, ending)
    if ending and ending.how == "killed" and early_ms <= AT_RISK_MS:
        finding.lost_in_window += 1
        finding.kills_with_loss.add(ending.at_ns)
        finding.longest_window_ms = max(finding.longest_window_ms, round(early_ms, 1))
    elif ending and early_ms <= UNREAD_MS:
        finding.unread_at_stop += 1
    else:
        finding.missing += 1
        when = f", {early_ms:.0f} ms before its agent was {ending.how}" if ending and early_ms < NEAR_MS else ""
        _add_examples(finding, f"missing, sent at {value.at_ns} ns on connection {value.connection}{when}", [count])


def ending_of(connection: Connection, endings: Iterable[Ending]) -> Ending | None:
    """The end of the agent that held this connection, where that is what ended it."""
    within = (one for one in endings if connection.opened_ns <= one.at_ns <= connection.closed_ns)
    return min(within, key=lambda one: one.at_ns, default=None)


def _early_ms(value: Sent, connection: Connection, ending: Ending | None) -> float:
    """How long before the end of its agent a value was sent: of its last look at the port, where it ended in order."""
    if ending is None:
        return 0.0
    end_ns = ending.at_ns if ending.how == "killed" else connection.closed_ns
    return max(0.0, (end_ns - value.at_ns) / 1e6)


def _add_examples(finding: Finding, what: str, counts: Iterable[int]) -> None:
    room = SHOWN - len(finding.examples)
    finding.examples += [f"{finding.instrument} {count}: {what}" for count in itertools.islice(sorted(counts), room)]
