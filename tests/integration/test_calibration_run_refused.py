"""What a calibration run refuses, on the whole system: who, when, with what; and what it gives up waiting for."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import kleinmaelzung
from kleinmaelzung_wire import register, runs
from tests import calibrating
from tests.calibrating import ITEM, TEMPLATE, WEIGHTS, Bench, View

SHORT = TEMPLATE.replace("timeout_s       = 5", "timeout_s       = 1.5").replace(
    "max_age_s       = 2.0", "max_age_s = 1.0"
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with calibrating.open_bench(tmp_path) as running:
        yield running


async def refused(bench: Bench, run: View, act: str, lab: kleinmaelzung.Lab | None = None, **arguments: Any) -> str:
    """Why it is not done, as one text; nothing may have happened."""
    before = await bench.show(run)
    answer = await bench.act_with(run, act, lab, **arguments)
    assert answer["mistakes"], answer
    after = await bench.show(run)
    assert (after["head"], after["state"]) == (before["head"], before["state"])
    return "; ".join(answer["mistakes"])


async def test_who_may_not_and_what_is_not_registered_begins_no_run(bench: Bench) -> None:
    mistakes = (await bench.create_with())["mistakes"]
    assert [one for one in mistakes if "the register has no laboratory" in one]
    assert [one for one in mistakes if f"the register has no instrument {ITEM}" in one]
    assert [one for one in mistakes if f"the register has no standard {WEIGHTS}" in one]
    await bench.register()
    async with bench.person("otto") as otto, bench.person("vera") as vera:
        for lab in (otto, vera):
            with pytest.raises(kleinmaelzung.Refused, match="a calibration is made by one who is admin or calibrator"):
                await bench.create_with(lab=lab)
        run = await bench.create()
        with pytest.raises(kleinmaelzung.Refused, match="a calibration is made by"):
            await bench.act_with(run, "tick", otto, check="levelled")
        [listed] = (await bench.ask(runs.LIST, vera, instrument="pi-1/+", open=True, after=None))["runs"]
        assert (listed["run"], listed["steps"]) == (run["run"], 9)
        assert (await bench.ask(runs.LIST, vera, instrument="pi-2/+", open=False, after=None))["runs"] == []
        with pytest.raises(kleinmaelzung.Refused, match="there is no run R-2026-9999"):
            await bench.show("R-2026-9999")
        with pytest.raises(kleinmaelzung.Refused, match=r"there is no run .* of an instrument under pi-1/other"):
            await bench.ask(runs.SHOW, vera, instrument="pi-1/other", run=run["run"])
    [mistake] = (await bench.create_with())["mistakes"]
    assert mistake.startswith(f"{ITEM} is in run {run['run']}: an instrument has one run at a time")
    await bench.act(run, "abort", reason="a test")
    await bench.enter(register.STANDARD, WEIGHTS, calibrating.weights(due="2026-01-02"))
    [mistake] = (await bench.create_with())["mistakes"]
    assert mistake.startswith(f"standard {WEIGHTS} is overdue: its certificate D-K-12345 was due on 2026-01-02")
    mistakes = (await bench.create_with(sensors={"temperature": "pi-1/room/nothing"}))["mistakes"]
    assert [one for one in mistakes if "channel nothing, and it has temperature, humidity, pressure" in one]
    with pytest.raises(kleinmaelzung.Refused, match="a run is of one instrument"):
        await bench.create_with(instrument="pi-1/+")


async def test_a_request_that_is_sent_again_is_done_once(bench: Bench) -> None:
    await bench.register()
    first = await bench.create_with(id="one")
    again = await bench.create_with(id="one")
    assert again == first
    run = first["run"]
    ticked = await bench.act(run, "tick", check="levelled", id="two")
    assert await bench.act(run, "tick", check="levelled", id="two") == ticked
    with pytest.raises(kleinmaelzung.Refused, match="used the id 'two' for another request"):
        await bench.create_with(id="two")


async def test_only_a_run_commands_the_instrument_that_it_measures(bench: Bench) -> None:
    await bench.register()
    run = await bench.create()
    assert '"levelled" is not ticked' in await refused(bench, run, "begin")
    for check in run["checks"]:
        await bench.act(run, "tick", check=check["check"])
    await bench.act(run, "answer", name="convection", value=0.1, unit="mg")
    bench.room.variables.set("temperature", 30)
    await until_shown(bench, 30)
    assert "the temperature of the room: 30 degC, the template permits 27 at most" in await refused(bench, run, "begin")
    bench.room.variables.set("temperature", 22)
    await until_shown(bench, 22)
    async with bench.person("otto") as otto:
        assert (await otto.send(ITEM, "_take")).result == "done"
        why = await refused(bench, run, "begin")
        assert f"{ITEM} is held by otto until" in why
        assert "ask them to let go of it" in why
        assert (await otto.send(ITEM, "_release")).result == "done"
        await bench.act(run, "begin")
        reply = await otto.send(ITEM, "tare_immediately")
        assert (reply.result, reply.reason.partition(" until")[0]) == ("refused", "held by calibration")
    assert "is open: steps are made in the template's order" in await refused(bench, run, "place", step=3)
    bench.put(0.5)
    run = await bench.act(run, "command", name="zero", arguments={}, id="zeroed")
    assert await bench.act(run, "command", name="zero", arguments={}, id="zeroed") == run
    events = (await bench.ask(runs.EVENTS, instrument=ITEM, run=run["run"], after=None))["events"]
    commanded = [one["details"] for one in events if one["kind"] == "commanded"]
    assert [(one["name"], one["result"]) for one in commanded] == [("zero", "done")]
    assert bench.balance.variables.at(0)["zeroed"] == 0.5
    run = await bench.act(run, "abort", reason="a test")
    assert run["state"] == "aborted"
    async with asyncio.timeout(20):
        while (await bench.lab.send(ITEM, "tare_immediately")).result != "done":
            await asyncio.sleep(0.1)


async def until_shown(bench: Bench, temperature: float) -> None:
    async with bench.lab.watch("pi-1/room") as frames:
        async for frame in frames:
            if temperature in frame.channels["temperature"]:
                return


async def test_what_does_not_hold_is_given_up_with_its_reason(bench: Bench, tmp_path: Path) -> None:
    await bench.register()
    run = await bench.prepare(await bench.create(SHORT))
    balance = bench.balance.variables

    async def given_up(reason: str, number: int = 1) -> None:
        await bench.act(run, "place", step=number)
        view = await bench.until_over(run, number)
        [step] = [one for one in view["steps"] if one["step"] == number]
        assert (step["state"], view["next"]) == ("open", number), step
        assert step["reason"].startswith("given up after 1.5 s: ")
        assert reason in step["reason"]

    balance.set("moving", 1)
    await given_up('the instrument says "unstable"')
    balance.set("moving", 0)
    balance.set("load", 230)
    await given_up('the instrument says "overload"')
    bench.put(0)
    wandering = asyncio.create_task(wander(bench))
    await given_up("not stable")
    wandering.cancel()
    bench.put(0)
    bench.room.variables.set("temperature", 16)
    await until_shown(bench, 16)
    assert "the template permits 18 at least" in await refused(bench, run, "place", step=1)
    bench.room.variables.set("temperature", 21.5)
    await until_shown(bench, 21.5)
    balance.set("silent", 1)
    await given_up("stale: the newest sample came")
    balance.set("silent", 0)
    async with bench.lab.watch(ITEM) as frames:
        await anext(aiter(frames))
    run = await bench.capture(run)
    assert run["next"] == 2
    balance.set("milligrams", 1)
    bench.put(100)
    await given_up('the readings before have the unit "g", now it is "mg": set it back', 2)


async def wander(bench: Bench) -> None:
    """Steady enough for the balance's own flag, and not for the template."""
    at = 0
    while True:
        at += 1
        bench.put(0.001 * (at % 2))
        await asyncio.sleep(0.1)


