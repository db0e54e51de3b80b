"""Commands through kill -9 of agent, gateway and broker, in short; and that the comparison finds what is wrong.

The long run is `python -m tests.faults.commanding`.
"""

import json
from collections.abc import Iterable

import pytest

from tests.faults import commanding, obedience
from tests.faults.obedience import Answer, Entry

DONE = Entry(1, "agent", "done")
LOST = Entry(1, "agent", "lost")


async def test_every_command_is_executed_at_most_once_and_its_caller_told_so_whatever_is_killed() -> None:
    found = await commanding.run(300, 16.0, 1, print)
    assert found.ok, json.dumps(found.to_json(), indent=2)
    assert found.killed == {"kill agent": 1, "kill gateway": 1, "kill broker": 1}
    assert found.obedience.answers["done"] > 30


def test_the_same_seed_kills_the_same() -> None:
    assert commanding.plan(7, 600.0) == commanding.plan(7, 600.0) != commanding.plan(8, 600.0)
    assert all(fault.at_s < 600 for fault in commanding.plan(7, 600.0))


@pytest.mark.parametrize(
    ("times", "answer", "entries"),
    [
        (1, Answer("done", told=1), [DONE]),
        (0, Answer("offline"), [Entry(1, "service", "offline")]),
        (0, Answer("refused"), [Entry(1, "agent", "refused")]),
        (0, Answer("no: limit"), []),
        (0, Answer("connection lost"), []),
        (1, Answer("connection lost"), [DONE]),
        (1, Answer("lost"), [LOST]),
        (1, Answer("lost"), [Entry(1, "service", "lost"), DONE]),
        (0, Answer("lost"), [LOST]),
    ],
)
def test_what_may_be_is_no_finding(times: int, answer: Answer, entries: list[Entry]) -> None:
    assert findings(times, [answer], entries) == []


@pytest.mark.parametrize(
    ("times", "answers", "entries", "finding"),
    [
        (2, [Answer("done", told=1)], [DONE], "executed 2 times"),
        (0, [Answer("done", told=1)], [DONE], "told 'done' (), it was executed 0 times"),
        (1, [Answer("offline")], [Entry(1, "service", "offline")], "told 'offline' (), it was executed 1 times"),
        (1, [Answer("no: limit")], [DONE], "told 'no: limit' (), it was executed 1 times"),
        (0, [], [], "its caller got 0 answers"),
        (0, [Answer("no answer")], [], "told 'no answer'"),
        (1, [Answer("done", told=1), Answer("done", told=1)], [DONE], "its caller got 2 answers"),
        (1, [Answer("done", told=2)], [DONE], "its caller got the answer to 2"),
        (1, [Answer("done", told=1)], [LOST], "the ledger holds 'lost' by agent"),
        (1, [Answer("connection lost")], [], "executed, and not in the ledger"),
        (0, [Answer("connection lost")], [DONE], "the ledger says 'done' by agent, it was executed 0 times"),
        (1, [Answer("done", told=1)], [DONE, DONE], "2 entries in the ledger by agent"),
    ],
)
def test_what_may_not_be_is_found(times: int, answers: list[Answer], entries: list[Entry], finding: str) -> None:
    assert any(finding in one for one in findings(times, answers, entries))


def findings(times: int, answers: list[Answer], entries: Iterable[Entry]) -> list[str]:
    return obedience.judge({1: times} if times else {}, {1: answers}, entries, 1).findings
