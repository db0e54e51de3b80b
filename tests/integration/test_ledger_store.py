"""The ledger against a real PostgreSQL: each command once, nothing can be changed, and whatever was changed is told."""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from kleinmaelzung_services import chain, lookup
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.logger import batch, ledger_requests, store
from kleinmaelzung_services.logger import ledger as logged
from kleinmaelzung_services.logger.batch import Arrival, Entry
from kleinmaelzung_services.logger.ledger_requests import Verdict, Wanted
from kleinmaelzung_wire import frames, ledger, topics
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.messages import Command, Reply, Result
from tests.databases import query

NOW_US = time.time_ns() // 1000


def record(
    number: int, *, user: str = "anna", result: Result = "done", name: str = "set", **arguments: Any
) -> dict[str, Any]:
    given = arguments or {"value": 1e22}
    command = Command(id=f"id-{number}", name=name, user=user, sent=NOW_US, arguments=given, timeout_us=10**6)
    reply = Reply(
        id=command.id,
        name=name,
        user=user,
        result=result,
        reason="too 'hot' \N{OHM SIGN}\t\\",
        values={"set": 1.5},
        bytes_out=b"\x00S 1\r\n",
        bytes_in=b"\xffOK",
        took_us=12_345,
        time=NOW_US + number,
    )
    return ledger.record(command, reply, origin="session-1", received=NOW_US + number - 1)


def told(number: int, *records: dict[str, Any], instrument: str = "balance", epoch: int = 7) -> Arrival:
    """A frame of an agent."""
    made = Frame(
        epoch=epoch,
        number=number,
        times=(NOW_US + number,),
        channels={},
        clock=Clock(synchronised=True),
        records=list(records),
    )
    return Arrival(topics.instrument("pi-1", instrument, "data"), frames.encode(made), NOW_US)


def refused(content: dict[str, Any], *, at_us: int = NOW_US) -> Arrival:
    return Arrival(topics.refused("gateway"), ledger.encode_refused("pi-1/balance", content), at_us)


def entries(*arrivals: Arrival) -> list[Entry]:
    return list(batch.sort_arrivals(arrivals, NOW_US))


async def numbers(dsn: str) -> list[int]:
    return [number for (number,) in await query(dsn, "SELECT number FROM ledger ORDER BY number")]


async def verified(dsn: str, noted: Link | None = None, piece_s: float = 60.0) -> Verdict:
    """The whole ledger, in as many pieces as it takes."""
    found = Verdict(last=Link())
    while not found.why and not found.is_end:
        async with lookup.open_lookup(dsn, lookup.read_queries(ledger_requests.__package__, "ledger.sql")) as opened:
            piece = await ledger_requests.verify(opened, found.last, noted, piece_s)
        piece.entries += found.entries
        piece.compared += found.compared
        found = piece
    return found


@pytest.fixture
async def opened(dsn: str) -> AsyncIterator[store.Store]:
    async with store.open_store(dsn) as opened:
        yield opened


@pytest.fixture
async def seven(opened: store.Store, dsn: str) -> str:
    """The DSN of a database with seven entries: six came in frames, the fourth from a gateway."""
    await opened.write(entries(*(told(number, record(number)) for number in (1, 2, 3))))
    await opened.write(entries(refused(record(4, result="offline"))))
    await opened.write(entries(*(told(number, record(number)) for number in (5, 6, 7))))
    return dsn


async def tampered(dsn: str, *statements: str) -> None:
    """What somebody does who may do anything at the database."""
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=10)
    try:
        await connection.execute("SET session_replication_role = replica")  # no trigger fires
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def chained_anew(dsn: str, first: int = 1) -> None:
    """Hashes that fit what the rows say now, and a head that fits them: what an insider with this software would do."""
    rows = await _rows(dsn)
    last = Link()
    for row in rows:
        place = chain.link(last, row["number"], logged.of_row(row))
        if row["number"] >= first:
            where = f"number = {row['number']}"
            await tampered(
                dsn,
                f"UPDATE ledger SET previous = '\\x{last.hash.hex()}', hash = '\\x{place.hash.hex()}' WHERE {where}",
            )
        last = place
    await tampered(dsn, f"UPDATE ledger_head SET number = {last.number}, hash = '\\x{last.hash.hex()}'")


