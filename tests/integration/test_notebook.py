"""History as columns, from a real log: lab.history(), lab.latest(), and the same without async."""

import asyncio
import inspect
import math
import signal
import subprocess
import sys
import threading
from array import array
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kleinmaelzung
import kleinmaelzung.sync
from kleinmaelzung import Lab, Refused, TooManySamples
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Clock, Frame, Value
from tests.brokers import PASSWORD, TestBroker
from tests.recording import STEP_US, Recorded, T

BALANCE, OVEN = "pi-1/balance", "pi-1/oven"
CLOCK = Clock(synchronised=True)


@pytest.fixture
async def recorded(broker: TestBroker, dsn: str) -> AsyncIterator[Recorded]:
    async with Recorded(broker, dsn) as recorded:
        await recorded.start("logger", "history")
        yield recorded


@pytest.fixture
def url(gateway_url: str) -> str:
    return gateway_url.replace("ws://", "http://")


@pytest.fixture
async def lab(url: str) -> AsyncIterator[Lab]:
    async with kleinmaelzung.connect(url, user="otto", password=PASSWORD) as lab:
        yield lab


def said(number: int, channels: dict[str, list[Value]], units: dict[str, str] | None = None, **more: Any) -> bytes:
    """A frame of these channels, its samples 10 µs apart."""
    length = len(next(iter(channels.values())))
    times = tuple(T + number * STEP_US + 10 * index for index in range(length))
    return frames.encode(
        Frame(epoch=7, number=number, times=times, channels=channels, units=units or {}, clock=CLOCK, **more)
    )


async def test_samples_are_columns_of_float64_beside_times_of_int64(recorded: Recorded, lab: Lab) -> None:
    recorded.send(said(1, {"mass": [1.5, 2.5], "stable": [True, False]}, {"mass": "g"}))
    recorded.send(said(2, {"mass": [3.5]}, {"mass": "kg"}))
    recorded.send(said(3, {"mass": [4, None]}, {"mass": "g"}, quality={"mass": ["unstable", None]}))
    await recorded.logged(3)
    found = await lab.history(BALANCE)
    first = T + STEP_US
    assert found.times == array("q", [first, first + 10, T + 2 * STEP_US, T + 3 * STEP_US, T + 3 * STEP_US + 10])
    grams, kilograms, stable = found.samples
    assert [(one.channel, one.unit) for one in found.samples] == [("mass", "g"), ("mass", "kg"), ("stable", "")]
    np.testing.assert_array_equal(grams.values, [1.5, 2.5, math.nan, 4.0, math.nan])
    np.testing.assert_array_equal(kilograms.values, [math.nan, math.nan, 3.5, math.nan, math.nan])
    assert stable.values == [True, False, None, None, None]
    assert grams.quality == {3: "unstable"}
    assert (found.since, found.instruments, found.gaps, len(found)) == (first, [BALANCE], [], 5)
    assert found.column("stable") is stable
    with pytest.raises(KeyError, match="2 columns"):
        found.column("mass")
    with pytest.raises(KeyError, match="its channels are mass, stable"):
        found.column("weight")


async def test_integers_that_a_float_does_not_hold_and_mixed_values_stay_what_they_are(
    recorded: Recorded, lab: Lab
) -> None:
    recorded.send(said(1, {"count": [1, 2], "mixed": [1.5, "high"]}))
    recorded.send(said(2, {"count": [2**53 + 1, None], "mixed": [None, 3]}))
    await recorded.logged(2)
    found = await lab.history(BALANCE)
    assert found.column("count").values == [1, 2, 2**53 + 1, None]
    assert found.column("mixed").values == [1.5, "high", None, 3]


async def test_time_and_channels_are_cut_to_what_was_asked(recorded: Recorded, lab: Lab) -> None:
    for number in range(1, 101):
        recorded.send(said(number, {"mass": [number, number + 0.5], "ph": [7.0, 7.0]}))
    await recorded.logged(100)
    since, until = T + 10 * STEP_US + 1, datetime.fromtimestamp((T + 20 * STEP_US) / 1e6, UTC)
    found = await lab.history(BALANCE, since=since, until=until, channels=["mass"])
    assert [one.channel for one in found.samples] == ["mass"]
    assert found.column("mass").values[0] == 10.5
    assert found.column("mass").values[-1] == 19.5
    assert len(found) == 1 + 2 * 9


