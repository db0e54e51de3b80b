"""Completeness from end to end: frames by MQTT, a real logger and database, asked through a real gateway."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import kleinmaelzung
from kleinmaelzung import Completeness, Lab, MissingTime
from kleinmaelzung_services import lookup
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.logger import service
from kleinmaelzung_wire import access, frames, gaps, topics
from kleinmaelzung_wire.frames import Clock, Frame
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import ServiceStatus
from kleinmaelzung_wire.rights import Rights
from tests import databases
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.fakes_instruments import Pty, Thermometer
from tests.integration.test_logger import Agent, configuration, connected_agent, running
from tests.waiting import until
from tests.whole import THERMOMETER, watching, whole_system

CLOCK = Clock(synchronised=True)
HOUR_US = 3_600_000_000
BALANCE = "pi-1/balance"


class Bench:
    """An agent with instruments whose frames a test chooses, and a laboratory to ask."""

    def __init__(self, agent: Agent, lab: Lab, dsn: str) -> None:
        self.agent = agent
        self.lab = lab
        self.dsn = dsn
        self.now_us = service.now_us()

    def send(
        self,
        number: int,
        *,
        instrument: str = "balance",
        epoch: int = 7,
        age_us: int = 0,
        tell: Gap | None = None,
        value: float = 1.0,
    ) -> None:
        """Send a frame; its time is an hour's fraction before now, so that all is over when it is asked for."""
        frame = Frame(
            epoch=epoch,
            number=number,
            times=(self.now_us - age_us + number,),
            channels={"mass": [value]},
            clock=CLOCK,
            records=[tell.to_record()] if tell else [],
        )
        self.agent.session.publish_soon(topics.instrument("pi-1", instrument, "data"), frames.encode(frame))

    async def logged(self, count: int) -> None:
        await until(lambda: len(self.agent.logged) >= count, f"{count} frames are dealt with")

    async def one(self, pattern: str = BALANCE, **times: int) -> Completeness:
        [found] = await self.lab.completeness(pattern, **times)
        return found


@contextlib.asynccontextmanager
async def logged_in(gateway_url: str, user: str = "otto") -> AsyncIterator[Lab]:
    url = gateway_url.replace("ws://", "http://")
    async with kleinmaelzung.connect(url, user=user, password=PASSWORD) as lab:
        yield lab


async def announced(lab: Lab, *names: str) -> None:
    """Wait until these loggers, and no others, are there and well."""
    async with asyncio.timeout(20):
        while True:
            payloads = (await lab.retained("_service/+/status")).values()
            statuses = [ServiceStatus.decode(payload) for payload in payloads]
            healthy = sum(status.role == "logger" and status.healthy for status in statuses)
            if await lab.services("logger") == [*names] and healthy == len(names):
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def bench(broker: TestBroker, gateway_url: str, dsn: str) -> AsyncIterator[Bench]:
    """An observer asks."""
    async with (
        connected_agent(broker) as agent,
        running(configuration(broker, dsn)),
        logged_in(gateway_url) as lab,
    ):
        await announced(lab, "logger")
        yield Bench(agent, lab, dsn)


def ranges(found: Completeness) -> list[tuple[int, int, str, str]]:
    return [(part.first, part.last, part.kind, part.reason) for part in found.ranges]


async def test_nothing_is_missing(bench: Bench) -> None:
    for number in range(1, 101):
        bench.send(number)
    bench.send(1, instrument="thermometer")
    await bench.logged(101)
    found = await bench.one()
    assert (found.received, found.expected, found.percent) == (100, 100, 100.0)
    assert (found.ranges, found.gaps, found.is_complete, found.is_explained) == ([], [], True, True)
    [run] = found.runs
    assert (run.epoch, run.first, run.last, run.received, run.missing) == (7, 1, 100, 100, 0)
    assert (run.since, run.until) == (bench.now_us + 1, bench.now_us + 100)
    assert [one.instrument for one in await bench.lab.completeness()] == [BALANCE, "pi-1/thermometer"]
    assert [one.instrument for one in await bench.lab.completeness("pi-1/+")] == [BALANCE, "pi-1/thermometer"]
    assert [one.instrument for one in await bench.lab.completeness("+/thermometer")] == ["pi-1/thermometer"]


