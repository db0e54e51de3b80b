"""The ledger from end to end: a fake agent and gateway tell, a real logger and database keep, people ask and verify."""

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest

import kleinmaelzung
from kleinmaelzung import Lab, LedgerEntry
from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.logger import ledger_requests, service
from kleinmaelzung_wire import frames, ledger, topics
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.messages import Command, Reply, Result
from tests import gateways
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.faults.test_worst_moments import Places, cared_for, ended
from tests.integration.test_completeness import announced, logged_in
from tests.integration.test_ledger_store import tampered
from tests.integration.test_logger import Agent, configuration, connected_agent, running
from tests.waiting import until

BALANCE = "pi-1/balance"
HOUR_US = 3_600_000_000
NOW_US = service.now_us()


def record(
    number: int, *, user: str = "anna", name: str = "set", result: Result = "done", age_us: int = 0, **arguments: Any
) -> dict[str, Any]:
    command = Command(id=f"id-{number}", name=name, user=user, sent=NOW_US, timeout_us=10**6, arguments=arguments)
    reply = Reply(
        id=command.id,
        name=name,
        user=user,
        result=result,
        reason="" if result == "done" else "not now",
        values={"set": 3.5},
        bytes_out=b"SET 3.5\r\n",
        bytes_in=b"OK\xff",
        took_us=12_345 if result == "done" else 0,
        time=NOW_US - age_us + number,
    )
    return ledger.record(command, reply, origin="s1", received=reply.time - 10)


def told(number: int, *records: dict[str, Any]) -> bytes:
    clock = Clock(synchronised=True)
    return frames.encode(
        Frame(epoch=7, number=number, times=(NOW_US + number,), channels={}, clock=clock, records=list(records))
    )


