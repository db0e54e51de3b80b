"""A calibration run on the whole system: live streams of a simulated balance in, a certificate out."""

import asyncio
import hashlib
import json
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import kleinmaelzung
from kleinmaelzung_services.calibration.documents.certificate import certificate_reports
from kleinmaelzung_wire import frames, register, runs
from kleinmaelzung_wire.messages import Control
from kleinmaelzung_wire.runs import Live
from tests import calibrating
from tests.calibrating import ITEM, TEMPLATE, WEIGHTS, Bench, View
from tests.waiting import until

Captured = list[dict[str, Any]]  # signals of events

FRAMES = """
SELECT frames.number, frames.payload
FROM frames JOIN streams ON streams.id = frames.stream JOIN instruments ON instruments.id = streams.instrument
WHERE instruments.agent || '/' || instruments.name = $1 AND epoch = $2 AND number BETWEEN $3 AND $4
ORDER BY number
"""
ATTACHED = "SELECT content FROM certificate_attachments WHERE name = $1"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with calibrating.open_bench(tmp_path) as running:
        yield running


async def all_events(bench: Bench, run: View) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["number"] if found else None
        answer = await bench.ask(runs.EVENTS, instrument=ITEM, run=run["run"], after=after)
        found += answer["events"]
        if not answer["more"]:
            return found


async def test_a_run_is_led_from_the_live_streams_to_an_issued_certificate(bench: Bench) -> None:
    await bench.register()
    lives: list[Live] = []
    async with bench.person("anna") as anna, bench.person("berta") as berta:
        watching = asyncio.create_task(watch(bench, lives))
        run = await bench.create(TEMPLATE, anna)
        run = await bench.measure(await bench.prepare(run, anna), anna)
        assert (run["state"], run["next"], run["captured"]) == ("measured", None, 9)
        run = await bench.until_calculated(run, anna)
        data_sha256 = run["results"]["data_sha256"]
        with pytest.raises(kleinmaelzung.Refused, match=r"anna made this run.*let another person"):
            await bench.act(run, "review", anna, approve=True)
        answer = await bench.act_with(run, "review", berta, approve=True, data_sha256="0" * 64)
        assert "the data changed since" in answer["mistakes"][0]
        run = await bench.act(run, "review", berta, approve=True, data_sha256=data_sha256)
        run = await bench.act(run, "issue", anna, readings=True)
        assert (run["state"], run["reviewed"]["by"]) == ("issued", "berta")
        await until(lambda: lives and lives[-1].run == "gone", "nothing is told of a run that is over")
        watching.cancel()
    captured = [one["details"] for one in await all_events(bench, run) if one["kind"] == "captured"]
    assert [one["step"] for one in captured] == list(range(1, 10))
    signals = [signal for one in captured for signal in one["signals"]]
    values = [await values_of_frames(bench, signal) for signal in signals]
    assert values == [signal["values"] for signal in signals]
    await check_numbers(bench, run, captured)
    await check_engine(bench, run, signals, values)
    check_lives(lives, run["run"])
    await until_let_go(bench)


async def test_the_template_that_comes_along_reads_a_balance_that_calls_its_channel_otherwise(bench: Bench) -> None:
    await bench.register()
    certified = [{"low": 10, "high": 200, "correction": 0.0, "U": 0.00003, "k": 2, "mpe": 0.0001}]
    await bench.enter(register.STANDARD, WEIGHTS, {**calibrating.weights(), "certified": certified})
    mistakes = (await bench.create_with(None, channels={"mass": "load"}))["mistakes"]
    assert mistakes == [
        (
            f"the template reads mass of {ITEM}, which has no channel load, but weight (g): say which one is meant,"
            ' in "g", as --channel mass=weight'
        )
    ]
    answer = await bench.create_with(None)
    assert answer["mistakes"] == []
    run = await bench.prepare(answer["run"])
    assert run["channels"] == {"mass": "weight"}
    lives: list[Live] = []
    watching = asyncio.create_task(watch(bench, lives))
    run = await bench.capture(run)
    await until(lambda: any(not one.role for live in lives for one in live.signals), "no signal of it is told")
    watching.cancel()
    [captured] = [one["details"] for one in await all_events(bench, run) if one["kind"] == "captured"]
    [signal] = captured["signals"]
    assert (signal["instrument"], signal["channel"]) == (ITEM, "weight")
    own = [one for live in lives for one in live.signals if not one.role]
    assert {(one.instrument, one.channel) for one in own} == {(ITEM, "weight")}