async def test_a_hole_is_missing_and_nobody_knows_why_until_it_is_told(bench: Bench) -> None:
    for number in (*range(1, 17), *range(29, 41)):
        bench.send(number)
    await bench.logged(28)
    found = await bench.one()
    assert ranges(found) == [(17, 28, "missing", "")]
    assert (found.received, found.expected, found.missing, found.explained, found.percent) == (28, 40, 12, 0, 70.0)
    assert (found.is_complete, found.is_explained) == (False, False)

    bench.send(41, tell=Gap(reason=gaps.SPOOL_FULL, epoch=7, first=17, last=20, detail="64 MiB"))
    bench.send(42, tell=Gap(reason=gaps.SPOOL_AGE, epoch=7, first=19, last=24))  # the first word counts
    await bench.logged(30)
    found = await bench.one()
    assert ranges(found) == [
        (25, 28, "missing", ""),
        (21, 24, "missing", gaps.SPOOL_AGE),
        (17, 20, "missing", gaps.SPOOL_FULL),
    ]
    assert (found.ranges[2].detail, found.ranges[2].run_since) == ("64 MiB", bench.now_us + 1)
    assert (found.missing, found.explained, found.is_explained) == (12, 8, False)

    bench.send(43, epoch=8, tell=Gap(reason=gaps.SPOOL_CORRUPT, epoch=7, first=25, last=28))
    await bench.logged(31)
    found = await bench.one()
    assert (found.explained, found.is_complete, found.is_explained) == (12, False, False)
    assert ranges(found)[0] == (1, 42, "missing", "")  # of the new run, whose first frame that came is number 43

    for number in range(17, 29):  # they come after all
        bench.send(number)
    await bench.logged(43)
    assert ranges(await bench.one()) == [(1, 42, "missing", "")]


async def test_frames_behind_the_last_one_and_whole_runs_can_be_missing_too(bench: Bench) -> None:
    bench.send(1)
    bench.send(1, epoch=8, tell=Gap(reason=gaps.SPOOL_CORRUPT, epoch=7, first=2, last=5))
    bench.send(2, epoch=8, tell=Gap(reason=gaps.SPOOL_CORRUPT, epoch=6, first=1, last=3))
    await bench.logged(3)
    found = await bench.one()
    assert (found.received, found.expected, found.missing, found.explained) == (3, 10, 7, 7)
    assert sorted((run.epoch, run.first, run.last, run.missing) for run in found.runs) == [
        (6, None, 3, 3),
        (7, 1, 5, 4),
        (8, 1, 2, 0),
    ]
    assert {(part.epoch, part.first, part.last) for part in found.ranges} == {(6, 1, 3), (7, 2, 5)}
    assert found.is_explained


async def test_what_is_quarantined_came_and_is_not_among_the_data(bench: Bench) -> None:
    bench.send(1)
    bench.send(2, age_us=bench.now_us - frames.MIN_TIME_US - 10)  # in 2001
    bench.send(3)
    await bench.logged(3)
    found = await bench.one()
    assert (found.received, found.missing, found.quarantined, found.expected, found.percent) == (2, 0, 1, 3, 66.66)
    assert ranges(found) == [(2, 2, "quarantined", "time")]
    assert (found.is_complete, found.is_explained) == (False, False)


async def test_a_number_with_other_bytes_is_a_conflict(bench: Bench) -> None:
    bench.send(1)
    await bench.logged(1)
    bench.send(1)
    bench.send(1, value=2.0)
    async with asyncio.timeout(20):
        while not (found := await bench.one()).conflicts:
            pass
    assert (found.received, found.expected, found.conflicts, found.percent) == (1, 1, 1, 100.0)
    assert (found.ranges, found.is_complete, found.is_explained) == ([], False, False)


async def test_times_in_which_nothing_was_taken_have_a_reason_and_perhaps_an_end(bench: Bench) -> None:
    lost = bench.now_us - HOUR_US
    port = Gap(reason=gaps.PORT_LOST, since=lost, detail="/dev/ttyUSB0 is not there")
    silent = Gap(reason=gaps.SILENT, since=lost - HOUR_US, until=lost - HOUR_US + 5)
    bench.send(1, tell=silent)
    bench.send(2, tell=port)
    await bench.logged(2)
    found = await bench.one()
    lasting = MissingTime(since=lost, until=None, reason=gaps.PORT_LOST, detail="/dev/ttyUSB0 is not there")
    over = MissingTime(since=silent.since, until=silent.until, reason=gaps.SILENT, detail="")
    assert found.gaps == [lasting, over]
    assert (found.is_complete, found.is_explained) == (True, True)

    bench.send(3, tell=Gap(reason=gaps.PORT_LOST, since=lost, until=lost + 9))
    await bench.logged(3)
    [ended, _] = (await bench.one()).gaps
    assert (ended.since, ended.until, ended.detail) == (lost, lost + 9, "/dev/ttyUSB0 is not there")
    assert (await bench.one(until=lost - 1)).gaps == [over]
    assert (await bench.one(since=lost + 9)).gaps == [ended]
    assert (await bench.one(since=lost + 10)).gaps == []