class Bench:
    """An agent that tells what a test chooses, a gateway that does, and a laboratory to ask."""

    def __init__(self, agent: Agent, gateway: bus.Session, lab: Lab, dsn: str, url: str, directory: str) -> None:
        self.agent = agent
        self.lab = lab
        self.dsn = dsn
        self._gateway = gateway
        self._url = url
        self._directory = directory
        self._sent = 0

    async def tell(self, *records: dict[str, Any], instrument: str = "balance") -> None:
        """Tell in one frame, and wait until it is logged."""
        self._sent += 1
        self.agent.session.publish_soon(topics.instrument("pi-1", instrument, "data"), told(self._sent, *records))
        await until(lambda: self._sent in self.agent.logged, "the frame is logged")

    async def refuse(self, content: dict[str, Any], times: int = 1) -> None:
        for _ in range(times):
            await self._gateway.publish(topics.refused("gateway"), ledger.encode_refused(BALANCE, content))

    async def ledger(self, count: int, *arguments: Any, **filters: Any) -> list[LedgerEntry]:
        """Wait until there are so many entries."""
        async with asyncio.timeout(20):
            while len(found := await self.lab.ledger(*arguments, **filters)) < count:
                await asyncio.sleep(0.02)
        return found

    async def type(self, *words: str) -> tuple[int, str, str]:
        """What `kleinmaelzung ledger` does: exit code, output, errors."""
        password = os.path.join(self._directory, "password")
        with open(password, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(PASSWORD)
        variables = {
            "KLEINMAELZUNG_URL": self._url.replace("ws://", "http://"),
            "KLEINMAELZUNG_USER": "otto",
            "KLEINMAELZUNG_PASSWORD_FILE": password,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kleinmaelzung", "ledger", *words),
            env=os.environ | variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def bench(broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Any) -> AsyncIterator[Bench]:
    """An observer asks."""
    gateway = broker.mosquitto.broker("gateway")
    async with (
        connected_agent(broker) as agent,
        bus.connect(gateway, client_id="fake-gateway", on_message=lambda message: None) as session,
        running(configuration(broker, dsn)),
        logged_in(gateway_url) as lab,
    ):
        await announced(lab, "logger")
        yield Bench(agent, session, lab, dsn, gateway_url, str(tmp_path))


async def test_an_agent_s_command_is_in_the_ledger_as_it_was_told(bench: Bench) -> None:
    await bench.tell(record(1, value=3.5, unit="°C"))
    [entry] = await bench.lab.ledger()
    assert (entry.number, entry.instrument, entry.user, entry.origin, entry.id) == (1, BALANCE, "anna", "s1", "id-1")
    assert (entry.name, entry.arguments, entry.result) == ("set", {"value": 3.5, "unit": "°C"}, "done")
    assert (entry.values, entry.bytes_out, entry.bytes_in) == ({"set": 3.5}, b"SET 3.5\r\n", b"OK\xff")
    assert (entry.took_us, entry.time, entry.received, entry.reason) == (12_345, NOW_US + 1, NOW_US - 9, "")
    assert (entry.noted_by, entry.epoch, entry.frame, entry.record, entry.left_out) == ("agent", 7, 1, 0, [])


async def test_what_no_agent_saw_is_in_the_ledger_once_however_often_it_comes(bench: Bench) -> None:
    offline = record(1, result="offline")
    await bench.refuse(offline, times=3)
    await bench.refuse({**offline, "result": "not-permitted"})
    newest, first = await bench.ledger(2)
    assert (first.result, first.noted_by, first.reason, first.epoch) == ("offline", "gateway", "not now", None)
    assert (newest.result, newest.number) == ("not-permitted", 2)
    await bench.refuse(offline)
    await bench.refuse(record(2, result="offline"))
    assert [entry.id for entry in await bench.ledger(3)] == ["id-2", "id-1", "id-1"]
    await bench.refuse({**offline, "received": NOW_US + 1})
    assert [entry.id for entry in await bench.ledger(4)] == ["id-1", "id-2", "id-1", "id-1"], "sent and refused again"


async def test_a_command_that_a_gateway_lost_and_the_agent_knows_has_one_line(bench: Bench) -> None:
    await bench.refuse(record(1, result="lost"))
    await bench.ledger(1)
    await bench.tell(record(1))
    [entry] = await bench.lab.ledger()
    assert (entry.number, entry.result, entry.noted_by, entry.superseded_by) == (2, "done", "agent", None)
    _, first = await bench.lab.ledger(superseded=True)
    assert (first.number, first.result, first.noted_by, first.superseded_by) == (1, "lost", "gateway", 2)
    assert (await bench.lab.verify_ledger()).entries == 2
    _, out, _ = await bench.type()
    assert [line.split()[0] for line in out.splitlines()] == ["NUMBER", "2"]
    _, out, _ = await bench.type("--all")
    _, lost, done = out.splitlines()
    assert lost.split()[0] == "1"
    assert lost.endswith("entry 2 says what happened; not now")
    assert done.split()[0] == "2"


async def test_entries_are_found_by_instrument_user_result_and_time(bench: Bench) -> None:
    await bench.tell(record(1), record(2, user="otto", result="refused"), record(3, age_us=HOUR_US))
    await bench.tell(record(4, user="otto"), instrument="probe")

    async def found(*arguments: Any, **filters: Any) -> list[str]:
        return [entry.id for entry in await bench.lab.ledger(*arguments, **filters)]

    assert await found() == ["id-4", "id-3", "id-2", "id-1"]
    assert await found(BALANCE) == ["id-3", "id-2", "id-1"]
    assert await found("+/probe") == await found("pi-1/probe") == ["id-4"]
    assert await found("pi-1/+", user="otto") == ["id-4", "id-2"]
    assert await found(user="otto", result="refused") == ["id-2"]
    assert await found(user="' OR true") == await found("pi-9/+") == []
    assert await found(since=NOW_US) == ["id-4", "id-2", "id-1"]
    assert await found(until=NOW_US) == ["id-3"]
    assert await found(limit=2) == ["id-4", "id-3"]


async def test_many_entries_come_page_by_page_however_long_they_are(bench: Bench) -> None:
    long = record(0, text="x" * 3000)
    for first in range(1, 401, 20):
        await bench.tell(*({**long, "id": f"id-{number}"} for number in range(first, first + 20)))
    found = await bench.lab.ledger(limit=390)
    assert [entry.number for entry in found] == list(range(400, 10, -1))
    await bench.tell({**long, "arguments": {"text": "x" * 16_000}, "bytes_in": bytes(50_000)})
    [cut] = await bench.lab.ledger(limit=1)
    assert (cut.left_out, cut.arguments, cut.bytes_in) == (["arguments", "bytes_in"], {}, b"")
    assert (await bench.lab.verify_ledger()).entries == 401


@pytest.mark.parametrize(
    ("request_", "arguments"),
    [
        ("ledger", {"instrument": "a"}),
        ("ledger", {"limit": 0}),
        ("ledger", {"limit": ledger_requests.PAGE + 1}),
        ("ledger", {"user": 3}),
        ("ledger", {"superseded": 1}),
        ("ledger", {"after": "x"}),
        ("ledger-verify", {"head": [1, "00"]}),
        ("ledger-verify", {"head": "1:00"}),
        ("ledger-verify", {"after": [-1, "0" * 64]}),
        ("ledger-verify", {"after": [1, "z" * 64]}),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    bench: Bench, request_: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(kleinmaelzung.Refused) as refused:
        await bench.lab.request("logger", request_, **arguments)
    assert refused.value.code == "bad-message"


async def test_a_whole_ledger_is_told_from_a_damaged_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await bench.lab.verify_ledger()).head == f"0:{'0' * 64}"
    for number in range(1, 6):
        await bench.tell(record(number))
    await bench.refuse(record(6, result="offline"))
    await bench.ledger(6)
    monkeypatch.setattr(ledger_requests, "BATCH", 2)  # so that it takes several pieces
    monkeypatch.setattr(ledger_requests, "PIECE_S", 0.0)
    check = await bench.lab.verify_ledger()
    assert (check.is_whole, check.entries, check.compared, check.first_bad, check.why) == (True, 6, 5, None, "")
    last, _, digits = check.head.partition(":")
    assert (last, digits) == ("6", (await bench.lab.ledger(limit=1))[0].hash)
    assert await bench.lab.verify_ledger(check.head) == check
    await tampered(bench.dsn, "UPDATE ledger SET username = 'otto' WHERE number = 4")
    damaged = await bench.lab.verify_ledger()
    assert (damaged.is_whole, damaged.entries, damaged.first_bad) == (False, 3, 4)
    assert damaged.why == "entry 4 was edited: its hash is not that of what it says"
    for wrong in ("", "6", "6:00", f"-1:{digits}", f"6:{'z' * 64}"):
        with pytest.raises(ValueError, match="no head of a ledger"):
            await bench.lab.verify_ledger(wrong)


async def test_people_read_a_table_and_programs_a_document(bench: Bench) -> None:
    assert await bench.type() == (0, "no command is in the ledger that fits\n", "")
    await bench.tell(record(1, value=3.5), record(2, user="otto", name="tare", result="refused"))
    await bench.tell(record(3, text="\x1b[2J"), instrument="probe")
    code, out, err = await bench.type()
    heading, first, second, third = out.splitlines()
    assert (code, err) == (0, "")
    assert heading.split() == ["NUMBER", "TIME", "INSTRUMENT", "USER", "COMMAND", "RESULT", "TOOK", "REASON"]
    assert first.endswith("pi-1/balance  anna  set value=3.5  done     12.3 ms")
    assert second.endswith("pi-1/balance  otto  tare           refused  -        not now")
    assert "set text=\ufffd[2J" in third
    _, out, _ = await bench.type("+/balance", "--by", "otto", "--result", "refused", "--json")
    [shown] = json.loads(out)["entries"]
    assert (shown["id"], shown["arguments"], shown["bytes_in"]) == ("id-2", {}, {"$hex": "4f4bff"})
    _, out, _ = await bench.type("--limit", "1")
    assert out.endswith("the newest 1; --limit N shows more\n")


async def test_people_verify_and_are_told_what_is_damaged(bench: Bench) -> None:
    for number in (1, 2, 3):
        await bench.tell(record(number))
    code, out, _ = await bench.type("verify")
    assert code == 0
    assert out.startswith("the ledger is whole: 3 entries, 3 compared with the frames they came in\n")
    head = out.splitlines()[-1].removeprefix("head ")
    code, out, _ = await bench.type("verify", "--head", head, "--json")
    assert (code, json.loads(out)["ok"], json.loads(out)["head"]) == (0, True, head)
    await tampered(bench.dsn, "DELETE FROM ledger WHERE number = 2")
    code, out, err = await bench.type("verify")
    assert (code, err) == (1, "")
    assert out == (
        "the ledger is damaged: entry 2 was removed: entry 1 is followed by entry 3\n"
        "the 1 entry before is good; compare with a backup, and with the head noted last\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--head", "3"),
        ("verify", "--by", "anna"),
        ("verify", "--all"),
        (BALANCE, "--head", f"1:{'0' * 64}"),
        ("--limit", "0"),
        ("balance",),
        ("--from", "2026-01-02", "--to", "2026-01-01"),
    ],
)
async def test_wrong_words_are_wrong_usage(bench: Bench, words: tuple[str, ...]) -> None:
    code, out, err = await bench.type(*words)
    assert (code, out) == (2, "")
    assert err


@pytest.mark.parametrize("place", ["logger.before_commit", "logger.after_commit", "logger.after_logged"])
async def test_a_command_is_in_the_ledger_once_though_its_logger_dies(
    broker: TestBroker, dsn: str, tmp_path: Any, place: str
) -> None:
    places = Places(broker, "", dsn, tmp_path)  # no gateway is needed
    async with connected_agent(broker) as agent:
        for failpoint in (place, ""):
            logger = await places.start_logger(failpoint)
            async with cared_for(logger):
                await until(lambda: agent.sees_health, "a healthy logger is announced")
                sent = told(1, record(1))
                agent.session.publish_soon(topics.instrument("pi-1", "balance", "data"), sent)
                if failpoint:
                    assert await ended(logger) < 0
                    await until(lambda: not agent.sees_health, "its will is told")
                    agent.logged.clear()
                else:
                    await until(lambda: 1 in agent.logged, "the frame that is sent again is logged")
    assert await query(dsn, "SELECT number, command, frame FROM ledger") == [(1, "id-1", 1)]
    assert await query(dsn, "SELECT number FROM ledger_head") == [(1,)]


@pytest.mark.parametrize("place", ["logger.before_commit", "logger.after_commit"])
async def test_what_no_agent_saw_is_in_the_ledger_once_though_its_logger_dies(
    broker: TestBroker, gateway_url: str, dsn: str, tmp_path: Any, place: str
) -> None:
    places = Places(broker, gateway_url, dsn, tmp_path)
    async with logged_in(gateway_url) as lab:
        dying = await places.start_logger(place)
        async with cared_for(dying):
            await announced(lab, "logger")
            assert (await lab.send(BALANCE, "tare", id="c1")).result == "not-permitted"
            assert await ended(dying) < 0
        assert await unlogged(gateway_url) == 1, "nobody has confirmed it"
        async with cared_for(await places.start_logger()):
            async with asyncio.timeout(30):
                while await unlogged(gateway_url):
                    await asyncio.sleep(0.05)
    found = await query(dsn, "SELECT number, username, command, result, noted_by FROM ledger")
    assert found == [(1, "otto", "c1", "not-permitted", "gateway")]


async def test_what_no_agent_saw_waits_for_a_logger(broker: TestBroker, gateway_url: str, dsn: str) -> None:
    async with logged_in(gateway_url) as lab:
        for _ in range(3):  # the same id: three attempts
            assert (await lab.send(BALANCE, "tare", id="c1")).result == "not-permitted"
        assert await unlogged(gateway_url) == 3
        async with running(configuration(broker, dsn)), asyncio.timeout(30):
            while await unlogged(gateway_url):
                await asyncio.sleep(0.05)
    assert await query(dsn, "SELECT number, command FROM ledger ORDER BY number") == [(1, "c1"), (2, "c1"), (3, "c1")]


async def test_a_gateway_that_ends_says_what_is_not_in_the_ledger(
    broker: TestBroker, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateways.running_gateway(broker) as listening, logged_in(gateways.url(listening)) as lab:
        assert (await lab.send(BALANCE, "tare")).result == "not-permitted"
    assert "1 records of refused commands are not in the ledger: the gateway ends" in caplog.text


async def unlogged(gateway_url: str) -> int:
    """How many records wait at the gateway, as it says itself."""

    def ask() -> str:
        with urllib.request.urlopen(gateway_url.replace("ws://", "http://") + "/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    lines = (await asyncio.to_thread(ask)).splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith("kleinmaelzung_gateway_unlogged_records ")]
    return int(value)