async def _rows(dsn: str) -> list[Any]:
    async with lookup.open_lookup(dsn, lookup.read_queries(ledger_requests.__package__, "ledger.sql")) as opened:
        return await opened.fetch("find_chain", None, 1000)


async def test_a_command_is_an_entry_with_all_that_is_known_of_it(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(told(1), told(2, record(1, unit="°C", value=3.5))))
    [row] = await _rows(dsn)
    entry = logged.of_row(row)
    assert (entry.agent, entry.instrument, entry.username, entry.origin) == ("pi-1", "balance", "anna", "session-1")
    assert (entry.command, entry.name, json.loads(entry.arguments)) == ("id-1", "set", {"unit": "°C", "value": 3.5})
    assert (entry.result, entry.reason, json.loads(entry.values)) == (
        "done",
        "too 'hot' \N{OHM SIGN}\t\\",
        {"set": 1.5},
    )
    assert (entry.bytes_out, entry.bytes_in, entry.took_us) == (b"\x00S 1\r\n", b"\xffOK", 12_345)
    assert (entry.time, entry.received, entry.logged) == (NOW_US + 1, NOW_US, NOW_US)
    assert (entry.noted_by, entry.epoch, entry.frame, entry.record) == ("agent", 7, 2, 0)
    assert (row["number"], row["previous"]) == (1, bytes(32))
    assert await query(dsn, "SELECT number, hash FROM ledger_head") == [(1, row["hash"])]


async def test_a_few_lines_of_python_verify_it(seven: str) -> None:
    """Those of docs/decisions/0009."""
    last, count = bytes(32), 0
    columns = (
        "number, (extract(epoch FROM time) * 1000000)::bigint, agent, instrument, username, origin, command, name,"
        " arguments::text, result, reason, values::text, encode(bytes_out, 'hex'), encode(bytes_in, 'hex'), took_us,"
        " (extract(epoch FROM received) * 1000000)::bigint, noted_by, epoch, frame, record,"
        " (extract(epoch FROM logged) * 1000000)::bigint, hash"
    )
    for *fields, hash_ in await query(seven, f"SELECT {columns} FROM ledger ORDER BY number"):
        count += 1
        canonical = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        last = hashlib.sha256(last + canonical).digest()
        assert (fields[0], hash_) == (count, last)
    assert count == 7


async def test_a_whole_ledger_is_said_to_be_whole_in_one_piece_or_many(seven: str, opened: store.Store) -> None:
    found = await verified(seven)
    assert (found.why, found.first_bad, found.entries, found.compared, found.last.number) == ("", None, 7, 6, 7)
    await opened.write(entries(*(told(number, record(number)) for number in range(8, 8 + 2 * ledger_requests.BATCH))))
    pieces = await verified(seven, found.last, piece_s=0.0)
    assert (pieces.why, pieces.entries) == ("", 7 + 2 * ledger_requests.BATCH)


async def test_an_empty_ledger_is_whole(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(told(1)))
    found = await verified(dsn, Link())
    assert (found.why, found.entries, found.last) == ("", 0, Link())


async def test_what_comes_again_adds_nothing(opened: store.Store, dsn: str) -> None:
    first = told(1, record(1), record(2))
    offline = record(3, result="offline")
    await opened.write(entries(first, refused(offline), refused(offline)))
    await opened.write(entries(first, refused(offline, at_us=NOW_US + 10**7)))
    await opened.write(entries(refused({**offline, "result": "not-permitted"}), refused({**offline, "user": "otto"})))
    assert await numbers(dsn) == [1, 2, 3, 4, 5]
    written = await opened.write(entries(refused({**offline, "received": NOW_US + 5}), refused(offline)))
    assert await numbers(dsn) == [1, 2, 3, 4, 5, 6], "the same id was sent again, and refused again"
    assert len(batch.noted(written.noted)["gateway"]) == 2, "both are committed"
    await tampered(dsn, "UPDATE streams SET received = '{}'", "DELETE FROM frames", "DELETE FROM records")
    await opened.write(entries(first))  # everything else has forgotten it
    assert await numbers(dsn) == [1, 2, 3, 4, 5, 6]
    assert (await verified(dsn)).why == ""


