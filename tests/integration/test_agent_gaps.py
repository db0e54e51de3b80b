"""Why samples are missing, as a whole agent records it: ends in order and not, lost ports, silence, a full spool."""

import asyncio
import contextlib
import itertools
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kleinmaelzung_agent import clock, making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_agent.recording.outages import FULL
from kleinmaelzung_agent.recording.recorder import NumberedFrame, Recorder
from kleinmaelzung_agent.spool.spool import Limits, open_spool
from kleinmaelzung_agent.spool.spool_file import FILE_NAME
from kleinmaelzung_wire import failpoints, frames, gaps
from kleinmaelzung_wire.frames import Frame
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import State
from tests.fakes_agent import QUICK
from tests.fakes_gateway import SECRET, FakeGateway
from tests.fakes_instruments import Pty, Thermometer
from tests.running_agent import Others, rows, running
from tests.waiting import until

AGENT = """
[agent]
name = "pi-1"
url = "{url}"
secret = "{secret}"
data = "data"
[instruments.it]
port = "{port}"
silent_after = "{silent_after}"
frame_every = "50ms"
[instruments.it.channels.temperature]
[[instruments.it.poll]]
send = "T?"
every = "10ms"
timeout = "100ms"
reply = [{{ pattern = '(?P<temperature>[+-][0-9.]+) C' }}]
"""


def written(directory: Path, url: str, port: str, silent_after: str = "1min") -> Path:
    path = directory / "agent.toml"
    path.write_text(AGENT.format(url=url, secret=SECRET, port=port, silent_after=silent_after))
    path.chmod(0o600)
    return path