async def test_numpy_and_pandas_take_it_and_numpy_without_a_copy(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 101))
    await recorded.logged(100)
    found = await lab.history(BALANCE, since=T)
    values, times = np.asarray(found.column("mass").values), np.asarray(found.times)
    moments = np.asarray(found.moments)
    assert [str(one.dtype) for one in (values, times, moments)] == ["float64", "int64", "datetime64[us]"]
    address = found.times.buffer_info()[0]
    assert times.__array_interface__["data"][0] == moments.__array_interface__["data"][0] == address
    assert moments[0] == np.datetime64(T + STEP_US, "us")
    assert found.moments[0] == datetime.fromtimestamp((T + STEP_US) / 1e6, UTC)
    table = pd.DataFrame(found.columns())
    assert list(table.columns) == ["time", "mass [g]"]
    assert table["mass [g]"].tolist() == [float(number) for number in range(1, 101)]
    assert table["time"][0] == pd.Timestamp(T + STEP_US, unit="us", tz="UTC")
    assert table.dtypes["mass [g]"] == np.float64


async def test_buckets_of_several_instruments_line_up(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 101))
    recorded.say(range(51, 101), "oven")
    await recorded.logged(150)
    span = {"since": T, "until": T + 200 * STEP_US, "points": 10}
    found = await lab.history([OVEN, BALANCE], **span)  # type: ignore[arg-type]
    assert found.width_us == 20 * STEP_US
    assert list(found.times) == [T + index * 20 * STEP_US for index in range(10)]
    oven, balance = found.buckets
    assert [one.instrument for one in found.buckets] == [OVEN, BALANCE]
    assert list(balance.count) == [19, 20, 20, 20, 20, 1, 0, 0, 0, 0]
    assert list(oven.count) == [0, 0, 9, 20, 20, 1, 0, 0, 0, 0]
    assert (balance.minimum[1], balance.mean[1], balance.maximum[1]) == (20.0, 29.5, 39.0)
    assert math.isnan(oven.mean[0])
    assert found.bucket("mass", OVEN) is oven
    table = pd.DataFrame(found.columns())
    assert table.shape == (10, 9)
    assert table["pi-1/balance mass [g] max"][0] == 19.0
    by_pattern = await lab.history("pi-1/+", **span)  # type: ignore[arg-type]
    assert by_pattern.instruments == [BALANCE, OVEN]
    assert by_pattern.times == found.times


async def test_a_large_history_comes_in_pieces_and_is_whole(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 3001), text="x" * 300)
    await recorded.logged(3000)
    found = await lab.history(BALANCE)
    assert found.column("mass").values == array("d", range(1, 3001))


async def test_more_than_the_limit_is_refused_with_what_to_do(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 101), text="x")
    await recorded.logged(100)
    for limit in (99, 199):  # by the number of frames at once, by samples on the way
        with pytest.raises(TooManySamples, match=r"points=2000.*kleinmaelzung history pi-1/balance -o FILE"):
            await lab.history(BALANCE, limit=limit)
    assert len(await lab.history(BALANCE, limit=200)) == 100


async def test_a_time_without_samples_is_an_empty_history(recorded: Recorded, lab: Lab) -> None:
    recorded.say([1])
    await recorded.logged(1)
    span = {"since": T + 10 * STEP_US, "until": T + 20 * STEP_US}
    found = await lab.history(BALANCE, **span)  # type: ignore[arg-type]
    assert (len(found), found.samples, list(found.columns()["time"])) == (0, [], [])
    on_a_grid = await lab.history(BALANCE, points=10, **span)  # type: ignore[arg-type]
    assert (len(on_a_grid), on_a_grid.buckets) == (10, [])


async def test_gaps_come_with_it(recorded: Recorded, lab: Lab) -> None:
    recorded.say([1, 2, 5, 6])
    await recorded.logged(4)
    [gap] = (await lab.history(BALANCE, since=T)).gaps
    assert (gap.instrument, gap.epoch, gap.first, gap.last, gap.reason) == (BALANCE, 7, 3, 4, "")


