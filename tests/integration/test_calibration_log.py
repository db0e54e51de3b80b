"""The log of calibrations on a real PostgreSQL: written once, in one order, and whatever was changed in it is named."""

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from kleinmaelzung_services import chain
from kleinmaelzung_services.calibration.log import entries
from kleinmaelzung_services.calibration.log.entries import Again, ClockBehind, Draft, Entry, LogDamaged, Moved
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.writing import Unavailable
from tests.databases import query

NOW_US = time.time_ns() // 1000
RUN = "run:R-2026-0001"


def draft(kind: str = "noted", **details: Any) -> Draft:
    return Draft(kind=kind, details=details)


async def opened(dsn: str) -> Log:
    log = Log(dsn)
    await log.tables.prepare()
    return log


async def written(log: Log, count: int, subject: str = RUN) -> list[Entry]:
    """Some entries of a subject, one request each."""
    found = await log.read(subject)
    for _ in range(count):
        last = found[-1].number if found else 0
        found += await log.append(
            subject,
            [draft(step=len(found))],
            user="anna",
            request=f"{subject}-{len(found)}",
            expected=last,
            now_us=NOW_US,
        )
    return found


async def forced(dsn: str, *statements: str) -> None:
    """What only somebody does who may disable triggers."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def noted(dsn: str, entry: Entry, certificate: str = "K-1") -> None:
    """A certificate that names an entry as the head of the log, as issuing a run does."""
    details = json.dumps({"log": {"number": entry.number, "hash": entry.hash.hex()}})
    pdf = certificate.encode()
    digest = hashlib.sha256(pdf).digest()
    await query(dsn, "INSERT INTO certificate_files VALUES ($1, $2)", digest, pdf)
    await query(
        dsn,
        "INSERT INTO certificate_register"
        " (number, time, kind, certificate, revision, username, item, pdf, data, details, request, previous, hash)"
        " VALUES ((SELECT count(*) + 1 FROM certificate_register), now(),"
        " 'issued', $1, 1, 'anna', 'pi-1/balance', $2, $2, $3, $1, '', '')",
        certificate,
        digest,
        details,
    )


async def test_what_is_written_comes_back_in_its_order(dsn: str) -> None:
    log = await opened(dsn)
    details: dict[str, Any] = {
        "text": "Ω \u2028 'so' \\",
        "number": 1e22,
        "small": 5e-324,
        "list": [1, 0.1, None, True],
        "map": {"b": 1, "a": 2},
    }
    both = [draft(**details), draft("second")]
    wrote = await log.append(RUN, both, user="anna", request="one", expected=0, now_us=NOW_US)
    assert await log.read(RUN) == wrote
    assert [(one.number, one.kind, one.user, one.request) for one in wrote] == [
        (1, "noted", "anna", "one"),
        (2, "second", "anna", ""),
    ]
    assert wrote[0].details == details
    assert {one.time for one in wrote} == {NOW_US}
    further = await log.append("laboratory", [draft()], user="otto", request="", expected=0, now_us=NOW_US)
    assert further[0].time > NOW_US  # no two appends have one time: what came first is told first
    assert await log.read(RUN, after=1) == wrote[1:]
    assert await log.subjects("") == ["laboratory", RUN]
    assert await log.last("") == [further[0], wrote[1]]


async def test_a_request_that_is_sent_again_is_done_once(dsn: str) -> None:
    log = await opened(dsn)
    both = [draft(a=1), draft(b=2)]
    wrote = await log.append(RUN, both, user="anna", request="one", expected=0, now_us=NOW_US)
    await log.append(RUN, [draft(c=3)], user="anna", request="", expected=2, now_us=NOW_US)
    for expected in (0, 2, 3):
        with pytest.raises(Again) as caught:
            await log.append(RUN, both, user="anna", request="one", expected=expected, now_us=NOW_US)
        assert list(caught.value.entries) == wrote
    assert await log.done("anna", "one") == wrote
    assert await log.done("otto", "one") == []
    assert await log.done("anna", "") == []
    other = await log.append("laboratory", [draft()], user="otto", request="one", expected=0, now_us=NOW_US)
    assert other[0].number == 4


async def test_of_two_who_write_at_once_one_decides_anew(dsn: str) -> None:
    log = await opened(dsn)

    async def write(name: str) -> Sequence[Entry] | Moved:
        try:
            return await log.append(RUN, [draft(by=name)], user=name, request=name, expected=0, now_us=NOW_US)
        except Moved as error:
            return error

    found = await asyncio.gather(*(write(f"writer-{place}") for place in range(8)))
    assert sum(isinstance(one, Moved) for one in found) == 7
    [entry] = await log.read(RUN)
    assert entry.number == 1


async def test_those_that_write_of_different_subjects_at_once_make_one_chain(dsn: str) -> None:
    log = await opened(dsn)
    await asyncio.gather(*(written(log, 5, f"item:pi-{place}/balance") for place in range(6)))
    found = await log.verify()
    assert (found.checked, found.first_wrong, found.head.number) == (30, None, 30)


async def test_runs_are_numbered_without_a_hole_and_two_at_once_are_not_both_created(dsn: str) -> None:
    log = await opened(dsn)

    async def create(name: str, expected: int) -> list[Entry] | Moved:
        try:
            return await log.create_run(
                [draft("created", by=name)], user=name, request=name, expected=expected, now_us=NOW_US
            )
        except Moved as error:
            return error

    both = await asyncio.gather(create("anna", 0), create("otto", 0))
    [first] = [one for one in both if isinstance(one, list)]
    year = time.gmtime(NOW_US / 1e6).tm_year
    assert first[0].subject == f"run:R-{year}-0001"
    second = await create("vera", await log.newest_created())
    assert isinstance(second, list)
    assert second[0].subject == f"run:R-{year}-0002"
    assert await log.open_runs() == [first[0].subject, second[0].subject]
    aborted = draft("aborted", reason="a test")
    await log.append(first[0].subject, [aborted], user="anna", request="", expected=1, now_us=NOW_US)
    assert await log.open_runs() == [second[0].subject]
    assert await log.created() == [second[0], first[0]]
    assert await log.created(before=second[0].number, limit=1) == [first[0]]


async def test_a_clock_that_was_set_back_is_refused(dsn: str) -> None:
    log = await opened(dsn)
    await written(log, 1)
    with pytest.raises(ClockBehind, match="put the clock right"):
        await log.append(RUN, [draft()], user="anna", request="", expected=1, now_us=NOW_US - 3_000_000)
    [late] = await log.append(RUN, [draft()], user="anna", request="", expected=1, now_us=NOW_US - 1_000_000)
    assert late.time > NOW_US  # within what two clocks may differ: behind what is there


async def test_a_text_that_no_database_keeps_is_refused_and_nothing_is_written(dsn: str) -> None:
    log = await opened(dsn)
    for details in ({"text": "a\x00b"}, {"text": "\ud800"}, {"value": float("nan")}):
        with pytest.raises(ValueError, match=r"NUL|surrogates|JSON"):
            await log.append(RUN, [draft(), draft(**details)], user="anna", request="", expected=0, now_us=NOW_US)
    assert await log.read(RUN) == []


async def test_files_are_kept_once_by_their_hash(dsn: str) -> None:
    log, content = await opened(dsn), bytes(range(256)) * 10
    sha256 = await log.add_file(content)
    assert (sha256, await log.add_file(content)) == (hashlib.sha256(content).hexdigest(),) * 2
    assert await log.file(sha256) == content
    assert await log.file_piece(sha256, 2550, 100) == (content[2550:], 2560)
    assert await log.file("0" * 64) is None
    assert await log.file_piece("0" * 64, 0, 1) is None
    assert await query(dsn, "SELECT count(*) FROM calibration_files") == [(1,)]


async def test_nothing_that_was_written_can_be_changed(dsn: str) -> None:
    log = await opened(dsn)
    await written(log, 2)
    await log.add_file(b"certificate")
    await query(dsn, "INSERT INTO certificate_files VALUES (sha256('a'), 'a')")
    await query(dsn, "INSERT INTO certificate_attachments VALUES (sha256('a'), 'dcc.xml', 'a')")
    for table in ("calibration_log", "calibration_files", "certificate_attachments"):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="stays; what was wrong is put right by"):
                await query(dsn, statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="by a further entry"):
        await query(dsn, "UPDATE calibration_log SET username = 'eve'")


async def wrong(log: Log, **span: Any) -> tuple[int | None, str]:
    found = await log.verify(**span)
    return found.first_wrong, found.sentence


def copied(number: int, to: int) -> str:
    """A statement that adds an entry from outside."""
    columns = f"{to}, time, subject, kind, username, details, '', previous, hash"
    return f"INSERT INTO calibration_log SELECT {columns} FROM calibration_log WHERE number = {number}"


@pytest.mark.parametrize(
    ("statements", "first", "sentence"),
    [
        (["UPDATE calibration_log SET username = 'eve' WHERE number = 3"], 3, "entry 3 was edited"),
        (["""UPDATE calibration_log SET details = '{"step": 9}' WHERE number = 3"""], 3, "entry 3 was edited"),
        (["""UPDATE calibration_log SET details = '{"step":2 }' WHERE number = 3"""], 3, "entry 3 was edited"),
        (["UPDATE calibration_log SET time = time + INTERVAL '1 us' WHERE number = 3"], 3, "entry 3 was edited"),
        (["UPDATE calibration_log SET time = 'infinity' WHERE number = 3"], 3, "entry 3 was edited"),
        (["UPDATE calibration_log SET time = '0044-03-15 00:00+00 BC' WHERE number = 3"], 3, "entry 3 was edited"),
        (["DELETE FROM calibration_log WHERE number = 3"], 3, "entry 3 was removed: entry 2 is followed by entry 4"),
        (["DELETE FROM calibration_log WHERE number < 3"], 1, "entries 1 to 2 were removed: .* begins with entry 3"),
        (
            [copied(3, 0)],
            0,
            "entry 0 was added from outside",
        ),
        (
            [
                "UPDATE calibration_log SET number = -number WHERE number >= 3",
                "UPDATE calibration_log SET number = 1 - number WHERE number < 0",
                copied(2, 3),
            ],
            3,
            "entry 3 was edited",
        ),
        (
            [
                "UPDATE calibration_log SET number = 99 WHERE number = 3",
                "UPDATE calibration_log SET number = 3 WHERE number = 4",
                "UPDATE calibration_log SET number = 4 WHERE number = 99",
            ],
            3,
            "entry 3 was edited",
        ),
    ],
    ids=[
        "name",
        "details",
        "spaces",
        "time",
        "no time",
        "Caesar",
        "removed",
        "beginning",
        "before",
        "inserted",
        "reordered",
    ],
)
async def test_whatever_is_changed_the_first_wrong_entry_is_named(
    dsn: str, statements: list[str], first: int, sentence: str
) -> None:
    log = await opened(dsn)
    await written(log, 6)
    assert await wrong(log) == (None, "")
    await forced(dsn, *statements)
    number, why = await wrong(log)
    assert number == first
    with pytest.raises(LogDamaged, match=sentence) as caught:
        await log.require_whole()
    assert caught.value.number == first
    assert why in str(caught.value)


async def test_an_entry_with_a_hash_made_to_fit_is_found_by_the_next_one(dsn: str) -> None:
    log = await opened(dsn)
    wrote = await written(log, 4)
    await remade(dsn, 2, 2)
    assert await wrong(log) == (3, "entry 3 does not follow entry 2: one was replaced, added from outside or removed")
    await remade(dsn, 2, 4)
    assert await wrong(log) == (None, "")  # all anew: a chain alone cannot show it
    await noted(dsn, wrote[2])
    assert await wrong(log) == (3, "entry 3 is not the one that certificate K-1/1 names: entries were written anew")


async def remade(dsn: str, first: int, last: int) -> None:
    """Rename somebody, and calculate the hashes of some entries anew, as whoever knows this program can."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE calibration_log SET username = 'eve' WHERE number = $1", first)
        for number in range(first, last + 1):
            [row] = await connection.fetch("SELECT * FROM calibration_entries WHERE number = $1", number)
            before = await connection.fetchval("SELECT hash FROM calibration_log WHERE number = $1", number - 1)
            new = chain.link(Link(number - 1, before), number, entries.columns_of(row))
            await connection.execute(
                "UPDATE calibration_log SET previous = $2, hash = $3 WHERE number = $1", number, before, new.hash
            )
    finally:
        await connection.close()