async def test_an_agent_that_is_away_keeps_a_run_waiting_and_another_device_stops_it(bench: Bench) -> None:
    await bench.register()
    await bench.enter(register.ITEM, ITEM, {**calibrating.BALANCE, "serial": "another"})
    with pytest.raises(AssertionError, match="says that its serial number is B021002593"):
        await bench.prepare(run := await bench.create(SHORT))
    await bench.act(run, "abort", reason="a test")
    await bench.enter(register.ITEM, ITEM, calibrating.BALANCE)
    run = await bench.prepare(await bench.create(SHORT))
    config = bench.whole.config.read_text()
    bench.balance.variables.set("moving", 1)
    await bench.act(run, "place", step=1)
    await bench.whole.kill_agent()
    view = await bench.until_over(run, 1)
    assert "agent pi-1 of pi-1/balance is not connected" in view["steps"][0]["reason"]
    assert "is not connected" in await refused(bench, run, "place", step=1)
    bench.balance.variables.set("moving", 0)
    await bench.whole.start_agent(*config.partition("\n[instruments")[1:], own=own_lines(config))
    await bench.whole.until_state(ITEM, "connected")
    run = await bench.capture(await bench.show(run))
    assert run["next"] == 2


def own_lines(config: str) -> str:
    return next(line for line in config.splitlines() if line.startswith("profiles"))


