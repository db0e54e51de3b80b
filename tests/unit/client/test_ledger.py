"""The ledger at the client, without a laboratory: pages, pieces, and what people read."""

from typing import Any

import pytest

from kleinmaelzung import Error, LedgerCheck, LedgerEntry, ledger
from kleinmaelzung.commands import ledger as command

ENTRY = {
    "number": 1,
    "time": 1_790_000_000_000_000,
    "instrument": "pi-1/balance",
    "user": "anna",
    "origin": "s1",
    "id": "id-1",
    "name": "set",
    "arguments": '{"value": 3.5, "unit": "g"}',
    "result": "done",
    "reason": "",
    "values": "{}",
    "bytes_out": b"",
    "bytes_in": b"",
    "took_us": 12_345,
    "received": None,
    "noted_by": "agent",
    "epoch": None,
    "frame": None,
    "record": None,
    "logged": 1,
    "hash": "00",
    "left_out": [],
}
HASH = "ab" * 32


def piece(number: int, **changed: Any) -> dict[str, Any]:
    whole = {"entries": 2, "compared": 1, "ok": True, "first_bad": None, "why": "", "head": [number, HASH]}
    return {**whole, "more": False, **changed}


class Logger:
    """Answers with what it is given, in that order."""

    def __init__(self, *answers: Any) -> None:
        self.questions: list[dict[str, Any]] = []
        self._answers = list(answers)

    async def ask(self, name: str, question: dict[str, Any]) -> Any:
        self.questions.append({"request": name, **question})
        return self._answers.pop(0)


async def test_pages_are_asked_for_until_there_is_enough() -> None:
    first = {"entries": [{**ENTRY, "number": 9}, {**ENTRY, "number": 8}], "more": True}
    logger = Logger(first, {"entries": [{**ENTRY, "number": 7}], "more": True})
    found = await ledger.find(logger.ask, ["+/+"], {"user": "anna"}, 3)
    assert [entry.number for entry in found] == [9, 8, 7]
    assert logger.questions == [
        {"request": "ledger", "instrument": "+/+", "user": "anna", "after": None, "limit": 3},
        {"request": "ledger", "instrument": "+/+", "user": "anna", "after": 8, "limit": 1},
    ]


async def test_entries_under_several_patterns_are_the_newest_of_all() -> None:
    one = {"entries": [{**ENTRY, "number": 9}, {**ENTRY, "number": 4}], "more": False}
    other = {"entries": [{**ENTRY, "number": 7}, {**ENTRY, "number": 2}], "more": False}
    found = await ledger.find(Logger(one, other).ask, ["pi-1/balance", "pi-2/+"], {}, 3)
    assert [entry.number for entry in found] == [9, 7, 4]


async def test_pieces_are_verified_to_the_end_and_added_up() -> None:
    logger = Logger(piece(2, more=True), piece(4, more=True), piece(6))
    check = await ledger.verify(logger.ask, f"4:{HASH}")
    assert check == LedgerCheck(is_whole=True, entries=6, compared=3, first_bad=None, why="", head=f"6:{HASH}")
    assert [question["after"] for question in logger.questions] == [[0, "0" * 64], [2, HASH], [4, HASH]]
    assert logger.questions[0]["head"] == [4, HASH]


async def test_a_damaged_piece_is_the_last_one() -> None:
    logger = Logger(piece(2, more=True), piece(3, ok=False, first_bad=4, why="entry 4 was edited"))
    check = await ledger.verify(logger.ask, None)
    assert (check.is_whole, check.first_bad, check.head) == (False, 4, f"3:{HASH}")


async def test_a_logger_that_gets_nowhere_proves_nothing() -> None:
    logger = Logger(piece(2, more=True), piece(2, more=True))
    assert not (await ledger.verify(logger.ask, None)).is_whole


@pytest.mark.parametrize("answer", [None, {}, {"entries": [{**ENTRY, "arguments": "["}], "more": False}, {"head": []}])
async def test_an_answer_of_another_version_is_said(answer: Any) -> None:
    for question in (ledger.find(Logger(answer).ask, ["+/+"], {}, 1), ledger.verify(Logger(answer).ask, None)):
        with pytest.raises(Error, match="is it of another version"):
            await question


def entry(**changed: Any) -> LedgerEntry:
    return LedgerEntry.from_map({**ENTRY, **changed})


def test_a_command_reads_as_it_is_typed() -> None:
    assert command.command(entry()) == "set value=3.5 unit=g"
    assert command.command(entry(arguments="{}", left_out=["arguments"])) == "set ..."
    long = command.command(entry(arguments='{"text": "' + "x" * 100 + '"}'))
    assert (len(long), long[-3:]) == (60, "...")
    assert "\x1b" not in command.command(entry(name="\x1b[2J"))


@pytest.mark.parametrize(("took_us", "text"), [(0, "-"), (999, "1.0 ms"), (12_345, "12.3 ms"), (2_500_000, "2.50 s")])
def test_how_long_it_took(took_us: int, text: str) -> None:
    assert command.took(entry(took_us=took_us)) == text


def test_a_verdict_says_what_to_do() -> None:
    whole = LedgerCheck(is_whole=True, entries=1, compared=1, first_bad=None, why="", head=f"1:{HASH}")
    assert "--head" in command.verdict(whole, None)
    assert command.verdict(whole, f"1:{HASH}").splitlines() == [
        "the ledger is whole: 1 entry, 1 compared with the frames they came in",
        f"head 1:{HASH}",
    ]
    bad = LedgerCheck(is_whole=False, entries=0, compared=0, first_bad=1, why="entry 1 was edited", head="0:")
    assert command.verdict(bad, None).startswith("the ledger is damaged: entry 1 was edited\nno entry before is good")
