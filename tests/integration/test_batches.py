"""Batches from end to end: a client, a real gateway and broker, the service of batches and a real database."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from kleinmaelzung import Batch, Lab, Refused
from kleinmaelzung_services import migrate
from kleinmaelzung_services.batches import changes
from kleinmaelzung_services.batches import store as batch_store
from kleinmaelzung_services.batches.service import Service
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.logger import store as logger_store
from kleinmaelzung_wire import access
from kleinmaelzung_wire.messages import ServiceStatus
from kleinmaelzung_wire.rights import Rights
from tests import databases
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.people import People
from tests.waiting import until

KILN = "Pilsner 7"
HOUR_US = 3_600_000_000
BALANCE, OVEN = "pi-1/balance", "pi-1/oven"


class Malting(People):
    """The service of batches at work, and people who ask it."""

    def __init__(self, broker: TestBroker, gateway_url: str, dsn: str) -> None:
        super().__init__(broker, gateway_url)
        self.dsn = dsn


def configuration(broker: TestBroker, dsn: str) -> Config:
    return Config(broker=broker.mosquitto.broker("batches"), dsn=dsn, name="batches")


@contextlib.asynccontextmanager
async def running(config: Config) -> AsyncIterator[Service]:
    made, stop = Service(config), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run(stop), name="batches")
        try:
            yield made
        finally:
            stop.set()
            await task


async def announced(lab: Lab, is_well: bool = True) -> ServiceStatus:
    """Wait until the service says how it is."""
    async with asyncio.timeout(20):
        while True:
            for payload in (await lab.retained("_service/batches/status")).values():
                status = ServiceStatus.decode(payload)
                if status.online and status.healthy == is_well:
                    return status
            await asyncio.sleep(0.02)


@pytest.fixture
async def malting(broker: TestBroker, gateway_url: str, dsn: str) -> AsyncIterator[Malting]:
    made = Malting(broker, gateway_url, dsn)
    async with running(configuration(broker, dsn)), made.lab("otto") as otto, made.lab("admin") as admin:
        await admin.tell_rights("anna", Rights(role="operator"))
        await announced(otto)
        yield made


@pytest.fixture
async def anna(malting: Malting) -> AsyncIterator[Lab]:
    """An operator of everything."""
    async with malting.lab("anna") as lab:
        yield lab


def now_us() -> int:
    return time.time_ns() // 1000


def kinds(batch: Batch) -> list[str]:
    return [event.kind for event in batch.events]


@contextlib.contextmanager
def refused(code: str, sentence: str) -> Any:
    with pytest.raises(Refused, match=sentence) as caught:
        yield
    assert caught.value.code == code


async def test_a_batch_from_its_beginning_to_its_end(anna: Lab) -> None:
    before = now_us()
    began = await anna.start_batch(KILN, BALANCE, OVEN, note="barley from the north field\nsieved")
    assert (began.kind, began.user, began.text) == ("started", "anna", "barley from the north field\nsieved")
    assert before <= began.time == began.noted <= now_us()
    for stage in ("steeping", "germination", "kilning"):
        await anna.mark_batch(KILN, stage)
    await anna.note_batch(KILN, "smells of cucumber")
    [open_one] = await anna.batches(is_open=True)
    assert (open_one.name, open_one.instruments, open_one.stage) == (KILN, (BALANCE, OVEN), "kilning")
    assert (open_one.began, open_one.ended, open_one.user, open_one.events) == (began.time, None, "anna", ())
    ended = await anna.end_batch(KILN)
    shown = await anna.batch(KILN)
    assert shown.ended == ended.time
    assert kinds(shown) == ["started", "stage", "stage", "stage", "note", "ended"]
    assert shown.events[0] == began
    assert [event.stage for event in shown.events[1:4]] == ["steeping", "germination", "kilning"]
    assert await anna.batches(is_open=True) == []
    await anna.note_batch(KILN, "extract 81.2 %")  # judged in the days after
    assert (await anna.batch("PILSNER 7")).name == KILN


async def test_a_batch_may_be_noted_afterwards(anna: Lab) -> None:
    began = now_us() - 100 * HOUR_US
    await anna.start_batch(KILN, BALANCE, at=began)
    await anna.mark_batch(KILN, "kilning", at=began + 90 * HOUR_US)
    await anna.mark_batch(KILN, "steeping", at=began)
    await anna.end_batch(KILN, at=began + 95 * HOUR_US)
    shown = await anna.batch(KILN)
    assert (shown.began, shown.ended, shown.stage) == (began, began + 95 * HOUR_US, "kilning")
    await anna.mark_batch(KILN, "germination", at=began + 50 * HOUR_US)
    with refused("conflict", "ended at .*: a stage begins before that"):
        await anna.mark_batch(KILN, "cooling", at=began + 96 * HOUR_US)


async def test_times_that_cannot_be_are_refused(anna: Lab) -> None:
    with refused("bad-message", "is in the future, it is .* now"):
        await anna.start_batch(KILN, BALANCE, at=now_us() + HOUR_US)
    await anna.start_batch(KILN, BALANCE, at=now_us() - HOUR_US)
    for note in (
        anna.end_batch(KILN, at=now_us() - 2 * HOUR_US),
        anna.mark_batch(KILN, "x", at=now_us() - 2 * HOUR_US),
    ):
        with refused("bad-message", "is before batch Pilsner 7 began"):
            await note
    await anna.mark_batch(KILN, "kilning")
    with refused("conflict", "kilning began at .*, after this end"):
        await anna.end_batch(KILN, at=now_us() - HOUR_US // 2)


async def test_an_end_by_mistake_is_taken_back(anna: Lab) -> None:
    await anna.start_batch(KILN, BALANCE)
    with refused("conflict", "has not ended"):
        await anna.reopen_batch(KILN)
    await anna.end_batch(KILN)
    with refused("conflict", "ended already"):
        await anna.end_batch(KILN)
    await anna.reopen_batch(KILN)
    assert (await anna.batch(KILN)).is_open
    await anna.end_batch(KILN)
    assert kinds(await anna.batch(KILN)) == ["started", "ended", "reopened", "ended"]


@pytest.mark.parametrize("again", [KILN, "pilsner 7", "PILSNER 7", "Pılsner 7".replace("ı", "i"), "Ｐilsner 7"])
async def test_a_name_is_given_once(anna: Lab, again: str) -> None:
    await anna.start_batch(KILN, BALANCE)
    with refused("conflict", "there is a batch Pilsner 7 already"):
        await anna.start_batch(again, OVEN)


@pytest.mark.parametrize("name", ["", " x", "x ", "a\nb", "a\x00b", "a\x1b[2J", "\u202eabc", "a\u200bb", "x" * 65])
async def test_a_name_that_cannot_be_typed_or_seen_is_refused(anna: Lab, name: str) -> None:
    with refused("bad-message", "printable characters"):
        await anna.start_batch(name, BALANCE)


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE batch_names; --", "Grünmalz №7 😀", "=cmd|'/c calc'!A1", "%s {x} $1", "a/b"]
)
async def test_any_name_that_can_is_a_name(anna: Lab, name: str) -> None:
    await anna.start_batch(name, BALANCE)
    await anna.mark_batch(name, name)
    shown = await anna.batch(name)
    assert (shown.name, shown.stage) == (name, name)


@pytest.mark.parametrize(
    "instruments", [[], ["balance"], ["pi-1/+"], ["Pi-1/balance"], [f"pi-1/i{n}" for n in range(65)]]
)
async def test_instruments_are_named_in_full(anna: Lab, instruments: list[str]) -> None:
    with refused("bad-message", "expected|is not a name"):
        question: dict[str, Any] = {"name": KILN, "instruments": instruments, "instrument": "+/+"}
        await anna.request("batches", "batch-start", **question)


async def test_two_at_the_same_moment_do_not_both_start_it(malting: Malting, broker: TestBroker, anna: Lab) -> None:
    """Nor where two services are there."""
    await broker.manage(access.add_service("batches-2", PASSWORD))
    second = Config(broker=broker.stranger("service:batches-2"), dsn=malting.dsn, name="batches-2")
    async with running(second) as other:
        await until(lambda: other.health.healthy, "the second one is well")

        async def start(service: str, name: str) -> str:
            question = {"name": name, "instruments": [BALANCE], "instrument": BALANCE}
            try:
                await anna.request(service, "batch-start", timeout=30, **question)
            except Refused as error:
                return error.code
            return "done"

        for _ in range(5):
            name = secrets.token_hex(4)
            found = await asyncio.gather(*(start(service, name) for service in ("batches", "batches-2") * 4))
            assert sorted(found) == ["conflict"] * 7 + ["done"]
    assert len(await anna.batches()) == 5


async def test_what_is_sent_again_is_done_once(anna: Lab, malting: Malting) -> None:
    began = await anna.start_batch(KILN, BALANCE, id="a")
    assert await anna.start_batch(KILN, BALANCE, id="a") == began
    marked = await anna.mark_batch(KILN, "steeping", id="b")
    assert await anna.mark_batch(KILN, "steeping", id="b") == marked
    noted = await asyncio.gather(*(anna.note_batch(KILN, "turned", id="c") for _ in range(5)))
    assert len(set(noted)) == 1
    with refused("conflict", "used the id 'b' for another request"):
        await anna.mark_batch(KILN, "kilning", id="b")
    ended = await anna.end_batch(KILN, id="d")
    assert await anna.end_batch(KILN, id="d") == ended
    assert kinds(await anna.batch(KILN)) == ["started", "stage", "note", "ended"]
    await malting.add_user("nele", "operator", "+/+")
    async with malting.lab("nele") as nele:  # another's id is another one
        await nele.note_batch(KILN, "mine", id="a")


# Who may


async def test_observers_read_and_write_nothing(malting: Malting, anna: Lab) -> None:
    await anna.start_batch(KILN, BALANCE)
    async with malting.lab("otto") as otto:
        assert [batch.name for batch in await otto.batches()] == [KILN]
        assert kinds(await otto.batch(KILN)) == ["started"]
        tries = [
            otto.start_batch("mine", BALANCE),
            otto.mark_batch(KILN, "x"),
            otto.note_batch(KILN, "x"),
            otto.end_batch(KILN),
            otto.add_to_batch(KILN, OVEN),
        ]
        for attempt in tries:
            with refused("not-permitted", "otto is observer"):
                await attempt
    assert kinds(await anna.batch(KILN)) == ["started"]


async def test_nobody_sees_or_changes_what_is_not_granted(malting: Malting, anna: Lab) -> None:
    await malting.add_user("nele", "operator", BALANCE)
    await anna.start_batch("both", BALANCE, OVEN, note="of anna")
    await anna.start_batch("other", OVEN)
    await anna.add_to_batch("both", "pi-2/scale")
    async with malting.lab("nele") as nele:
        [seen] = await nele.batches()
        assert (seen.name, seen.instruments) == ("both", (BALANCE,))
        shown = await nele.batch("both")
        assert [event.instruments for event in shown.events] == [(BALANCE,), ()]
        with refused("not-permitted", "has instruments beside pi-1/balance, and nele did not begin it"):
            await nele.mark_batch("both", "kilning")
        for attempt in (nele.batch("other"), nele.end_batch("other"), nele.end_batch("none")):
            with refused("unknown", "there is no batch (other|none) "):
                await attempt
        with refused("not-permitted", "not permitted"):
            await nele.start_batch("mine", OVEN)
        with refused("not-permitted", "not under pi-1/balance"):
            question: dict[str, Any] = {"name": "mine", "instruments": [BALANCE, OVEN], "instrument": BALANCE}
            await nele.request("batches", "batch-start", **question)
        await nele.start_batch("mine", BALANCE)
        await nele.end_batch("mine")
    assert {batch.name for batch in await anna.batches()} == {"both", "other", "mine"}


async def test_who_has_several_grants_begins_a_batch_over_them(malting: Malting, anna: Lab) -> None:
    await malting.add_user("nele", "operator", BALANCE, "pi-2/+")
    async with malting.lab("nele") as nele:
        await nele.start_batch(KILN, "pi-2/scale", BALANCE, "pi-2/oven")
        await nele.mark_batch(KILN, "steeping")  # she began it
        shown = await nele.batch(KILN)
        assert shown.instruments == (BALANCE, "pi-2/oven", "pi-2/scale")
        assert [event.instruments for event in shown.events] == [("pi-2/oven", "pi-2/scale"), (BALANCE,), ()]
        assert [batch.instruments for batch in await nele.batches()] == [shown.instruments]
        with refused("not-permitted", "not permitted"):
            await nele.start_batch("too much", BALANCE, "pi-3/balance")
        assert len(await nele.batches()) == 1
    await anna.end_batch(KILN)  # by +/+
    with refused("conflict", "pi-1/balance: in batch Pilsner 7 already"):
        await anna.add_to_batch(KILN, BALANCE)


async def test_who_was_never_told_of_the_own_rights_may_do_what_is_granted(
    malting: Malting, broker: TestBroker
) -> None:
    await broker.manage(access.add_user("nele", PASSWORD, "operator", (BALANCE, "pi-2/+")))
    async with malting.lab("nele") as nele:
        assert await nele.rights() is None
        await nele.start_batch(KILN, "pi-2/scale", BALANCE)
        await nele.end_batch(KILN)
    async with malting.lab("otto") as otto:
        assert (await otto.batch(KILN)).instruments == (BALANCE, "pi-2/scale")


# Pages


async def test_many_batches_and_many_events_come_page_by_page(anna: Lab, malting: Malting) -> None:
    await query(
        malting.dsn,
        """WITH added AS (
            INSERT INTO batch_names (name, same, began, begun_by)
            SELECT 'batch ' || n, 'batch ' || n, now() - n * INTERVAL '1 hour', 'anna' FROM generate_series(1, 250) AS n
            RETURNING id, began
        ), told AS (
            INSERT INTO batch_records (batch, kind, time, noted, username, stage, text, request)
            SELECT id, 'started', began, now(), 'anna', '', '', 'r' || id FROM added RETURNING id, batch
        )
        INSERT INTO batch_instruments
        SELECT batch, 'pi-1', 'i' || n, id FROM told, generate_series(1, 64) AS n""",
    )
    names = [f"batch {number}" for number in range(1, 251)]
    assert [batch.name for batch in await anna.batches(limit=1000)] == names
    assert [batch.name for batch in await anna.batches(limit=7)] == names[:7]
    await query(
        malting.dsn,
        """INSERT INTO batch_records (batch, kind, time, noted, username, stage, text, request)
        SELECT 1, 'note', now(), now(), 'anna', '', n || repeat('Ω', 1900), 'n' || n
        FROM generate_series(1, 150) AS n""",
    )
    events = (await anna.batch("batch 1")).events[1:]
    assert [int(event.text.rstrip("Ω")) for event in events] == list(range(1, 151))


async def test_a_batch_has_no_room_for_endless_records(anna: Lab, malting: Malting) -> None:
    await anna.start_batch(KILN, BALANCE)
    rows = (
        f"SELECT 1, 'note', now(), now(), 'anna', '', 'x', 'n' || n FROM generate_series(2, {changes.MAX_RECORDS}) AS n"
    )
    await query(
        malting.dsn,
        f"INSERT INTO batch_records (batch, kind, time, noted, username, stage, text, request) {rows}",
    )
    with refused("limit", "no room for more"):
        await anna.note_batch(KILN, "one more")


# The database


@pytest.mark.parametrize("table", ["batch_names", "batch_records", "batch_instruments"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET {column} = {column}"])
async def test_what_was_noted_is_never_changed(anna: Lab, malting: Malting, table: str, change: str) -> None:
    await anna.start_batch(KILN, BALANCE)
    column = "name" if table == "batch_names" else "batch"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only added to"):
        await query(malting.dsn, change.format(table, column=column))


async def test_the_service_is_well_again_when_the_database_is(broker: TestBroker, gateway_url: str) -> None:
    with databases.private_server() as server:
        await server.ready()
        made = Malting(broker, gateway_url, server.dsn)
        async with running(configuration(broker, server.dsn)), made.lab("anna") as anna:
            await announced(anna)
            await anna.start_batch(KILN, BALANCE)
            server.stop()
            with refused("unavailable", "it is not noted: database: "):
                await anna.mark_batch(KILN, "lost")
            with refused("unavailable", "the database cannot be read"):
                await anna.batches()
            assert "database" in (await announced(anna, is_well=False)).reason
            server.start()
            await server.ready()
            await announced(anna)
            await anna.mark_batch(KILN, "kept")
            assert [event.stage for event in (await anna.batch(KILN)).events] == ["", "kept"]


async def test_without_a_service_a_sentence_says_so(gateway_url: str, broker: TestBroker) -> None:
    async with Malting(broker, gateway_url, "").lab("anna") as anna:
        with refused("unavailable", "start kleinmaelzung-batches"):
            await anna.batches()


@pytest.mark.parametrize("first", ["logger", "batches"])
async def test_logger_and_batches_share_a_database_whoever_comes_first(dsn: str, first: str) -> None:
    async def prepare(who: str) -> migrate.Installation:
        if who == "batches":
            return await batch_store.Store(dsn).tables.prepare()
        async with logger_store.open_store(dsn) as opened:
            return opened.installation

    other = "batches" if first == "logger" else "logger"
    assert await prepare(first) == await prepare(other) == await prepare(first)
    assert await query(dsn, "SELECT number FROM batch_migrations ORDER BY 1") == [(1,), (2,)]


async def test_services_that_start_at_once_make_the_tables_once(dsn: str) -> None:
    await asyncio.gather(*(batch_store.Store(dsn).tables.prepare() for _ in range(4)))
    assert await query(dsn, "SELECT number FROM batch_migrations ORDER BY 1") == [(1,), (2,)]


async def test_a_foreign_table_ends_the_service_with_a_sentence(broker: TestBroker, dsn: str) -> None:
    await query(dsn, "CREATE TABLE batch_names (somebody text)")
    with pytest.raises(ExceptionGroup) as caught:
        await Service(configuration(broker, dsn)).run(asyncio.Event())
    assert caught.group_contains(migrate.SchemaError, match="the tables of batches cannot be made")