async def test_a_log_that_was_edited_is_named_and_nothing_is_issued(bench: Bench) -> None:
    run = await bench.measured()
    await bench.until_calculated(run)
    async with bench.person("berta") as berta:
        await bench.act(run, "review", berta, approve=True)
    events = (await bench.ask(runs.EVENTS, instrument=ITEM, run=run["run"], after=None))["events"]
    edited = next(one for one in events if one["kind"] == "captured")
    connection = await asyncpg.connect(bench.whole.running.dsn)
    await connection.execute("ALTER TABLE calibration_log DISABLE TRIGGER ALL")
    details = edited["details"]
    details["signals"][0]["values"][0] += 0.001
    await connection.execute(
        "UPDATE calibration_log SET details = $2 WHERE number = $1",
        edited["number"],
        json.dumps(details, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    )
    await connection.execute("ALTER TABLE calibration_log ENABLE TRIGGER ALL")
    await connection.close()
    why = await refused(bench, run, "issue")
    assert f"entry {edited['number']} was edited" in why
    found = await bench.ask(register.LOG, after=None)
    assert (found["first_wrong"], found["more"]) == (edited["number"], False)


async def test_raw_data_that_are_not_those_captured_are_not_calculated(bench: Bench) -> None:
    run = await bench.measured()
    await until_logged(bench, run)
    [part] = run["steps"][4]["frames"]
    where = (
        "number = $1 AND stream = (SELECT id FROM streams WHERE epoch = $2 AND instrument = (SELECT id FROM instruments"
    )
    where += " WHERE name = 'balance'))"
    named = part["first"], part["epoch"]
    connection = await asyncpg.connect(bench.whole.running.dsn)
    before = await connection.fetchrow(f"SELECT * FROM frames WHERE {where}", *named)
    await connection.execute(f"UPDATE frames SET payload = payload || '\\x00' WHERE {where}", *named)
    why = await refused(bench, run, "calculate")
    assert why.startswith("step 5 (50 g up, no. 1, centre): the frames in the log")
    assert "are not those that were captured, by their hash" in why
    await connection.execute(f"DELETE FROM frames WHERE {where}", *named)
    assert "frames (pi-1/balance, frames" in (why := await refused(bench, run, "calculate"))
    assert "are not in the log yet: is the logger running?" in why
    assert before is not None
    marks = ", ".join(f"${place}" for place in range(1, len(before) + 1))
    await connection.execute(f"INSERT INTO frames ({', '.join(before.keys())}) VALUES ({marks})", *before.values())
    await connection.execute("UPDATE samples SET value = 30 WHERE value = 21.5 AND index = 0")
    assert "it rose to 30 degC, the template permits 27" in await refused(bench, run, "calculate")
    await connection.execute("DELETE FROM samples WHERE value = 30")
    assert "nothing is in the log of the whole run: check the sensor and the logger" in await refused(
        bench, run, "calculate"
    )
    await connection.close()


async def until_logged(bench: Bench, run: View) -> None:
    """Wait until the last frame that was captured is in the database."""
    [part] = run["steps"][-1]["frames"]
    async with asyncio.timeout(20):
        while not await bench.whole.ask(
            "SELECT count(*) FROM frames JOIN streams ON streams.id = stream WHERE epoch = $1 AND number > $2",
            part["epoch"],
            part["last"] + 20,
        ):
            await asyncio.sleep(0.1)