BY_EYE = TEMPLATE.replace('channel     = "weight"\nstable_flag = "stable"\n', "")
COMPARED = (
    TEMPLATE.replace('kind        = "weight_set"', 'kind = "balance"\nchannel = "mass"')
    .replace('class       = ["E2"]\n', "")
    .replace("points = [0, 50, 100]", "points = [20, 50, 100]")
)
REFERENCE = {
    **calibrating.weights(),
    "kind": "balance",
    "serial": "another",
    "accuracy_class": "",
    "instrument": "pi-1/other",
    "certified": [{"low": 0, "high": 200, "correction": 0.0001, "U": 0.0002, "k": 2}],
}


async def test_a_standard_that_is_read_live_is_captured_at_the_same_time_as_found_and_as_left(bench: Bench) -> None:
    await bench.register()
    await bench.enter(register.STANDARD, "REF-1", REFERENCE)
    chosen = [{"role": "weights", "name": "REF-1", "position": ""}]
    run = await bench.prepare(await bench.create(COMPARED, standards=chosen))
    run = await measured_beside(bench, run, 0.0005)
    answer = await bench.act_with(run, "command", name="adjust_internally", arguments={})
    assert "what changes how it measures is done between as found and as left" in answer["mistakes"][0]
    run = await bench.act(run, "adjust", text="with its internal weight", before="1.0", after="1.1")
    run = await measured_beside(bench, await bench.act(run, "begin"), 0.0)
    assert len(run["as_found"]) == len(run["steps"]) == 9
    run = await bench.until_calculated(run)
    assert run["results"]["as_found"]["verdict"]
    assert run["results"]["as_left"]["verdict"]
    for one in [*run["as_found"], *run["steps"]]:
        read = [(part["role"], part["instrument"]) for part in one["frames"]]
        assert read == [("", ITEM), ("weights", "pi-1/other")][: 1 if one["what"] == "zero" else 2]
    captured = [one["details"] for one in await all_events(bench, run) if one["kind"] == "captured"]
    both = [one["signals"] for one in captured if len(one["signals"]) == 2]
    assert len(both) == 14
    for own, reference in both:
        assert abs(own["times_us"][-1] - reference["times_us"][-1]) < 2_000_000
        assert await values_of_frames(bench, reference) == reference["values"]


async def test_an_instrument_without_a_stream_is_read_by_eye(bench: Bench) -> None:
    """It need not be connected, and nobody holds it; the room is measured all the same."""
    await bench.register()
    await bench.enter(register.ITEM, "shelf/balance", {**calibrating.BALANCE, "serial": "17"})
    about: dict[str, Any] = {"instrument": "shelf/balance"}
    run = await bench.create(BY_EYE, **about)
    for check in run["checks"]:
        await bench.act(run, "tick", check=check["check"], **about)
    await bench.act(run, "answer", name="convection", value=0.1, unit="mg", **about)
    run = await bench.act(run, "begin", **about)
    answer = await bench.act_with(run, "place", step=1, **about)
    assert "is typed in: the template reads it from no stream" in answer["mistakes"][0]
    while (number := run["next"]) is not None:
        step = run["steps"][number - 1]
        value = "0.0000" if step["what"] == "zero" else f"{step['point'] + 0.0001 * step['repeat']:.4f}"
        told: dict[str, Any] = {"value": value, "unit": "g", "reason": "it has no interface"}
        run = await bench.act(run, "type", step=number, **told, **about)
    run = await bench.act(run, "calculate", **about)
    assert run["results"]["verdict"]
    [live] = (await bench.lab.retained("shelf/balance/run")).values()
    assert (Live.decode(live).reason, Live.decode(live).is_held) == ("", False)


async def measured_beside(bench: Bench, run: View, error: float) -> View:
    """Each step, with the same on both balances; ours shows it with an error."""
    while (number := run["next"]) is not None:
        step = next(one for one in run["steps"] if one["step"] == number)
        load = 0.0 if step["what"] == "zero" else step["point"]
        bench.other.variables.set("load", load)
        bench.put(load, error)
        await bench.act(run, "place", step=number)
        run = await bench.until_over(run, number)
        assert run["next"] != number, run["steps"][number - 1]
    return run


async def watch(bench: Bench, lives: list[Live]) -> None:
    gone = Live(run="gone", state="issued", phase="as_found", head=0)
    async for message in bench.lab.messages(f"{ITEM}/run"):
        live = Live.decode(message.payload) if message.payload else gone
        lives.append(live)


