"""Were commands executed as their callers were told? Executions, answers and ledger entries in, findings out. Pure.

What a caller is told, and what must then be true:

    done                                            executed, exactly once
    refused offline expired not-permitted, no: ...  not executed
    timeout failed lost                             executed once or not at all: the caller was told that nobody knows

The ledger must say the same of each, and of what was executed it must say something.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

NEVER: Final = frozenset({"refused", "offline", "expired", "not-permitted"})
PERHAPS: Final = frozenset({"timeout", "failed", "lost"})
DONE: Final = "done"
SAID_NO: Final = "no: "  # the gateway's refusal, which is no Reply
CONNECTION_LOST: Final = "connection lost"


class Answer(NamedTuple):
    """What one caller got: a Reply's result and reason, or which error; `told` is the number that a Reply gave back."""

    result: str
    reason: str = ""
    told: int | None = None


class Entry(NamedTuple):
    """One command's entry in the ledger."""

    number: int
    noted_by: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Obedience:
    """What was found. `undecided` were executed and nobody knows it for sure, as an agent died meanwhile."""

    asked: int
    answers: dict[str, int]
    executed: int
    executed_twice: int
    executed_and_recorded_done: int
    undecided: int
    entries: dict[str, int]
    findings: list[str] = field(default_factory=list)


def judge(
    executed: Mapping[int, int], answers: Mapping[int, list[Answer]], entries: Iterable[Entry], asked: int
) -> Obedience:
    """Compare all three, command by command, numbered from 1."""
    recorded: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        recorded[entry.number].append(entry)
    numbers = sorted({*range(1, asked + 1), *executed, *recorded})
    findings = [
        f"command {number}: {sentence}"
        for number in numbers
        for sentence in _wrong(executed.get(number, 0), answers.get(number, []), recorded[number])
    ]
    done = {number for number in numbers if any(entry.result == DONE for entry in recorded[number])}
    return Obedience(
        asked=asked,
        answers=dict(Counter(answer.result for several in answers.values() for answer in several)),
        executed=len(executed),
        executed_twice=sum(times > 1 for times in executed.values()),
        executed_and_recorded_done=len(done & executed.keys()),
        undecided=len(executed.keys() - done),
        entries=dict(Counter(f"{one.noted_by} {one.result}" for several in recorded.values() for one in several)),
        findings=findings + _strangers(answers, asked) + _exchanged(answers),
    )


def is_possible(result: str, times: int) -> bool:
    """Whether a command of which this is said can have been executed so many times."""
    if result == DONE:
        return times == 1
    if result in NEVER or result.startswith(SAID_NO):
        return times == 0
    return result in PERHAPS | {CONNECTION_LOST} and times <= 1


def _wrong(times: int, answers: list[Answer], entries: list[Entry]) -> Iterator[str]:
    if times > 1:
        yield f"executed {times} times"
    if len(answers) != 1:
        yield f"its caller got {len(answers)} answers"
    for answer in answers:
        if not is_possible(answer.result, times):
            yield f"its caller was told {answer.result!r} ({answer.reason}), it was executed {times} times"
        if _is_reply(answer) and answer.result not in {entry.result for entry in entries}:
            found = ", ".join(f"{entry.result!r} by {entry.noted_by}" for entry in entries) or "nothing"
            yield f"its caller was told {answer.result!r} ({answer.reason}), the ledger holds {found}"
    for entry in entries:
        if not is_possible(entry.result, times):
            yield f"the ledger says {entry.result!r} by {entry.noted_by}, it was executed {times} times"
    for noted_by, count in Counter(entry.noted_by for entry in entries).items():
        if count > 1:
            yield f"{count} entries in the ledger by {noted_by}"
    if times and not entries:
        yield "executed, and not in the ledger"


def _is_reply(answer: Answer) -> bool:
    return answer.result in NEVER | PERHAPS | {DONE}


def _strangers(answers: Mapping[int, list[Answer]], asked: int) -> list[str]:
    return [f"command {number}: answered, and nobody asked" for number in answers if not 1 <= number <= asked]


def _exchanged(answers: Mapping[int, list[Answer]]) -> list[str]:
    return [
        f"command {number}: its caller got the answer to {answer.told}"
        for number, several in answers.items()
        for answer in several
        if answer.result == DONE and answer.told != number
    ]