async def test_what_an_agent_recorded_supersedes_what_a_gateway_guessed(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(refused(record(1, result="lost")), refused(record(2, result="not-permitted"))))
    elsewhere = {**record(3, result="lost"), "origin": "session-2"}
    await opened.write(entries(refused(record(3, result="expired")), refused(elsewhere)))
    await opened.write(entries(told(1, *(record(number) for number in (1, 2, 3)))))

    async def found(**wanted: Any) -> list[tuple[int, str, int | None]]:
        async with lookup.open_lookup(dsn, lookup.read_queries(ledger_requests.__package__, "ledger.sql")) as looking:
            rows = await ledger_requests.find(looking, Wanted(**wanted))
        return [(row["number"], row["result"], row["superseded_by"]) for row in rows]

    agents = [(7, "done", None), (6, "done", None), (5, "done", None)]
    kept = [(4, "lost", None), (2, "not-permitted", None)]  # another session's command, and an attempt of its own
    assert await found() == agents + kept
    assert await found(limit=3) == [*agents, kept[0]], "one more than a page"
    everything = [*agents, (4, "lost", None), (3, "expired", 7), (2, "not-permitted", None), (1, "lost", 5)]
    assert await found(superseded=True) == everything
    assert await found(result="lost") == [(4, "lost", None)]
    assert await found(result="lost", superseded=True) == [(4, "lost", None), (1, "lost", 5)]


async def test_a_batch_without_a_command_asks_nothing_of_the_ledger(opened: store.Store, dsn: str) -> None:
    blocker = await asyncpg.connect(dsn, timeout=5, command_timeout=10)
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE ledger, ledger_head IN ACCESS EXCLUSIVE MODE")
            async with asyncio.timeout(5):  # half of what a lock is waited for
                written = await opened.write(entries(told(1)))
    finally:
        await blocker.close()
    assert written.frames == 1


async def test_a_record_that_tells_nonsense_is_an_entry_and_its_frame_is_kept(opened: store.Store, dsn: str) -> None:
    nonsense: dict[str, Any] = {
        "kind": "command",
        "id": 3,
        "name": "x\x00" * 100,
        "user": None,
        "arguments": [1],
        "values": "no",
        "took_us": -1,
        "time": 2**63,
        "received": True,
        "bytes_out": "text",
        "reason": "r" * 2000,
    }
    odd = record(2, value=2**64 - 1, text="\x00", raw=b"\x01", nothing=None, infinite=float("inf"))
    await opened.write(entries(told(1, nonsense, {"kind": "command"}, odd)))
    first, _, third = [logged.of_row(row) for row in await _rows(dsn)]
    assert (first.command, first.arguments, first.values, first.took_us, first.received) == ("", "{}", "{}", 0, None)
    assert (first.time, len(first.name), len(first.reason)) == (NOW_US + 1, 64, 500)
    assert json.loads(third.arguments) == {
        "value": 2**64 - 1,
        "text": "\ufffd",
        "raw": {"$hex": "01"},
        "nothing": None,
        "infinite": None,
    }
    assert await query(dsn, "SELECT count(*) FROM quarantine") == [(0,)]
    assert (await verified(dsn)).why == ""


async def test_what_is_no_record_on_the_gateway_s_topic_is_quarantined(opened: store.Store, dsn: str) -> None:
    await opened.write(entries(Arrival(topics.refused("gateway"), b"garbage", NOW_US)))
    assert await query(dsn, "SELECT topic, reason FROM quarantine") == [(topics.refused("gateway"), "undecodable")]
    assert await numbers(dsn) == []


# What the database refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET username = 'otto' WHERE number = 2",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
        "DELETE FROM ledger_head",
        "TRUNCATE ledger_head",
    ],
)
async def test_nobody_changes_the_ledger_by_the_way(seven: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="the ledger is only added to"):
        await query(seven, statement)
    assert len(await numbers(seven)) == 7