async def values_of_frames(bench: Bench, signal: dict[str, Any]) -> list[float]:
    """The values of a captured signal again, from the frames that the logger stored, whose hash it names."""
    payloads: list[bytes] = []
    connection = await asyncpg.connect(bench.whole.running.dsn)
    try:
        for part in signal["frames"]:
            rows = await connection.fetch(FRAMES, part["instrument"], part["epoch"], part["first"], part["last"])
            assert [row["number"] for row in rows] == list(range(part["first"], part["last"] + 1))
            payloads += [row["payload"] for row in rows]
    finally:
        await connection.close()
    assert hashlib.sha256(b"".join(payloads)).hexdigest() == signal["sha256"]
    shown: dict[int, Any] = {}
    for frame in map(frames.decode, payloads):
        shown |= dict(zip(frame.times, frame.channels["weight"], strict=True))
    return [shown[time] for time in signal["times_us"]]


async def check_numbers(bench: Bench, run: View, captured: Captured) -> None:
    """What the certificate says, by hand: what the balance showed less the weights, in mg."""
    means = {one["step"]: statistics.fmean(one["signals"][0]["values"]) for one in captured}
    weights = {0: 0.0, 50: 50.00002, 100: 99.99997}
    steps = {one["point"]: one["step"] for one in run["steps"] if one["test"] == 2}
    issued = json.loads(await bench.whole.ask(ATTACHED, "calibration.json"))
    errors = {one["nominal"]: one["error"] for one in issued["as_found"]}
    by_hand = {point: (means[step] - weights[point]) * 1000 for point, step in steps.items()}
    assert errors == pytest.approx(by_hand, abs=1e-9)
    assert all(one["U"] > 0 and one["unit"] == "mg" for one in issued["as_found"])
    assert issued["calibration"]["certificate"] == run["certificate"]
    placed = [means[one["step"]] for one in run["steps"] if one["test"] == 0 and one["what"] == "reading"]
    zeros = [means[one["step"]] for one in run["steps"] if one["test"] == 0 and one["what"] == "zero"]
    assert zeros == [0, 0]
    assert statistics.stdev(placed) == pytest.approx(0.0001 / 2**0.5, rel=1e-3)


async def check_engine(bench: Bench, run: View, signals: Captured, values: list[list[float]]) -> None:
    """The certificate's record has these values, and makes these results; with others it makes others."""
    record = json.loads(await bench.whole.ask(ATTACHED, "record.json"))
    template = await bench.whole.ask(ATTACHED, "template.toml")
    assert template == TEMPLATE.encode()
    windows = list(windows_of(record))
    assert sorted(str(one["values"]) for one in windows) == sorted(map(str, values))
    assert {one["sha256"] for one in windows} == {one["sha256"] for one in signals}
    assert [one["name"] for one in record["environment"]] == ["temperature", "humidity"]
    assert record["environment"][0]["mean"] == pytest.approx(21.5)
    assert [(one["name"], one["role"]) for one in record["people"]] == [
        ("anna", "operator"),
        ("berta", "reviewer"),
        ("anna", "approver"),
    ]
    again = certificate_reports.checked(json.dumps(record).encode(), template)
    assert again["ok"], again["mistakes"]
    assert (again["found"]["as_found"], again["found"]["verdict"]) == (
        run["results"]["as_found"],
        run["results"]["verdict"],
    )


def windows_of(value: Any) -> Any:
    match value:
        case {"kind": "window"}:
            yield value
        case dict():
            for one in value.values():
                yield from windows_of(one)
        case list():
            for one in value:
                yield from windows_of(one)


def check_lives(lives: list[Live], name: str) -> None:
    """What was seen meanwhile: the value that settles, who holds, the room, and how far it is."""
    mine = [one for one in lives if one.run == name]
    assert [one.head for one in mine] == sorted(one.head for one in mine)
    waiting = [one for one in mine if one.step is not None]
    assert {one.step for one in waiting} == set(range(1, 10))
    assert all(one.is_held for one in waiting if not one.reason)
    signals = [signal for one in waiting for signal in one.signals]
    assert {signal.role for signal in signals} == {"", "temperature", "humidity"}
    assert {"settling"} <= {signal.status for signal in signals if not signal.role}
    assert {signal.value for signal in signals if signal.role == "temperature"} == {21.5}


async def until_let_go(bench: Bench) -> None:
    async with asyncio.timeout(20):
        while True:
            [payload] = (await bench.lab.retained(f"{ITEM}/control")).values()
            if not Control.decode(payload).user:
                return
            await asyncio.sleep(0.05)
