"""Notes on time lines from end to end: a client, a real gateway and broker, the service of batches, a real database."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import kleinmaelzung.sync
from kleinmaelzung import Lab, Note
from kleinmaelzung_services.config import Config
from kleinmaelzung_wire import access
from tests import databases
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.integration.test_batches import (
    BALANCE,
    HOUR_US,
    OVEN,
    Malting,
    announced,
    configuration,
    malting,
    now_us,
    refused,
    running,
)
from tests.terminals import Terminal
from tests.waiting import until

__all__ = ["malting"]  # a fixture
BEGAN, BEGAN_US = "2021-09-21T14:00:00Z", 1_632_232_800_000_000


@pytest.fixture
async def anna(malting: Malting) -> AsyncIterator[Lab]:
    """An operator of everything."""
    async with malting.lab("anna") as lab:
        yield lab


def texts(found: list[Note]) -> list[str]:
    return [note.text for note in found]


async def test_a_note_is_put_on_a_time_line_and_found(anna: Lab) -> None:
    before = now_us()
    note = await anna.notes.add(BALANCE, "cleaned the pan\nand levelled")
    assert (note.number, note.instrument, note.user, note.text) == (1, BALANCE, "anna", "cleaned the pan\nand levelled")
    assert before <= note.at == note.noted <= now_us()
    assert (note.until, note.withdrawn) == (None, None)
    assert await anna.notes.find(BALANCE) == await anna.notes.find("pi-1/+") == await anna.notes.find() == [note]
    assert await anna.notes.find(OVEN) == []


async def test_what_an_answer_holds(anna: Lab) -> None:
    """As docs/protocol.md has it."""
    span = {"at": BEGAN_US, "until": BEGAN_US + HOUR_US}
    added = await anna.request("batches", "note-add", instrument=OVEN, text="door was open", id="a", **span)
    noted = added["note"].pop("noted")
    told = {"number": 1, "instrument": OVEN, "text": "door was open", "user": "anna", **span}
    assert added == {"note": {**told, "withdrawn": None}}
    gone = await anna.request("batches", "note-withdraw", number=1, reason="it was shut")
    time = gone["note"]["withdrawn"].pop("time")
    assert BEGAN_US < noted <= time <= now_us()
    whole = {**told, "noted": noted, "withdrawn": {"user": "anna", "reason": "it was shut"}}
    assert gone == {"note": whole}
    listed = await anna.request("batches", "note-list", instrument="+/+")
    assert listed["notes"][0]["withdrawn"].pop("time") == time
    assert listed == {"notes": [whole], "more": False}


async def test_notes_of_a_time_touch_it_those_of_the_latest_come_first(anna: Lab) -> None:
    for text, hour in (("b", 2), ("a", 1), ("c", 3), ("same", 2)):
        await anna.notes.add(BALANCE, text, at=BEGAN_US + hour * HOUR_US)
    await anna.notes.add(BALANCE, "long", at=BEGAN_US, until=BEGAN_US + 6 * HOUR_US)
    assert texts(await anna.notes.find()) == ["c", "same", "b", "a", "long"]

    async def between(since: int | None, to: int | None) -> list[str]:
        first, last = (None if hour is None else BEGAN_US + hour * HOUR_US for hour in (since, to))
        return texts(await anna.notes.find(BALANCE, since=first, until=last))

    assert await between(2, 3) == ["c", "same", "b", "long"]
    assert await between(None, 1) == ["a", "long"]
    assert await between(4, 5) == await between(6, None) == ["long"]
    assert await between(7, 8) == []


async def test_a_note_that_was_wrong_is_withdrawn_and_stays(anna: Lab, malting: Malting) -> None:
    note = await anna.notes.add(BALANCE, "cleaned the pan")
    gone = await anna.notes.withdraw(note.number, "it was the other balance")
    assert gone.withdrawn is not None
    assert (gone.withdrawn.user, gone.withdrawn.reason) == ("anna", "it was the other balance")
    assert note.noted <= gone.withdrawn.time <= now_us()
    assert await anna.notes.find() == [gone]
    with refused("conflict", "note 1 was withdrawn already, by anna at 20"):
        await anna.notes.withdraw(note.number, "once more")
    with refused("unknown", "there is no note 2"):
        await anna.notes.withdraw(2, "x")


async def test_what_is_sent_again_is_done_once(anna: Lab, malting: Malting) -> None:
    found = await asyncio.gather(*(anna.notes.add(BALANCE, "cleaned", id="a") for _ in range(5)))
    assert len(set(found)) == 1
    with refused("conflict", "anna used the id 'a' for another request"):
        await anna.notes.add(OVEN, "cleaned", id="a")
    gone = await asyncio.gather(*(anna.notes.withdraw(1, "not so", id="a") for _ in range(5)))
    assert len(set(gone)) == 1
    with refused("conflict", "anna used the id 'a' for another request"):
        await anna.notes.withdraw(1, "for another reason", id="a")
    assert await anna.notes.add(BALANCE, "cleaned", id="a") == gone[0]  # as it is now
    await malting.add_user("nele", "operator", "+/+")
    async with malting.lab("nele") as nele:  # another's id is another one
        assert (await nele.notes.add(BALANCE, "mine", id="a")).number == 2
    assert len(await anna.notes.find()) == 2


async def test_what_cannot_be_is_refused(anna: Lab) -> None:
    with refused("bad-message", "is in the future, it is .* now"):
        await anna.notes.add(BALANCE, "x", at=now_us() + HOUR_US)
    with refused("bad-message", "is not after"):
        await anna.notes.add(BALANCE, "x", at=BEGAN_US, until=BEGAN_US)
    for text in ("", "x" * 1001, "a\x1b[2J"):
        with refused("bad-message", "a note of .* characters: expected 1 to 1000"):
            await anna.notes.add(BALANCE, text)
    for pattern in ("pi-1/+", "+/+"):
        with refused("bad-message", "a note is about one instrument"):
            await anna.request("batches", "note-add", instrument=pattern, text="x")
    with refused("bad-message", "about one instrument"):
        await anna.request("batches", "note-add", text="x")
    with refused("bad-message", "note-list is about instruments"):
        await anna.request("batches", "note-list")
    for limit in (0, 201):
        with refused("bad-message", "limit"):
            await anna.request("batches", "note-list", instrument="+/+", limit=limit)
    with refused("bad-message", "a reason of 0 characters"):
        await anna.notes.withdraw(1, "")
    assert await anna.notes.find() == []


# Who may


async def test_observers_read_and_write_nothing(malting: Malting, anna: Lab) -> None:
    note = await anna.notes.add(BALANCE, "cleaned")
    async with malting.lab("otto") as otto:
        assert await otto.notes.find() == [note]
        with refused("not-permitted", "otto is observer: a note is written by one who is admin, calibrator, operator"):
            await otto.notes.add(BALANCE, "x")
        with refused("not-permitted", "otto is observer: a note is withdrawn by"):
            await otto.notes.withdraw(note.number, "x")
    assert await anna.notes.find() == [note]


async def test_nobody_sees_or_writes_what_is_not_granted(malting: Malting, anna: Lab) -> None:
    await malting.add_user("nele", "operator", BALANCE, "pi-2/+")
    seen = [await anna.notes.add(BALANCE, "on the balance"), await anna.notes.add("pi-2/scale", "on the scale")]
    await anna.notes.add(OVEN, "on the oven")
    async with malting.lab("nele") as nele:
        assert await nele.notes.find() == seen[::-1]
        assert await nele.notes.find("pi-1/+") == seen[:1]
        with refused("not-permitted", "not permitted"):
            await nele.notes.find(OVEN)
        with refused("not-permitted", "not permitted"):
            await nele.notes.add(OVEN, "mine")
        with refused("not-permitted", "nele did not write note 1: who did withdraws it, or an admin"):
            await nele.notes.withdraw(1, "x")
        mine = await nele.notes.add(BALANCE, "mine")
        assert (await nele.notes.withdraw(mine.number, "not so")).withdrawn
    async with malting.lab("admin") as admin:
        gone = await admin.notes.withdraw(1, "never happened")
        assert gone.withdrawn is not None
        assert (gone.user, gone.withdrawn.user) == ("anna", "admin")
    assert len(await anna.notes.find()) == 4


async def test_two_services_share_the_notes(malting: Malting, broker: TestBroker, anna: Lab) -> None:
    await broker.manage(access.add_service("batches-2", PASSWORD))
    second = Config(broker=broker.stranger("service:batches-2"), dsn=malting.dsn, name="batches-2")
    async with running(second) as other:
        await until(lambda: other.health.healthy, "the second one is well")
        asked = [
            anna.request(service, "note-add", instrument=BALANCE, text="x", id="a", timeout=30)
            for service in ("batches", "batches-2") * 4
        ]
        found = await asyncio.gather(*asked)
        assert [answer["note"]["number"] for answer in found] == [1] * 8


async def test_many_notes_come_page_by_page(anna: Lab, malting: Malting) -> None:
    await query(
        malting.dsn,
        """INSERT INTO note_records (agent, instrument, time, text, username, noted, request)
        SELECT 'pi-1', 'balance', now() - n * INTERVAL '1 min', n || repeat('Ω', 990), 'anna', now(), 'r' || n
        FROM generate_series(1, 450) AS n""",
    )
    found = await anna.notes.find(limit=1000)
    assert [int(note.text.rstrip("Ω")) for note in found] == list(range(1, 451))
    assert await anna.notes.find(limit=7) == found[:7]
    page = await anna.request("batches", "note-list", instrument="+/+", limit=3, after=found[9].number)
    assert ([one["number"] for one in page["notes"]], page["more"]) == ([note.number for note in found[10:13]], True)


# The database


@pytest.mark.parametrize("table", ["note_records", "note_withdrawals"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET username = 'otto'"])
async def test_what_was_noted_is_never_changed(anna: Lab, malting: Malting, table: str, change: str) -> None:
    await anna.notes.add(BALANCE, "cleaned")
    await anna.notes.withdraw(1, "not so")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only added to"):
        await query(malting.dsn, change.format(table))


async def test_nothing_is_said_to_be_noted_while_the_database_is_away(broker: TestBroker, gateway_url: str) -> None:
    with databases.private_server() as server:
        await server.ready()
        made = Malting(broker, gateway_url, server.dsn)
        async with running(configuration(broker, server.dsn)), made.lab("anna") as anna:
            await announced(anna)
            kept = await anna.notes.add(BALANCE, "before")
            server.stop()
            with refused("unavailable", "it is not noted: database: "):
                await anna.notes.add(BALANCE, "lost")
            with refused("unavailable", "it is not noted: database: "):
                await anna.notes.withdraw(kept.number, "lost")
            with refused("unavailable", "the database cannot be read"):
                await anna.notes.find()
            server.start()
            await server.ready()
            await announced(anna)
            assert await anna.notes.find() == [kept]


# At a terminal, and without async


@pytest.fixture
def at_terminal(malting: Malting, broker: TestBroker, tmp_path: Path) -> Terminal:
    return Terminal(malting.url, broker.mosquitto.passwords["admin"], tmp_path)


async def run(terminal: Terminal, *typed: str) -> str:
    """What is printed by what must go well."""
    code, out, err = await terminal.run("note", *typed)
    assert (code, err) == (0, "")
    return out


async def test_notes_at_a_terminal(at_terminal: Terminal) -> None:
    assert (await run(at_terminal, "list")).startswith("no note yet that fits: kleinmaelzung note add INSTRUMENT TEXT ")
    assert await run(at_terminal, "add", OVEN, "door was open", "--at", BEGAN, "--until", "2021-09-21T15:00:00Z") == (
        "note 1 on pi-1/oven, 2021-09-21 14:00:00+00:00 to 15:00:00+00:00\n"
        "no agent has said anything of pi-1/oven yet: is the name right, and pi-1 connected?\n"
    )
    await run(at_terminal, "add", BALANCE, "cleaned\nthe pan", "--at", "2021-09-21T16:00:00Z")
    assert await run(at_terminal, "withdraw", "1", "not\nso") == "note 1 on pi-1/oven is withdrawn\n"
    shown = re.sub(r"20(?!21)\d\d-[-0-9: +]{20}", "NOW", await run(at_terminal, "list"))
    assert shown.splitlines() == [
        "NUMBER  TIME                                         INSTRUMENT    BY     NOTE",
        "1       2021-09-21 14:00:00+00:00 to 15:00:00+00:00  pi-1/oven     admin  door was open",
        "                                                                          (noted NOW)",
        "                                                                          (withdrawn NOW by admin: not so)",
        "2       2021-09-21 16:00:00+00:00                    pi-1/balance  admin  cleaned",
        "                                                                          the pan",
        "                                                                          (noted NOW)",
    ]
    assert "door" not in await run(at_terminal, "list", BALANCE)
    assert "door" not in await run(at_terminal, "list", "--from", "2021-09-21T15:30:00Z")
    assert (await run(at_terminal, "list", "--limit", "1")).splitlines()[-1] == "the newest 1; --limit N shows more"


async def test_what_json_says(at_terminal: Terminal) -> None:
    added = await at_terminal.json("note", "add", BALANCE, "cleaned", "--at", BEGAN)
    assert added.pop("unknown") is True
    assert (added["number"], added["at"], added["until"], added["withdrawn"]) == (1, BEGAN_US, None, None)
    assert await at_terminal.json("note", "list", "pi-1/+") == {"notes": [added]}
    gone = await at_terminal.json("note", "withdraw", "1", "not so")
    assert (gone["withdrawn"]["user"], gone["withdrawn"]["reason"]) == ("admin", "not so")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["add", BALANCE], "the following arguments are required: TEXT"),
        (["add", BALANCE, ""], "a note of 0 characters: expected 1 to 1000"),
        (["add", BALANCE, "a\x1bb"], "a note of 3 characters"),
        (["add", "balance", "x"], "expected <agent>/<instrument>"),
        (["add", "pi-1/+", "x"], "is not a name"),
        (["add", BALANCE, "x", "--at", "2021-09-21 14:00"], "has no offset from UTC"),
        (["add", BALANCE, "x", "--until", BEGAN], "give --at too"),
        (["add", BALANCE, "x", "--at", BEGAN, "--until", BEGAN], "give --at too"),
        (["list", "balance"], "expected <agent>/<instrument>"),
        (["list", "--from", "1h", "--to", "2h"], "--from is later than --to"),
        (["list", "--limit", "0"], "is no number of notes"),
        (["withdraw", "first", "x"], "'first' is no note's number"),
        (["withdraw", "0", "x"], "is no note's number"),
        (["withdraw", "1" * 30, "x"], "is no note's number"),
        (["withdraw", "1", " "], "a reason of 1 characters"),
        (["dance"], "invalid choice"),
    ],
)
async def test_wrong_usage_asks_nobody(tmp_path: Path, typed: list[str], sentence: str) -> None:
    code, out, err = await Terminal("http://127.0.0.1:1", "malt", tmp_path).run("note", *typed)
    assert (code, out) == (2, "")
    assert sentence in err


async def test_what_the_server_refuses_is_a_sentence(at_terminal: Terminal) -> None:
    for typed, sentence in (
        (("withdraw", "7", "x"), "there is no note 7: is the number right?"),
        (("add", BALANCE, "x", "--at", "2226-01-01T00:00:00Z"), "is in the future"),
    ):
        code, out, err = await at_terminal.run("note", *typed)
        assert (code, out) == (1, "")
        assert sentence in err


async def test_notes_without_async(malting: Malting) -> None:
    def work() -> list[Note]:
        with kleinmaelzung.sync.connect(malting.url, user="anna", password=PASSWORD) as lab:
            note = lab.notes.add(BALANCE, "cleaned", at=BEGAN_US, until=BEGAN_US + 1)
            lab.notes.withdraw(note.number, "not so")
            return lab.notes.find(BALANCE, since=BEGAN_US, until=BEGAN_US)

    [found] = await asyncio.to_thread(work)
    assert (found.text, found.at, found.until, found.withdrawn is not None) == ("cleaned", BEGAN_US, BEGAN_US + 1, True)