async def test_the_logger_s_role_adds_and_cannot_change(dsn: str) -> None:
    name, password = f"logger_{secrets.token_hex(4)}", secrets.token_hex(8)
    database = urlsplit(dsn).path[1:]
    await query(dsn, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    try:
        await query(dsn, f"ALTER DATABASE {database} OWNER TO {name}")
        host = urlsplit(dsn).netloc.rpartition("@")[2]
        own = urlsplit(dsn)._replace(netloc=f"{name}:{password}@{host}").geturl()
        async with store.open_store(own) as opened:
            await opened.write(entries(told(1, record(1))))
        for statement in ("UPDATE ledger SET reason = ''", "DELETE FROM ledger", "TRUNCATE ledger"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="the ledger is only added to"):
                await query(own, statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="session_replication_role"):
            await tampered(own, "DELETE FROM ledger")
        assert await numbers(dsn) == [1]
    finally:
        await query(dsn, f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        await query(dsn, f"ALTER DATABASE {database} OWNER TO CURRENT_USER")
        await query(dsn, f"DROP OWNED BY {name}")
        await query(dsn, f"DROP ROLE {name}")


# What verifying finds


@pytest.mark.parametrize(
    ("statement", "first_bad", "why"),
    [
        ("UPDATE ledger SET username = 'otto' WHERE number = 3", 3, "entry 3 was edited"),
        ("UPDATE ledger SET time = time + INTERVAL '1 microsecond' WHERE number = 4", 4, "entry 4 was edited"),
        ("UPDATE ledger SET arguments = '{\"value\":  1e22}' WHERE number = 5", 5, "entry 5 was edited"),
        ("UPDATE ledger SET previous = sha256('') WHERE number = 2", 2, "entry 2 was edited"),
        ("UPDATE ledger SET hash = sha256('') WHERE number = 7", 7, "entry 7 was edited"),
        ("DELETE FROM ledger WHERE number = 1", 1, "entry 1 was removed: the ledger begins with entry 2"),
        ("DELETE FROM ledger WHERE number = 4", 4, "entry 4 was removed: entry 3 is followed by entry 5"),
        ("DELETE FROM ledger WHERE number IN (3, 4, 5)", 3, "entries 3 to 5 were removed"),
        ("DELETE FROM ledger WHERE number > 5", 6, "entries 6 to 7 were removed: the ledger ends with entry 5"),
        ("DELETE FROM ledger", 1, "entries 1 to 7 were removed: the ledger is empty"),
        ("DELETE FROM ledger_head", None, "the ledger's head was removed"),
        ("UPDATE ledger_head SET hash = sha256('')", 7, "entry 7 is not the one that the ledger's head names"),
        ("UPDATE ledger_head SET number = 6", 7, "entry 7 was added from outside: the ledger's head is entry 6"),
    ],
)
async def test_what_was_changed_is_told(seven: str, statement: str, first_bad: int | None, why: str) -> None:
    await tampered(seven, statement)
    found = await verified(seven)
    assert (found.first_bad, found.to_map()["ok"], found.to_map()["more"]) == (first_bad, False, False)
    assert why in found.why
    assert found.entries == (7 if "head" in why else (first_bad or 0) - 1)  # those before it are good


COPY = """
INSERT INTO ledger SELECT {number}, time, agent, instrument, username, origin, 'other', name, arguments, result, reason,
    values, bytes_out, bytes_in, took_us, received, 'gateway', NULL, NULL, NULL, logged, {previous}, hash
FROM ledger WHERE number = 7
"""


@pytest.mark.parametrize(
    ("number", "first_bad", "why"),
    [
        (-2, -2, "entry -2 was added from outside: numbers begin with 1"),
        (0, 0, "entry 0 was added from outside: numbers begin with 1"),
        (8, 8, "entry 8 was edited: its hash is not that of what it says"),
        (20, 8, "entries 8 to 19 were removed"),
    ],
)
async def test_an_entry_that_was_added_from_outside_is_told(seven: str, number: int, first_bad: int, why: str) -> None:
    await tampered(seven, COPY.format(number=number, previous="hash"))
    found = await verified(seven)
    assert (found.first_bad, why in found.why) == (first_bad, True), found.why


async def test_an_entry_added_with_a_good_hash_is_told_and_stops_no_logger(seven: str, opened: store.Store) -> None:
    await tampered(seven, COPY.format(number=8, previous="hash"))
    *_, seventh, added = await _rows(seven)
    good = chain.link(Link(7, seventh["hash"]), 8, logged.of_row(added))
    await tampered(seven, f"UPDATE ledger SET hash = '\\x{good.hash.hex()}' WHERE number = 8")
    assert (await verified(seven)).why == "entry 8 was added from outside: the ledger's head is entry 7"
    written = await opened.write(entries(told(8, record(8))))
    assert (written.frames, written.quarantined) == (1, 0)
    found = await verified(seven)
    assert (found.first_bad, found.why.partition(":")[0]) == (9, "entry 9 does not follow entry 8")


async def test_an_edit_with_the_chain_made_anew_differs_from_the_frame(seven: str) -> None:
    await tampered(seven, "UPDATE ledger SET username = 'otto' WHERE number = 3")
    await chained_anew(seven)
    found = await verified(seven)
    assert (found.first_bad, found.entries) == (3, 2)
    assert found.why == (
        "entry 3 differs from frame 3 of pi-1/balance, run 7, in which it came:"
        " username is 'otto' here and 'anna' there; one of them was changed"
    )


async def test_a_frame_that_was_changed_is_told_too(seven: str) -> None:
    await tampered(seven, "UPDATE frames SET payload = '\\x00' WHERE number = 2")
    assert "entry 2 came in frame 2 of pi-1/balance, run 7, which cannot be read" in (await verified(seven)).why
    empty = told(2).payload.hex()
    await tampered(seven, f"UPDATE frames SET payload = '\\x{empty}' WHERE number = 2")
    assert "which tells of no such command" in (await verified(seven)).why


async def test_a_removed_end_with_a_head_that_fits_is_told_by_the_frames(seven: str) -> None:
    await tampered(seven, "DELETE FROM ledger WHERE number > 5")
    await chained_anew(seven)
    found = await verified(seven)
    assert (found.first_bad, found.entries) == (None, 5)
    assert "frame 6 of pi-1/balance, run 7, tells of a command that the ledger has not" in found.why


async def test_a_head_that_was_noted_finds_what_nothing_else_can(seven: str) -> None:
    noted = (await verified(seven)).last
    await tampered(seven, "UPDATE ledger SET username = 'otto' WHERE number = 4")  # the gateway's: there is no frame
    await chained_anew(seven)
    assert (await verified(seven)).why == ""
    found = await verified(seven, noted)
    assert (found.first_bad, "entry 7 is another one than was noted" in found.why) == (7, True)
    everything = ("DELETE FROM ledger WHERE number > 5", "DELETE FROM records", "DELETE FROM frames")
    await tampered(seven, *everything)
    await chained_anew(seven)
    assert (await verified(seven)).why == ""
    assert (await verified(seven, noted)).why == "entries 6 to 7 were removed: the ledger ends with entry 5"


async def test_entries_whose_frames_retention_removed_are_good_and_not_compared(seven: str) -> None:
    await query(seven, "DELETE FROM frames WHERE number <= 3")
    found = await verified(seven)
    assert (found.why, found.entries, found.compared) == ("", 7, 3)


# Two loggers


async def test_two_loggers_make_one_chain_of_the_same_commands(dsn: str) -> None:
    arrivals = [told(number, record(number), instrument=f"i{number % 5}") for number in range(1, 201)]
    arrivals += [refused(record(number, result="offline")) for number in range(201, 241)]

    async def log(backwards: bool) -> None:
        async with store.open_store(dsn) as opened:
            pieces = [arrivals[start : start + 8] for start in range(0, len(arrivals), 8)]
            for piece in pieces[::-1] if backwards else pieces:
                await opened.write(entries(*piece))

    async with asyncio.TaskGroup() as group:
        for backwards in (False, True, False):
            group.create_task(log(backwards))
    assert await numbers(dsn) == list(range(1, 241))
    found = await verified(dsn)
    assert (found.why, found.entries, found.compared) == ("", 240, 200)
    assert await query(dsn, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