@asynccontextmanager
async def process(configuration: Path, failpoint: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """The real command, which does not outlive the test."""
    environment = os.environ | {failpoints.VARIABLE: failpoint}
    arguments = ("-m", "kleinmaelzung_agent", "--config", str(configuration), "--log-level", "error")
    made = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.kill()
        await made.wait()


@pytest.fixture
def thermometer(tmp_path: Path) -> Iterator[Thermometer]:
    with Pty(tmp_path / "tty") as terminal:
        yield Thermometer(terminal).start()


def epochs(gateway: FakeGateway) -> list[int]:
    """In the order in which they came."""
    return list(dict.fromkeys(epoch for _, epoch, _ in gateway.logged))


def are_logged(gateway: FakeGateway, epoch: int, *names: str, count: int = 5) -> bool:
    """Whether so many frames of each are logged from the first on."""
    return all(gateway.numbers(name, epoch)[:count] == list(range(1, count + 1)) for name in names)


def logged(gateway: FakeGateway, epoch: int, instrument: str = "balance") -> list[Frame]:
    """By their numbers."""
    numbers = gateway.numbers(instrument, epoch)
    assert numbers == list(range(1, len(numbers) + 1))
    return [frames.decode(gateway.logged[instrument, epoch, number]) for number in numbers]


def recorded(found: list[Frame]) -> list[Gap]:
    return [Gap.from_record(record) for frame in found for record in frame.records if record["kind"] == gaps.KIND]


def sample_times(found: list[Frame]) -> list[int]:
    return [time for frame in found if frame.channels for time in frame.times]


def state(gateway: FakeGateway, instrument: str) -> tuple[str, str]:
    states = gateway.published[f"{instrument}/state"]
    newest = State.decode(states[-1]) if states else State(state="searching", since=0, reason="")
    return newest.state, newest.reason


def real(configuration: Path) -> Others:
    """The text instrument of a configuration."""

    def make(sink: Sink) -> dict[str, Instrument]:
        wanted = config.load(configuration).instruments
        return {name: making.make(name, settings, sink) for name, settings in wanted.items()}

    return make


# --- runs -----------------------------------------------------------------------------------------------------------


async def test_after_an_orderly_end_the_agent_was_off_until_the_next_start(tmp_path: Path) -> None:
    names = ("balance", "thermometer")
    async with FakeGateway() as gateway:
        for _ in range(2):
            async with running(gateway.url, tmp_path, names=names) as made:
                epoch = made.agent.epoch
                await until(lambda: are_logged(gateway, epoch, *names), "it runs")  # noqa: B023
        first, second = epochs(gateway)
        for name in names:
            before, after = logged(gateway, first, name), logged(gateway, second, name)
            assert recorded(before) == []
            (gap,) = recorded(after)
            assert after[0].records
            assert (gap.reason, gap.epoch) == (gaps.AGENT_OFF, None)
            assert gap.since is not None
            assert gap.until is not None
            assert sample_times(before)[-1] <= gap.since < gap.until <= sample_times(after)[0]


async def test_after_kill_9_the_agent_died_and_the_next_start_says_when(
    tmp_path: Path, thermometer: Thermometer
) -> None:
    thermometer.pty.plug()
    async with FakeGateway() as gateway:
        configuration = written(tmp_path, gateway.url, thermometer.pty.port)
        async with process(configuration) as killed:
            await until(lambda: len(gateway.logged) > 10, "it runs")
            gateway.is_logging = False
            await until(lambda: len(rows(tmp_path / "data")) > 5, "some are on disk")
            killed.send_signal(signal.SIGKILL)
            await killed.wait()
        (first,) = epochs(gateway)
        gateway.is_logging = True
        async with process(configuration) as ended:
            await until(lambda: len(epochs(gateway)) == 2, "the next run is logged")
            second = epochs(gateway)[1]
            await until(lambda: sample_times(logged_so_far(gateway, second, "it")), "with samples")
            await until(lambda: rows(tmp_path / "data") == [], "all is logged")
            ended.terminate()
            assert await ended.wait() == 0
        before, after = logged(gateway, first, "it"), logged(gateway, second, "it")
        assert after[0].records
        (gap,) = recorded(after)
        assert (gap.reason, gap.epoch) == (gaps.AGENT_DIED, first)
        assert "did not end in order" in gap.detail
        assert gap.since is not None
        assert gap.until is not None
        assert sample_times(before)[-1] <= gap.since <= gap.until <= sample_times(after)[0]
        assert all(frame.since_boot and frame.since_boot.boot == clock.boot_id() for frame in before + after)


def logged_so_far(gateway: FakeGateway, epoch: int, instrument: str) -> list[Frame]:
    return [frames.decode(p) for (name, e, _), p in gateway.logged.items() if (name, e) == (instrument, epoch)]


async def test_a_number_is_on_record_or_in_the_spool_even_if_the_agent_dies_right_after_it(
    tmp_path: Path, thermometer: Thermometer
) -> None:
    thermometer.pty.plug()
    async with FakeGateway() as gateway:
        configuration = written(tmp_path, gateway.url, thermometer.pty.port)
        async with process(configuration, "agent.numbered:20") as died:
            assert await died.wait() == -signal.SIGKILL
        async with process(configuration):
            await until(lambda: len(epochs(gateway)) == 2, "the next run is logged")
            first, second = epochs(gateway)
            await until(lambda: recorded(logged_so_far(gateway, second, "it")), "with what came before")
        (gap,) = recorded(logged(gateway, second, "it"))
        assert (gap.reason, gap.epoch) == (gaps.AGENT_DIED, first)
        assert len(logged(gateway, first, "it")) < 20


async def test_an_instrument_that_is_new_has_no_gap_before_it(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        for names in (("balance",), ("balance", "thermometer")):
            async with running(gateway.url, tmp_path, names=names) as made:
                epoch = made.agent.epoch
                await until(lambda: are_logged(gateway, epoch, *names), "it runs")  # noqa: B023
        assert [gap.reason for gap in recorded(logged(gateway, epoch, "balance"))] == [gaps.AGENT_OFF]
        assert recorded(logged(gateway, epoch, "thermometer")) == []


async def test_a_damaged_spool_is_a_gap_of_each_instrument(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\x55" * 9000)
    names = ("balance", "thermometer")
    async with FakeGateway() as gateway:
        async with running(gateway.url, tmp_path, names=names) as made:
            epoch = made.agent.epoch
            await until(lambda: are_logged(gateway, epoch, *names), "it runs")
        for name in names:
            found = logged(gateway, epoch, name)
            (gap,) = recorded(found)
            assert (gap.reason, found[0].records != []) == (gaps.SPOOL_CORRUPT, True)
            assert "spool.corrupt-" in gap.detail
            assert gap.until is not None
            assert gap.until <= sample_times(found)[0]


async def test_what_came_before_is_told_even_if_the_spool_can_be_opened_only_later(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        async with running(gateway.url, tmp_path) as made:
            await until(lambda: are_logged(gateway, made.agent.epoch, "balance"), "it runs")
        with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            async with running(gateway.url, tmp_path) as made:
                second = made.agent.epoch
                await until(lambda: are_logged(gateway, second, "balance"), "it runs without a spool")
                assert recorded(logged(gateway, second)) == []
                other.close()
                await until(lambda: recorded(logged_so_far(gateway, second, "balance")), "it says what came before")
        async with running(gateway.url, tmp_path) as made:
            third = made.agent.epoch
            await until(lambda: are_logged(gateway, third, "balance"), "it runs")
        ((off,), (off_again,)) = recorded(logged(gateway, second)), recorded(logged(gateway, third))
        assert off.reason == off_again.reason == gaps.AGENT_OFF
        assert (off.until or 0) <= sample_times(logged(gateway, second))[0]
        assert (off_again.since or 0) >= sample_times(logged(gateway, second))[-1]


async def test_time_goes_on_from_the_newest_frame_in_the_spool(tmp_path: Path) -> None:
    """As when the machine's clock is behind after a power cut: the last mark of the time was a minute before."""
    now_us, epoch = time.time_ns() // 1000, 77
    timeline = clock.Timeline(now_us + 600_000_000)
    timeline.observe(wall_us=0, monotonic_ns=0, boottime_ns=0, kernel=frames.Clock(synchronised=False))
    recorder = Recorder("balance", epoch, 1, frame_every_s=0.1)
    (newest,) = recorder.record(Gap(reason=gaps.SILENT).to_record(), timeline, 0)
    async with open_spool(tmp_path) as spool:
        spool.announce = _nothing
        await spool.begin_run(epoch, now_us, ["balance"])
        spool.add(newest)
        await spool.flush()
    async with FakeGateway() as gateway:
        async with running(gateway.url, tmp_path) as made:
            await until(lambda: are_logged(gateway, made.agent.epoch, "balance"), "it runs")
        found = logged(gateway, made.agent.epoch)
        assert recorded(found)[0].since == newest.time_us
        assert min(sample_times(found)) >= newest.time_us
        assert not any(frame.clock.synchronised for frame in found)


def _nothing(instrument: str, gap: Gap) -> NumberedFrame:
    raise AssertionError(f"{instrument}: {gap}")


# --- instruments ----------------------------------------------------------------------------------------------------


async def test_unplugged_and_plugged_again_it_has_one_gap_with_two_records(
    tmp_path: Path, thermometer: Thermometer
) -> None:
    thermometer.pty.plug()
    async with FakeGateway() as gateway:
        others = real(written(tmp_path, gateway.url, thermometer.pty.port))
        async with running(gateway.url, tmp_path, names=(), others=others) as made:
            epoch = made.agent.epoch
            await until(lambda: len(gateway.numbers("it", epoch)) > 3, "it is read")
            thermometer.pty.unplug()
            await until(lambda: recorded(logged(gateway, epoch, "it")), "the loss is on record while it lasts")
            await until(lambda: state(gateway, "it")[0] == "searching", "and shown")
            thermometer.pty.plug()
            await until(lambda: len(recorded(logged(gateway, epoch, "it"))) == 2, "its end is on record")
        lost, ended = recorded(logged(gateway, epoch, "it"))
        times = sample_times(logged(gateway, epoch, "it"))
        assert (lost.reason, lost.until) == (gaps.PORT_LOST, None)
        assert thermometer.pty.port in lost.detail
        assert ended == replace(lost, until=ended.until)
        assert lost.since in times
        assert times[times.index(lost.since) + 1] == ended.until


async def test_a_silent_instrument_is_a_gap_that_outlives_the_agent(tmp_path: Path, thermometer: Thermometer) -> None:
    thermometer.pty.plug()
    async with FakeGateway() as gateway:
        others = real(written(tmp_path, gateway.url, thermometer.pty.port, silent_after="300ms"))
        async with running(gateway.url, tmp_path, names=(), others=others) as made:
            first = made.agent.epoch
            await until(lambda: len(gateway.numbers("it", first)) > 3, "it is read")
            thermometer.is_silent = True
            await until(lambda: recorded(logged(gateway, first, "it")), "its silence is on record")
        async with running(gateway.url, tmp_path, names=(), others=others) as made:
            second = made.agent.epoch
            await until(lambda: len(recorded(logged(gateway, second, "it"))) == 2, "it is silent still")
            thermometer.is_silent = False
            await until(lambda: len(recorded(logged(gateway, second, "it"))) == 3, "it is read again")
        (silent,) = recorded(logged(gateway, first, "it"))
        assert (silent.reason, silent.until) == (gaps.SILENT, None)
        assert silent.since == sample_times(logged(gateway, first, "it"))[-1]
        off, silent, ended = recorded(logged(gateway, second, "it"))
        assert (off.reason, silent.reason) == (gaps.AGENT_OFF, gaps.SILENT)
        assert silent.since == off.until  # the agent's start
        assert ended == replace(silent, until=sample_times(logged(gateway, second, "it"))[0])


async def test_a_port_that_is_not_there_from_the_start_is_a_gap_after_a_while(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        others = real(written(tmp_path, gateway.url, str(tmp_path / "nowhere"), silent_after="300ms"))
        async with running(gateway.url, tmp_path, names=(), others=others) as made:
            epoch = made.agent.epoch
            await until(lambda: recorded(logged(gateway, epoch, "it")), "it is on record")
        (lost,) = recorded(logged(gateway, epoch, "it"))
        assert (lost.reason, lost.until) == (gaps.PORT_LOST, None)
        assert "nowhere is not there" in lost.detail


# --- a full spool ---------------------------------------------------------------------------------------------------


async def test_an_instrument_that_is_set_to_stop_takes_nothing_while_the_spool_is_full(tmp_path: Path) -> None:
    sampling = {"balance": Sampling(frame_every_s=0.0, stops_when_full=True)}
    tuning = replace(QUICK, window_s=0.05)
    async with FakeGateway() as gateway:
        gateway.is_logging = False
        async with running(
            gateway.url, tmp_path, period_s=0.001, sampling=sampling, limits=Limits(bytes=60_000), tuning=tuning
        ) as made:
            epoch = made.agent.epoch
            await until(lambda: state(gateway, "balance") == ("error", FULL), "it says that it stopped")
            seen = made.balance.count
            await until(lambda: made.balance.count > seen + 50, "the instrument goes on")
            gateway.is_logging = True
            await until(lambda: state(gateway, "balance") == ("connected", ""), "it takes again, and says so")
            await until(lambda: len(recorded(logged_so_far(gateway, epoch, "balance"))) == 2, "both are on record")
            await until(lambda: rows(tmp_path) == [], "all is logged")
        found = logged(gateway, epoch)
        began, ended, *others = recorded(found)
        assert others == []
        assert (began.reason, began.until, began.detail) == (gaps.SPOOL_FULL, None, FULL)
        assert (ended.reason, ended.since) == (gaps.SPOOL_FULL, began.since)
        refused = int(ended.detail.removeprefix(f"{FULL}; readings not taken: "))
        values = [int(value or 0) for frame in found if frame.channels for value in frame.channels["count"]]
        assert refused == values[-1] - len(values)
        assert [after - before - 1 for before, after in itertools.pairwise(values) if after - before > 1] == [refused]
        times = sample_times(found)
        assert began.since in times
        assert times[times.index(began.since) + 1] == ended.until