async def test_only_runs_and_gaps_that_touch_the_time_count(bench: Bench) -> None:
    bench.send(1, epoch=1, age_us=2 * HOUR_US)
    bench.send(3, epoch=1, age_us=2 * HOUR_US)
    bench.send(1, epoch=2)
    await bench.logged(3)
    assert [run.epoch for run in (await bench.one()).runs] == [2, 1]
    late = await bench.one(since=bench.now_us - HOUR_US)
    assert ([run.epoch for run in late.runs], late.expected, late.ranges) == ([2], 1, [])
    early = await bench.one(until=bench.now_us - HOUR_US)
    assert ([run.epoch for run in early.runs], early.expected, ranges(early)) == ([1], 3, [(2, 2, "missing", "")])
    none = await bench.one(since=bench.now_us + HOUR_US)
    assert (none.runs, none.expected, none.percent) == ([], 0, None)


async def test_what_does_not_fit_is_left_out_and_counted(bench: Bench) -> None:
    bench.send(1)
    bench.send(1, instrument="thermometer")
    await bench.logged(2)
    rows = "SELECT 1, 7, n, n, NULL, 'spool full', repeat('Ω', 400) FROM generate_series(2, 8000, 2) AS n"
    columns = "instrument, epoch, first_number, last_number, since, reason, detail"
    await query(bench.dsn, f"INSERT INTO gap_records ({columns}) {rows}")
    await query(
        bench.dsn,
        f"""INSERT INTO gap_records ({columns})
        SELECT 1, NULL, NULL, NULL, now() - n * INTERVAL '1 hour', 'port lost', ''
        FROM generate_series(1, 1500) AS n""",
    )
    balance, thermometer = await bench.lab.completeness()
    assert (balance.expected, balance.missing, balance.explained) == (8000, 7999, 4000)
    assert len(balance.ranges) + balance.more_ranges == 8000 - 1
    assert len(balance.gaps) + balance.more_gaps == 1500
    assert 50 < len(balance.ranges) <= 1000
    assert (balance.ranges[0].first, balance.ranges[1].first) == (8000, 7999)  # newest first
    assert thermometer.is_complete
    assert len(thermometer.runs) == 1


async def test_many_instruments_come_page_by_page(bench: Bench) -> None:
    names = [f"i{number:03}" for number in range(1, 121)]
    for name in names:
        bench.send(1, instrument=name)
    await bench.logged(len(names))
    found = await bench.lab.completeness()
    assert [one.instrument for one in found] == [f"pi-1/{name}" for name in names]
    assert all(one.is_complete for one in found)


async def test_names_that_were_never_logged_are_said(bench: Bench) -> None:
    assert await bench.lab.completeness() == []
    bench.send(1)
    await bench.logged(1)
    for pattern in ("pi-1/thermometer", "pi-9/+", "+/thermometer"):
        with pytest.raises(kleinmaelzung.Refused, match="has ever been logged") as refused:
            await bench.lab.completeness(pattern)
        assert refused.value.code == "unknown"
    for pattern in ("pi-1", "pi-1/balance/data", "", "No/+"):
        with pytest.raises(ValueError, match="is not a name"):
            await bench.lab.completeness(pattern)


@pytest.mark.parametrize(
    "arguments",
    [{"instrument": 3}, {"instrument": "a"}, {"from": "x"}, {"to": 1}, {"after": "a"}, {"instrument": "#/+"}],
)
async def test_a_question_that_makes_no_sense_is_refused(bench: Bench, arguments: dict[str, Any]) -> None:
    with pytest.raises(kleinmaelzung.Refused) as refused:
        await bench.lab.request("logger", "completeness", **arguments)
    assert refused.value.code == "bad-message"