async def test_a_tail_cut_off_behind_an_issued_certificate_is_named(dsn: str) -> None:
    log = await opened(dsn)
    wrote = await written(log, 6)
    await forced(dsn, "DELETE FROM calibration_log WHERE number = 6")
    assert await wrong(log) == (None, "")  # nobody knew of it
    await noted(dsn, wrote[4])
    assert await wrong(log) == (None, "")
    await forced(dsn, "DELETE FROM calibration_log WHERE number >= 4")
    assert await wrong(log) == (4, "entries 4 to 5 were removed: certificate K-1/1 names entry 5")
    assert await wrong(log, after=3) == (4, "entries 4 to 5 were removed: certificate K-1/1 names entry 5")
    with pytest.raises(LogDamaged, match="Nothing is issued on it"):
        await log.require_whole(2)
    await forced(dsn, "DELETE FROM calibration_log")
    assert await wrong(log) == (1, "entries 1 to 5 were removed: certificate K-1/1 names entry 5")


async def test_it_is_verified_in_pieces_and_from_an_entry_on(dsn: str) -> None:
    log = await opened(dsn)
    drafts = [draft(step=step) for step in range(450)]
    wrote = await log.append(RUN, drafts, user="anna", request="", expected=0, now_us=NOW_US)
    pieces = [await log.verify(piece_s=0.0)]
    while not pieces[-1].is_end:
        pieces.append(await log.verify(pieces[-1].head, piece_s=0.0))
    assert [one.checked for one in pieces] == [200, 200, 50]
    assert pieces[-1].head == Link(450, wrote[-1].hash)
    assert await log.require_whole(441) == pieces[-1].head
    assert (await log.verify(after=10, until=20)).checked == 10
    assert await wrong(log, until=460) == (451, "entries 451 to 460 were removed: there is none behind")
    await forced(dsn, "UPDATE calibration_log SET username = 'eve' WHERE number = 300")
    assert (await log.verify(after=300)).first_wrong is None  # what is before is not looked at
    second = await log.verify(pieces[0].head, piece_s=0.0)
    assert (second.first_wrong, second.is_end, second.head.number) == (300, True, 299)
    await forced(dsn, "DELETE FROM calibration_log WHERE number = 300")
    assert await wrong(log, after=300) == (300, "entry 300 was removed")


async def test_without_a_database_it_says_so(dsn: str) -> None:
    log = Log(dsn.rsplit("/", 1)[0] + "/there_is_none")
    for asking in (log.read(RUN), log.verify(), log.add_file(b"a"), written(log, 1)):
        with pytest.raises(Unavailable, match="there_is_none"):
            await asking