async def test_latest_tells_the_newest_of_each_channel(recorded: Recorded, lab: Lab) -> None:
    recorded.say(range(1, 11))
    recorded.say(range(1, 6), "oven")
    await recorded.logged(15)
    found = await lab.latest()
    assert {name: [(one.channel, one.value, one.unit) for one in samples] for name, samples in found.items()} == {
        BALANCE: [("mass", 10.0, "g")],
        OVEN: [("mass", 5.0, "g")],
    }
    assert list(await lab.latest("+/oven")) == [OVEN]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"since": "1h", "until": "2h"}, "is not before"),
        ({"since": datetime(2026, 1, 1)}, "no offset"),  # noqa: DTZ001
        ({"since": "2026-01-01T00:00:00"}, "no offset"),
        ({"since": 17}, "no time of a measurement"),
        ({"channels": "mass"}, "expected a list"),
        ({"instruments": [BALANCE, OVEN]}, "line up only on a grid"),
        ({"instruments": "pi-1/+"}, "line up only on a grid"),
        ({"instruments": "Balance"}, "is not a name"),
    ],
)
async def test_what_makes_no_sense_is_said_before_anything_is_asked(
    lab: Lab, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        await lab.history(**{"instruments": BALANCE, **asked})


async def test_what_the_service_refuses_is_raised(recorded: Recorded, lab: Lab) -> None:
    recorded.say([1])
    await recorded.logged(1)
    for asked, code in (({"points": 10**9}, "bad-message"), ({"channels": ["weight"]}, "bad-message")):
        with pytest.raises(Refused) as caught:
            await lab.history(BALANCE, **asked)
        assert caught.value.code == code
    with pytest.raises(Refused, match="has ever been logged") as caught:
        await lab.history("pi-1/ph")
    assert caught.value.code == "unknown"
    await recorded.stop("history")
    with pytest.raises(Refused, match="no history service"):
        await lab.history(BALANCE)


# Without async


async def test_the_same_without_async_and_no_thread_is_left(recorded: Recorded, url: str) -> None:
    recorded.say(range(1, 101))
    await recorded.logged(100)

    def work() -> None:
        with kleinmaelzung.sync.connect(url, user="otto", password=PASSWORD) as lab:
            assert lab.is_connected
            assert len(lab.history(BALANCE, since=T)) == 100
            assert list(lab.latest()) == [BALANCE]
            with lab.watch(BALANCE, since=T) as watched:
                assert [next(watched).number for _ in range(100)] == list(range(1, 101))
                recorded_loop.call_soon_threadsafe(recorded.say, [101])
                assert next(watched).number == 101
                watched.close()
                assert list(watched) == []
            with pytest.raises(ValueError, match="is not a name"):
                lab.watch("Balance")
            with pytest.raises(Refused):
                lab.history("pi-1/ph")
            assert [one.result for one in [lab.send(BALANCE, "tare")]] == ["not-permitted"]
            with pytest.raises(Refused), lab.control(BALANCE):
                pass
        with pytest.raises(kleinmaelzung.NotReachable, match="was left"):
            lab.latest()

    recorded_loop = asyncio.get_running_loop()
    before = set(threading.enumerate())
    await asyncio.to_thread(work)
    assert not [one.name for one in set(threading.enumerate()) - before if one.name == "kleinmaelzung"]


async def test_it_works_where_a_loop_runs_already(recorded: Recorded, url: str) -> None:
    """As in a notebook: the loop is held up meanwhile, so what is asked must not need it."""
    recorded.say([1])
    await recorded.logged(1)
    code = f"""
import asyncio, kleinmaelzung.sync
async def cell():
    with kleinmaelzung.sync.connect({url!r}, user="otto", password={PASSWORD!r}) as lab:
        print(len(lab.history({BALANCE!r})))
asyncio.run(cell())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    assert (process.returncode, out) == (0, b"1\n")


async def test_ctrl_c_ends_what_is_waited_for(recorded: Recorded, url: str) -> None:
    code = f"""
import signal, threading
import kleinmaelzung.sync
signal.signal(signal.SIGINT, signal.default_int_handler)
with kleinmaelzung.sync.connect({url!r}, user="otto", password={PASSWORD!r}) as lab:
    try:
        print("waiting", flush=True)
        for frame in lab.watch({BALANCE!r}):
            pass
    except KeyboardInterrupt:
        print("ended, connected:", lab.is_connected)
print([one.name for one in threading.enumerate()])
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"waiting\n"
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        out = await process.stdout.read()
        assert await process.wait() == 0
    assert out == b"ended, connected: True\n['MainThread']\n"


def test_what_does_not_connect_raises_and_leaves_no_thread() -> None:
    with (
        pytest.raises(kleinmaelzung.NotReachable, match="is it running"),
        kleinmaelzung.sync.connect("http://127.0.0.1:1", user="otto", password="x"),
    ):
        pass
    assert "kleinmaelzung" not in [one.name for one in threading.enumerate()]


def public(of: type) -> dict[str, Any]:
    return {name: found for name, found in vars(of).items() if not name.startswith("_")}


def test_every_call_of_the_laboratory_is_there_without_async_with_the_same_arguments() -> None:
    awaited, blocking = public(Lab), public(kleinmaelzung.sync.Lab)
    assert set(blocking) == set(awaited)
    for name, found in awaited.items():
        if isinstance(found, property) or name == "watch":
            continue
        ours = inspect.signature(inspect.unwrap(blocking[name]))
        theirs = inspect.signature(found)
        assert list(ours.parameters.values()) == list(theirs.parameters.values()), name
        assert inspect.getdoc(blocking[name]), name


@pytest.mark.parametrize("of", ["Agents", "Certificates", "Notes"])
def test_every_call_about_what_has_a_name_of_its_own_is_there_too(of: str) -> None:
    awaited, blocking = public(getattr(kleinmaelzung, of)), public(getattr(kleinmaelzung.sync, of))
    assert set(blocking) == set(awaited)
    for name, found in awaited.items():
        assert list(inspect.signature(blocking[name]).parameters) == list(inspect.signature(found).parameters), name