async def test_a_stopped_logger_is_said_at_once_and_another_one_answers(
    broker: TestBroker, gateway_url: str, dsn: str
) -> None:
    secret = access.make_secret()
    await broker.manage(access.add_service("logger-2", secret))
    second = Config(broker=broker.stranger("service:logger-2", secret), dsn=dsn, name="logger-2")
    async with connected_agent(broker) as agent, logged_in(gateway_url) as lab:
        bench = Bench(agent, lab, dsn)
        with pytest.raises(kleinmaelzung.Refused, match="there is no logger at the moment"):
            await lab.completeness()
        with pytest.raises(kleinmaelzung.Refused, match="service logger is not there: is it running") as refused:
            await lab.request("logger", "completeness")
        assert refused.value.code == "unavailable"
        async with running(second):
            async with running(configuration(broker, dsn)):
                await announced(lab, "logger", "logger-2")
                for number in (1, 2, 4):
                    bench.send(number)
                await bench.logged(6)  # told by both
                answers = [await lab.request(name, "completeness", instrument="+/+") for name in ("logger", "logger-2")]
                assert answers[0] == answers[1]
                assert answers[0]["instruments"][0]["missing"] == 1
            await announced(lab, "logger-2")
            assert (await bench.one()).received == 3


async def test_a_database_that_is_away_or_frozen_is_said_and_writing_goes_on_afterwards(
    broker: TestBroker, gateway_url: str
) -> None:
    with databases.private_server("fsync=off") as server:
        await server.ready()
        async with (
            connected_agent(broker) as agent,
            running(configuration(broker, server.dsn)),
            logged_in(gateway_url) as lab,
        ):
            bench = Bench(agent, lab, server.dsn)
            await announced(lab, "logger")
            bench.send(1)
            await bench.logged(1)
            assert server.process is not None
            os.kill(server.process.pid, signal.SIGSTOP)  # accepts nobody, refuses nobody
            try:
                with pytest.raises(kleinmaelzung.Refused) as refused:
                    await lab.completeness(timeout=1)
                assert refused.value.code == "timeout"
            finally:
                os.kill(server.process.pid, signal.SIGCONT)
            assert (await bench.one()).received == 1
            server.stop(signal.SIGQUIT)
            with pytest.raises(kleinmaelzung.Refused, match="the database cannot be read") as refused:
                await lab.completeness()
            assert refused.value.code == "unavailable"
            server.start()
            await server.ready()
            bench.send(2)
            await bench.logged(2)
            assert (await bench.one()).received == 2


async def test_the_whole_system_says_that_nothing_is_missing_once_its_agent_has_stopped(tmp_path: Path) -> None:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        Thermometer(pty).start()
        async with whole_system(tmp_path) as whole, watching(whole.lab, "+/+") as seen:
            await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="50ms"))
            await seen.until_more("pi-1/probe", 20)
            status = await whole.stop_agent()
            [found] = await whole.lab.completeness("pi-1/probe")
            environment = {
                **os.environ,
                "KLEINMAELZUNG_URL": whole.running.url,
                "KLEINMAELZUNG_USER": "admin",
                "KLEINMAELZUNG_PASSWORD_FILE": str(whole.running.password_file),
            }
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "kleinmaelzung", "completeness"),
                env=environment,
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await process.communicate()
    assert found.received == found.expected == status.taken >= 20
    assert (found.ranges, found.is_explained, process.returncode) == ([], True, 0)
    assert f"pi-1/probe  {status.taken} of {status.taken}" in out.decode()


async def test_looking_cannot_write(bench: Bench) -> None:
    with pytest.raises(lookup.LookupFailed, match="read-only transaction"):
        async with lookup.open_lookup(bench.dsn, {"write": "DELETE FROM gap_records"}) as opened:
            await opened.fetch("write")


async def test_a_stranger_without_the_right_is_refused(bench: Bench, broker: TestBroker, gateway_url: str) -> None:
    rules = [rule for rule in access.user_rules("old", Rights(role="observer")) if "request" not in rule["topic"]]
    await broker.manage(access.add_account("old", PASSWORD, rules))
    async with logged_in(gateway_url, "old") as lab:
        with pytest.raises(kleinmaelzung.Refused, match="old is not permitted to ask service logger") as refused:
            await lab.completeness()
    assert refused.value.code == "not-permitted"
