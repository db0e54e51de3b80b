"""The result lives on: from a certificate by service and broker to the agent, its `latest`, and whoever watches."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Never

import pytest

from kleinmaelzung import Certificate, Lab
from kleinmaelzung.commands import texts
from kleinmaelzung_agent import clock
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.instruments import Gate, Instrument, Reading, Sink, open_gate
from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.calibration.certificates import store
from kleinmaelzung_services.calibration.in_force import publishing
from kleinmaelzung_services.calibration.in_force.publishing import Publishing
from kleinmaelzung_wire import access, frames, topics
from kleinmaelzung_wire.calibrations import Calibration, Corrected, Measurand
from kleinmaelzung_wire.descriptions import Channel, Description
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Command, Reply, State
from kleinmaelzung_wire.waits import Waits
from tests import laboratories, running_agent, sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.databases import query
from tests.fakes_gateway import FakeGateway
from tests.laboratories import Laboratory
from tests.terminals import Terminal
from tests.unit.services.calibration_records import examples
from tests.waiting import until

BALANCE = "pi-1/balance"
ITEM: dict[str, Any] = {
    "instrument_type": "balance",
    "maker": "M",
    "model": "B-200",
    "serial": "1",
    "interval_months": 12,
    "is_simulated": True,
}
ADJUSTMENT = {
    "text": "adjusted with the weight of 200 g",
    "before": "2.2 mg",
    "after": "0.2 mg",
    "by": "A. Example",
    "at": "2026-03-10T10:30:00+00:00",
}


def record(shift: float = 0.0, **item: Any) -> bytes:
    """The example of a balance, of this instrument; all that it showed at 200 g shifted by so much (g)."""
    content = json.loads(examples.changed("balance", (("item", "id"), BALANCE)))
    content["item"] |= item
    for run in content["as_found"]["tests"]:
        for reading in run["readings"]:
            if reading["point"] == 200:
                values = reading["indication"]["values"]
                reading["indication"]["values"] = [round(value + shift, 6) for value in values]
    return json.dumps(content).encode()


class Scale:
    """A balance that shows `value` 20 times a second."""

    def __init__(self, sink: Sink) -> None:
        self.name = "balance"
        self.counters = Counters()
        self.value, self.unit, self.quality = 100.0, "g", "good"
        self._sink = sink

    def description(self) -> Description:
        return Description(channels=[Channel(name="mass", unit="g"), Channel(name="room")], driver="fake")

    async def run(self) -> Never:
        self._sink.state(self.name, "connected", "")
        while True:
            quality = {} if self.quality == "good" else {"mass": self.quality}
            values: dict[str, Value] = {"mass": self.value, "room": 21.5}
            reading = Reading(values=values, taken_ns=time.monotonic_ns(), units={"mass": self.unit}, quality=quality)
            self._sink.samples(self.name, [reading])
            await asyncio.sleep(0.05)

    def check(self, command: Command) -> str:
        return ""

    async def execute(self, command: Command, *, timeout_s: float, gate: Gate = open_gate) -> Reply:
        raise NotImplementedError


@pytest.fixture
async def laboratory(broker: TestBroker, gateway_url: str, dsn: str) -> AsyncIterator[Laboratory]:
    async with laboratories.open_laboratory(broker, gateway_url, dsn) as made:
        yield made


@pytest.fixture
async def carla(laboratory: Laboratory) -> AsyncIterator[Lab]:
    """A calibrator of everything; the balance is registered as one that is simulated."""
    async with laboratory.lab("carla") as lab:
        await lab.register.put("item", BALANCE, ITEM)
        yield lab


@contextlib.asynccontextmanager
async def scale(gateway_url: str, data: Path) -> AsyncIterator[Scale]:
    made: list[Scale] = []

    def others(sink: Sink) -> dict[str, Instrument]:
        made.append(Scale(sink))
        return {"balance": made[0]}

    async with running_agent.running(gateway_url, data, names=(), others=others, secret=AGENT_SECRET):
        yield made[0]


async def until_retained(lab: Lab, kind: str, is_so: Callable[[Any], object]) -> Any:
    """Wait until what is retained of the balance is so; None where nothing is."""
    decode: dict[str, Callable[[bytes], Any]] = {
        "calibration": Calibration.decode,
        "state": State.decode,
        "latest": json.loads,
    }
    found: Any = "nothing was looked at"
    try:
        async with asyncio.timeout(20):
            while True:
                payload = (await lab.retained(f"{BALANCE}/{kind}")).get(f"{BALANCE}/{kind}")
                found = decode[kind](payload) if payload else None
                if is_so(found):
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{kind} is not so: {found}") from None


async def in_force(lab: Lab, number: str | None, revision: int = 1) -> Calibration:
    def is_so(found: Calibration | None) -> bool:
        return (found and (found.certificate, found.revision)) == (number and (number, revision))

    found: Calibration = await until_retained(lab, "calibration", is_so)
    return found


async def issue(lab: Lab, content: bytes | None = None, **how: Any) -> Certificate:
    return await lab.certificates.issue(content or record(), readings=False, **how)


async def test_what_is_issued_holds_until_it_is_withdrawn(carla: Lab) -> None:
    first = await issue(carla)
    found = await in_force(carla, first.number)
    results = examples.results("balance")
    performed = results.record.as_found.finished.date()
    assert found.due == performed.replace(year=performed.year + 1).isoformat(), "by the interval of the register"
    assert (found.issued, found.verdict, found.is_simulated) == (first.issued, "pass", True)
    [mass] = found.measurands
    assert (mass.channel, mass.unit) == ("mass", "g")
    assert mass.correction is not None

    amended = await issue(
        carla,
        record(asset="KM-018"),
        amends=first.number,
        reason="wrong number",
        changes=[("asset number", "KM-017", "KM-018")],
    )
    assert await in_force(carla, first.number, 2)
    second = await issue(carla, record(0.0002))
    assert await in_force(carla, second.number)
    await carla.certificates.withdraw(second.number, "a wrong weight was used")
    assert await in_force(carla, amended.number, 2), "the one before holds again"
    await carla.certificates.withdraw(amended.number, "and here too")
    await in_force(carla, None)
    assert await carla.calibration(BALANCE) is None


async def test_the_register_says_when_it_is_due_and_whether_a_specimen_counts(carla: Lab) -> None:
    found = await issue(carla)
    year = (await in_force(carla, found.number)).due[:4]
    await carla.register.put("item", BALANCE, {**ITEM, "interval_months": 24}, reason="it is stable")
    later = await until_retained(carla, "calibration", lambda one: one and one.due[:4] != year)
    assert int(later.due[:4]) == int(year) + 1
    await carla.register.put("item", BALANCE, {**ITEM, "is_simulated": False}, reason="it is a real one")
    await in_force(carla, None)
    await carla.register.put("item", BALANCE, ITEM, reason="it is not")
    await in_force(carla, found.number)
    await carla.register.retire("item", BALANCE, "sold")
    await in_force(carla, None)


async def test_a_service_that_comes_back_tells_all_anew(broker: TestBroker, gateway_url: str, dsn: str) -> None:
    async with laboratories.open_laboratory(broker, gateway_url, dsn) as laboratory, laboratory.lab("carla") as carla:
        await carla.register.put("item", BALANCE, ITEM)
        found = await issue(carla)
        await in_force(carla, found.number)
    own = broker.mosquitto.broker("calibration")
    async with bus.connect(own, client_id="x", on_message=lambda message: None) as session:
        await session.publish(topics.instrument("pi-1", "balance", "calibration"), b"", retained=True)
    async with laboratory.lab("carla") as carla:
        assert await carla.calibration(BALANCE) is None
        async with laboratories.running(broker, dsn):
            await in_force(carla, found.number)


async def test_what_was_kept_and_is_not_as_it_was_written_corrects_nothing(
    carla: Lab, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = await issue(carla)
    await in_force(carla, found.number)
    await query(dsn, "ALTER TABLE certificate_attachments DISABLE TRIGGER USER")
    await query(
        dsn,
        "UPDATE certificate_attachments SET content = replace(encode(content, 'escape'), '\"U\"', '\"V\"')::bytea"
        " WHERE name = 'calibration.json'",
    )
    await carla.register.put("item", BALANCE, {**ITEM, "note": "look again"}, reason="a test")
    bare = await until_retained(carla, "calibration", lambda one: one and not one.measurands)
    assert (bare.certificate, bare.verdict, bare.measurands) == (found.number, "pass", ())
    assert "is not what was written" in caplog.text


async def test_a_certificate_of_an_earlier_version_is_named_and_corrects_nothing(carla: Lab, dsn: str) -> None:
    found = await issue(carla)
    await in_force(carla, found.number)
    for change in (
        "ALTER TABLE certificate_attachments DISABLE TRIGGER USER",
        "DELETE FROM certificate_attachments",
        "ALTER TABLE certificate_register DISABLE TRIGGER USER",
        "UPDATE certificate_register SET details = (details::jsonb - 'performed' - 'attachments')::json",
    ):
        await query(dsn, change)
    await carla.register.put("item", BALANCE, {**ITEM, "note": "look again"}, reason="a test")
    bare = await until_retained(carla, "calibration", lambda one: one and not one.measurands)
    assert (bare.certificate, bare.due, bare.verdict) == (found.number, "", "pass")
    [past] = await carla.past_calibrations(BALANCE)
    assert (past.certificate, past.as_found, past.drift) == (found.number, (), ())


async def test_what_cannot_be_read_is_told_later(
    broker: TestBroker, dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(publishing, "WAITS", Waits(first_s=0.01, longest_s=0.02))
    heard: list[bytes] = []
    topic = topics.instrument("pi-1", "balance", "calibration")
    publishing_ = Publishing(dsn)
    async with (
        bus.connect(broker.stranger("otto"), client_id="z", on_message=lambda one: heard.append(one.payload)) as tool,
        bus.connect(broker.mosquitto.broker("calibration"), client_id="y", on_message=lambda message: None) as session,
    ):
        await session.publish(topic, b"of before", retained=True)
        await tool.subscribe(topic)
        await until(lambda: heard == [b"of before"], "it is retained")
        task = asyncio.create_task(publishing_.run())
        try:
            publishing_.changed("not/of/this/system")
            publishing_.changed(BALANCE)
            await publishing_.serve(session)
            await until(lambda: "told later" in caplog.text, "there are no tables yet")
            await store.tables(dsn).prepare()
            await until(lambda: heard == [b"of before", b""], "nothing holds")
        finally:
            task.cancel()
            await asyncio.wait((task,))


# The agent


async def test_an_agents_newest_values_are_corrected_and_say_why_not(
    carla: Lab, gateway_url: str, tmp_path: Path
) -> None:
    first = await issue(carla)
    calibration = await in_force(carla, first.number)
    async with scale(gateway_url, tmp_path) as balance:
        latest = await until_retained(carla, "latest", lambda one: one and "calibration" in one["mass"])
        told = latest["mass"]["calibration"]
        assert (told["certificate"], told["due"]) == (first.number, calibration.due)
        expected = (await sample_of(carla)).corrected(calibration)
        assert isinstance(expected, Corrected)
        assert (told["corrected"], told["U"], told["k"]) == (expected.value, expected.U, expected.k)
        assert set(latest["room"]) == {"value", "unit", "quality", "time"}

        balance.value = 500.0
        outside = await until_retained(carla, "latest", lambda one: "outside" in one["mass"]["calibration"])
        assert outside["mass"]["calibration"]["outside"].startswith("outside the calibrated range")
        balance.value, balance.quality = 100.0, "unstable"
        moving = await until_retained(carla, "latest", lambda one: one["mass"]["quality"] == "unstable")
        assert "only a good reading" in moving["mass"]["calibration"]["outside"]
        balance.quality = "good"

        state = await until_retained(carla, "state", lambda one: one and one.calibration)
        assert (state.state, state.calibration["certificate"]) == ("connected", first.number)
        await carla.certificates.withdraw(first.number, "wrong weights")
        await until_retained(carla, "state", lambda one: one and not one.calibration)
        await until_retained(carla, "latest", lambda one: "calibration" not in one["mass"])


async def sample_of(lab: Lab) -> Any:
    async for frame in lab.watch(BALANCE):
        return frame.at(0)["mass"]
    raise AssertionError("the watch ended")


async def test_what_an_agent_is_not_told_again_after_a_connection_holds_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kleinmaelzung_agent.sending.in_force.TOLD_AGAIN_NS", 50_000_000)
    count = Measurand(name="count", channel="count", unit="", low=0, high=1e9, k=2, reason="counted")
    found = Calibration(certificate="K-1", revision=1, issued=1, measurands=(count,))
    async with FakeGateway() as gateway, running_agent.running(gateway.url, tmp_path) as running:
        await until(lambda: gateway.published["balance/state"], "an older gateway tells nothing, which is no matter")
        assert "calibration" not in json.loads(gateway.published["balance/latest"][-1])["count"]
        await gateway.calibrate("balance", found.encode())
        await gateway.calibrate("balance/../x", found.encode())  # none of ours
        await until(lambda: State.decode(gateway.published["balance/state"][-1]).calibration, "it holds")
        await until(lambda: b"counted" in gateway.published["balance/latest"][-1], "and is said of what comes")
        gateway.cut()
        await until(lambda: not State.decode(gateway.published["balance/state"][-1]).calibration, "it holds no more")
        await until(lambda: b"counted" not in gateway.published["balance/latest"][-1], "nor is it said")
        assert running.agent.is_connected


@pytest.mark.parametrize("is_known", [True, False])
async def test_overdue_is_said_by_list_and_by_an_agent_that_knows_the_time(
    carla: Lab, gateway_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    monkeypatch.setattr(clock, "kernel_clock", lambda: frames.Clock(synchronised=is_known))
    await carla.register.put("item", BALANCE, {**ITEM, "interval_months": 1}, reason="a test")
    found = await issue(carla)
    calibration = await in_force(carla, found.number)
    assert calibration.is_overdue(time.time_ns() // 1000), "the example is old"
    async with scale(gateway_url, tmp_path):
        state = await until_retained(carla, "state", lambda one: one and one.calibration)
        assert state.calibration.get("overdue") is (True if is_known else None)
        [instrument] = await carla.instruments()
        assert instrument.calibration == calibration
    async with sockets.client(gateway_url, "anna", PASSWORD, sockets.JSON) as anna:
        [listed] = (await anna.ask("list", 1))[2]
        assert (listed["calibration"]["certificate"], listed["calibration"]["due"]) == (found.number, calibration.due)


async def test_an_agent_goes_on_where_the_brokers_rules_are_of_an_earlier_version(
    broker: TestBroker, gateway_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    rules = [rule for rule in access.agent_rules("pi-9") if not rule["topic"].endswith("/calibration")]
    await broker.manage(access.add_account(access.agent_user("pi-9"), AGENT_SECRET, rules))
    async with (
        sockets.agent(gateway_url, "pi-9", AGENT_SECRET) as pi,
        sockets.client(gateway_url, "anna", PASSWORD) as anna,
    ):
        await pi.send("publish", "balance/state", State(state="connected", since=1).encode())
        async with asyncio.timeout(10):
            while not any(one["instrument"] == "pi-9/balance" for one in (await anna.ask("list", 1))[2]):
                pass
    assert "agent pi-9 does not learn of calibrations" in caplog.text


# What was found before


async def test_the_past_says_how_far_each_point_has_drifted(carla: Lab) -> None:
    first = await issue(carla)
    second = await issue(carla, record(0.001))
    newest, oldest = await carla.past_calibrations(BALANCE)
    assert (newest.certificate, oldest.certificate) == (second.number, first.number)
    assert (newest.state, oldest.state, newest.as_left) == ("valid", "valid", None)
    points = {one.nominal: one for one in newest.as_found}
    before = {one.nominal: one for one in oldest.as_found}
    drift = {one.nominal: one for one in newest.drift}
    assert set(points) == set(drift) == set(before)
    assert drift[200].change == pytest.approx(1.0), "1 mg, as it is told"
    assert (drift[200].unit, points[200].unit) == ("mg", "mg")
    both = (points[200].U ** 2 + before[200].U ** 2) ** 0.5
    assert drift[200].E_n == pytest.approx(1.0 / both)
    assert [one.change for one in newest.drift if one.nominal != 200] == pytest.approx([0.0] * (len(drift) - 1))
    assert oldest.drift == ()
    await carla.certificates.withdraw(first.number, "wrong")
    newest, oldest = await carla.past_calibrations(BALANCE)
    assert (oldest.state, newest.drift) == ("withdrawn", ()), "what was withdrawn is no measure"


async def test_how_it_was_left_is_what_the_next_is_compared_with(carla: Lab) -> None:
    content = json.loads(record(0.002))
    content["as_left"] = examples.later("balance", timedelta(hours=2))
    content["adjustment"] = ADJUSTMENT
    for person in content["people"]:
        if person["at"]:
            person["at"] = person["at"].replace("2026-03-10", "2026-03-11")
    await issue(carla, json.dumps(content).encode())
    await issue(carla)
    newest, oldest = await carla.past_calibrations(BALANCE)
    assert oldest.as_left is not None
    found, left = ({one.nominal: one.error for one in series} for series in (oldest.as_found, oldest.as_left))
    assert found[200] - left[200] == pytest.approx(2.0)
    assert [one.change for one in newest.drift] == pytest.approx([0.0] * len(newest.drift), abs=1e-9)


async def test_only_one_instrument_at_a_time_has_a_past(laboratory: Laboratory, carla: Lab) -> None:
    assert await carla.past_calibrations(BALANCE) == []
    with laboratories.refused("bad-message", "ask for the calibrations of one instrument"):
        await carla.request("calibration", "calibration-history", instrument="pi-1/+")
    with pytest.raises(ValueError, match="is not an instrument"):
        await carla.past_calibrations("balance")
    async with laboratory.lab("olga") as olga:
        with laboratories.refused("not-permitted", "not permitted"):
            await olga.past_calibrations(BALANCE)


# The command line


async def test_the_command_line_shows_readings_corrected_what_is_overdue_and_the_past(
    broker: TestBroker, carla: Lab, gateway_url: str, tmp_path: Path
) -> None:
    url, password = gateway_url.replace("ws:", "http:"), broker.mosquitto.passwords["admin"]
    terminal = Terminal(url, password, tmp_path)
    async with scale(gateway_url, tmp_path / "spool"):
        await until_retained(carla, "latest", lambda one: one)
        code, out, _ = await terminal.run("watch", BALANCE, "--corrected", "--count", "1")
        assert (code, "mass 100 g, not corrected: no certificate holds of it" in out) == (0, True)
        await carla.register.put("item", BALANCE, {**ITEM, "interval_months": 1}, reason="a test")
        first = await issue(carla)
        calibration = await in_force(carla, first.number)
        code, out, _ = await terminal.run("watch", BALANCE, "--corrected", "--count", "1")
        expected = (await sample_of(carla)).corrected(calibration)
        assert f"mass 100 g, corrected {texts.measured(expected)} by {first.number}, room 21.5, not corrected: " in out
        assert out.rstrip().endswith("it was not calibrated")
        told = await terminal.json("watch", BALANCE, "--corrected", "--count", "1")
        assert told["calibration"] == {
            "mass": {"certificate": first.number, "corrected": expected.value, "U": expected.U, "k": expected.k},
            "room": {"certificate": first.number, "outside": "it was not calibrated"},
        }
        code, out, _ = await terminal.run("instruments")
        assert f"calibration {first.number} was due on {calibration.due}" in out
        [listed] = await terminal.json("instruments")
        assert (listed["calibration"]["certificate"], listed["calibration"]["overdue"]) == (first.number, True)
    await issue(carla, record(0.001))
    code, out, err = await terminal.run("calibration", "history", BALANCE)
    assert (code, err) == (0, "")
    assert out.index("K-") < out.index(first.number), "the newest first"
    [row] = [line for line in out.split("\n\n")[0].splitlines() if line.split()[:2] == ["mass", "200"]]
    assert "1 mg" in row
    shown = await terminal.json("calibration", "history", BALANCE)
    assert [len(one["drift"]) > 0 for one in shown["calibrations"]] == [True, False]
    code, out, _ = await terminal.run("calibration", "history", "pi-1/other")
    assert (code, out) == (0, "pi-1/other was not calibrated yet: kleinmaelzung calibration list shows what was\n")
