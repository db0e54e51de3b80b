"""Commands people can trust: a whole agent, a gateway of our own making, and an instrument that counts what it does."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent import clock, making
from kleinmaelzung_agent.commands import command_file, presence
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.lifetime import guarding_of, sampling_of
from kleinmaelzung_wire import codec, messages
from kleinmaelzung_wire.descriptions import Description
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Control
from tests.fakes_gateway import SECRET, FakeGateway, command
from tests.fakes_instruments import Pty, Thermometer
from tests.integration.test_agent_gaps import process
from tests.running_agent import Running, running
from tests.waiting import until

OVEN = """
[agent]
name = "pi-1"
url = "{url}"
secret = "{secret}"
data = "data"
[instruments.oven]
port = "{port}"
silent_after = "2s"
safe_after = "1s"
safe_command = "off"
{more}
[instruments.oven.channels.temperature]
[[instruments.oven.poll]]
send = "T?"
every = "20ms"
timeout = "500ms"
reply = [{{ pattern = '(?P<temperature>[+-][0-9.]+) C' }}]
[instruments.oven.commands.set]
send = "SET {{value}}"
timeout = "1s"
reply = [{{ pattern = 'OK (?P<value>[0-9.]+)' }}]
interlock = ["temperature < 80"]
[instruments.oven.commands.set.arguments.value]
type = "number"
[instruments.oven.commands.name]
send = "NAME {{text}}"
[instruments.oven.commands.name.arguments.text]
type = "text"
[instruments.oven.commands.burn]
send = "SET {{value}}"
dangerous = true
reply = [{{ pattern = 'OK (?P<value>[0-9.]+)' }}]
[instruments.oven.commands.burn.arguments.value]
type = "integer"
[instruments.oven.commands.burst]
send = "SET {{value}}"
reply = [{{ pattern = 'OK (?P<value>[0-9.]+)' }}]
[instruments.oven.commands.burst.arguments.value]
type = "integer"
[instruments.oven.commands.off]
send = "SET 0"
reply = [{{ pattern = 'OK (?P<value>[0-9.]+)' }}]
"""


@pytest.fixture
def oven(tmp_path: Path) -> Iterator[Thermometer]:
    with Pty(tmp_path / "tty") as terminal:
        yield Thermometer(terminal)


def written(directory: Path, url: str, oven: Thermometer, more: str = "") -> Path:
    path = directory / "agent.toml"
    path.write_text(OVEN.format(url=url, secret=SECRET, port=oven.pty.port, more=more))
    path.chmod(0o600)
    return path


@asynccontextmanager
async def heated(
    gateway: FakeGateway, directory: Path, oven: Thermometer, more: str = "", data: str = "data"
) -> AsyncIterator[Running]:
    """The agent of that configuration in this process, with the oven's first reading taken."""
    wanted = config.load(written(directory, gateway.url, oven, more)).instruments

    def make(sink: Sink) -> dict[str, Instrument]:
        return {name: making.make(name, one, sink) for name, one in wanted.items()}

    oven.start()
    if oven.pty.master < 0:
        oven.pty.plug()
    guarding = {name: guarding_of(one) for name, one in wanted.items()}
    sampling = {name: sampling_of(one) for name, one in wanted.items()}
    known, before = gateway.connections, len(temperatures(gateway))
    async with running(
        gateway.url, directory / data, names=(), others=make, sampling=sampling, guarding=guarding
    ) as made:
        await until(lambda: gateway.connections > known and gateway.status(), "connected")
        await until(lambda: len(temperatures(gateway)) > before, "a reading")
        yield made


def temperatures(gateway: FakeGateway) -> list[Value]:
    return [value for frame in gateway.kinds["data"] for value in frame.channels.get("temperature", [])]


def executed(oven: Thermometer) -> list[str]:
    """What it was told, without the questions."""
    return [asked for asked in oven.asked if not asked.endswith("?")]


def nonce(gateway: FakeGateway) -> str:
    status = gateway.status()
    assert status is not None
    return status.nonce


def results(gateway: FakeGateway) -> list[tuple[str, str]]:
    return [(record["name"], record["result"]) for record in gateway.records("oven")]


async def test_everybody_is_told_what_stands_before_each_command(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        await until(lambda: gateway.published["oven/description"], "a description")
        described = Description.decode(gateway.published["oven/description"][-1])
        commands = {command.name: command for command in described.commands}
        assert commands["set"].interlocks == ["temperature < 80"]
        assert [name for name, command in commands.items() if command.dangerous] == ["burn"]
        assert [name for name, command in commands.items() if command.safe] == ["off"]
        assert commands["off"].interlocks == []


# --- at most once, never late ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["agent.command_begun", "agent.command_executed", "agent.command_ended"])
async def test_killed_at_any_moment_of_a_command_it_is_executed_once_at_most_and_recorded_once(
    tmp_path: Path, oven: Thermometer, place: str
) -> None:
    oven.start().pty.plug()
    async with FakeGateway() as gateway:
        path = written(tmp_path, gateway.url, oven)
        async with process(path, place) as killed:
            await until(lambda: gateway.kinds["data"], "a reading")
            await gateway.command("oven", command("c1", "off").encode())
            assert await killed.wait() < 0
        assert gateway.replies == []
        told = executed(oven)
        assert told == ([] if place == "agent.command_begun" else ["SET 0"])
        async with process(path):
            await until(lambda: gateway.is_connected and gateway.records("oven"), "its record")
            reply = await gateway.asked("oven", "off", id_="c1", nonce=nonce(gateway))
            assert reply.result == ("done" if place == "agent.command_ended" else "lost")
            if reply.result == "lost":
                assert reply.reason == "it was begun before the agent ended; whether it was executed is not known"
            again = await gateway.asked("oven", "off", id_="c1")
            assert again == reply
            await gateway.asked("oven", "off", id_="c2")
            await until(lambda: len(gateway.records("oven")) == 2, "the next record")
        assert executed(oven) == [*told, "SET 0"]
        first, second = gateway.records("oven")
        assert (first["id"], first["result"]) == ("c1", reply.result)
        assert (second["id"], second["result"]) == ("c2", "done")
        assert gateway.conflicts == []


async def test_a_command_that_was_under_way_for_longer_than_its_timeout_is_not_executed(
    tmp_path: Path, oven: Thermometer
) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        await until(lambda: len(gateway.beats) > 1, "its clock is told again and again")
        assert gateway.beats == sorted(set(gateway.beats))
        newest, now_ms = gateway.beats[-1], clock.boottime_ns() // 1_000_000
        assert newest <= now_ms
        assert (await gateway.asked("oven", "off", beat=now_ms)).result == "done"
        late = await gateway.asked("oven", "off", beat=now_ms - 8_000, timeout_s=1)
        assert late.result == "expired"
        assert late.reason.startswith("it was under way for 8.")
        assert (await gateway.asked("oven", "off", beat=now_ms - 8_000, timeout_s=600)).result == "done"
        assert (await gateway.asked("oven", "off", beat=now_ms + 3_600_000)).result == "expired", "another clock"
        assert executed(oven) == ["SET 0", "SET 0"]


async def test_over_kills_at_random_moments_ledger_instrument_and_answers_agree(
    tmp_path: Path, oven: Thermometer
) -> None:
    dice = random.Random(20261123)
    oven.start().pty.plug()
    async with FakeGateway() as gateway:
        path, count = written(tmp_path, gateway.url, oven), 0
        for _ in range(6):
            async with process(path) as killed:
                known = len(temperatures(gateway))
                await until(lambda: len(temperatures(gateway)) > known, "a reading")  # noqa: B023
                for _ in range(dice.randrange(5, 25)):
                    count += 1
                    sent = command(f"c{count}", "burst")
                    sent = replace(sent, arguments={"value": count})
                    await gateway.command("oven", sent.encode(), sent.id.encode())
                    await asyncio.sleep(dice.uniform(0, 0.004))
                killed.kill()
                await killed.wait()
        async with process(path):
            known = len(temperatures(gateway))
            await until(lambda: len(temperatures(gateway)) > known, "a reading")
            answers = {f"c{n}": await gateway.asked("oven", "off", id_=f"c{n}") for n in range(1, count + 1)}
            await until(lambda: len({r["id"] for r in gateway.records("oven")}) == count, "all on record")
    told = Counter(asked for asked in oven.asked if asked.startswith("SET ") and asked != "SET 0")
    assert max(told.values()) == 1, "each at most once"
    by_result = Counter(reply.result for reply in answers.values())
    assert by_result["done"] > 20
    recorded = Counter(record["id"] for record in gateway.records("oven"))
    assert max(recorded.values()) == 1, "each is recorded once"
    for record in gateway.records("oven"):
        was_asked_late = answers[record["id"]].name == "off"  # it never reached the agent before it was killed
        assert record["result"] == answers[record["id"]].result
        if not was_asked_late:
            was_executed = told[f"SET {record['arguments']['value']}"] == 1
            assert was_executed or record["result"] != "done"
            assert not was_executed or record["result"] in ("done", "lost", "timeout")
    assert gateway.conflicts == []


async def test_an_id_is_known_after_the_agent_ended_in_order(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway:
        async with heated(gateway, tmp_path, oven):
            first = await gateway.asked("oven", "set", {"value": 7}, id_="c1")
            refused = await gateway.asked("oven", "set", {"value": "x"}, id_="c2")
        async with heated(gateway, tmp_path, oven):
            assert await gateway.asked("oven", "set", {"value": 7}, id_="c1") == first
            assert await gateway.asked("oven", "set", {"value": 7}, id_="c2") == refused
            other = await gateway.asked("oven", "set", {"value": 8}, id_="c1", user="otto")
            assert other.result == "done"
        assert executed(oven) == ["SET 7.0", "SET 8.0"]
        assert results(gateway) == [("set", "done"), ("set", "refused"), ("set", "done")]


async def test_a_command_for_an_earlier_connection_is_expired(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        old = nonce(gateway)
        assert (await gateway.asked("oven", "off", nonce=old)).result == "done"
        gateway.cut()
        await until(lambda: gateway.is_connected and nonce(gateway) != old, "another nonce")
        late = await gateway.asked("oven", "off", nonce=old)
        assert (late.result, late.reason) == (
            "expired",
            "made for an earlier connection of the agent: nothing was sent",
        )
        assert (await gateway.asked("oven", "off", nonce=nonce(gateway))).result == "done"
        assert executed(oven) == ["SET 0", "SET 0"]
        await until(lambda: len(gateway.records("oven")) == 3, "all on record")
        assert results(gateway) == [("off", "done"), ("off", "expired"), ("off", "done")]


async def test_without_room_for_its_id_a_command_is_refused_and_readings_go_on(
    tmp_path: Path, oven: Thermometer
) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        file = tmp_path / "data" / command_file.FILE_NAME
        file.unlink(missing_ok=True)
        file.symlink_to("/dev/full")  # what a full disk answers
        reply = await gateway.asked("oven", "off")
        assert reply.result == "refused"
        assert "its id cannot be kept (No space left on device)" in reply.reason
        count = len(gateway.kinds["data"])
        await until(lambda: len(gateway.kinds["data"]) > count + 3, "readings")
        assert executed(oven) == []
        file.unlink()
        assert (await gateway.asked("oven", "off")).result == "done"
        await until(lambda: len(gateway.records("oven")) == 2, "both on record")


async def test_a_refusal_is_answered_at_once_and_on_record_when_the_next_run_would_know_it_too(
    tmp_path: Path, oven: Thermometer
) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        file = tmp_path / "data" / command_file.FILE_NAME
        file.unlink(missing_ok=True)
        os.mkfifo(file)  # a disk that stands still: nobody reads
        refused = await gateway.asked("oven", "set", {"value": "x"}, id_="c1")
        assert refused.result == "refused"
        assert await gateway.asked("oven", "set", {"value": 7}, id_="c1") == refused, "known to this run"
        count = len(gateway.kinds["data"])
        await until(lambda: len(gateway.kinds["data"]) > count + 3, "readings that were taken later")
        assert gateway.records("oven") == []
        reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        await until(lambda: gateway.records("oven"), "its record")
        os.close(reader)
        assert results(gateway) == [("set", "refused")]


# --- replies and records --------------------------------------------------------------------------------------------


async def test_a_timeout_says_what_was_sent_and_what_came(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        oven.is_silent = True
        silent = await gateway.asked("oven", "set", {"value": 7})
        assert (silent.result, silent.bytes_out, silent.bytes_in) == ("timeout", b"SET 7.0\r\n", b"")
        assert silent.reason == "the instrument did not answer within 1s: nothing came"
        assert silent.took_us >= 1_000_000
        await until(lambda: gateway.records("oven"), "its record")
        record = gateway.records("oven")[0]
        assert (record["bytes_out"], record["bytes_in"], record["took_us"]) == (b"SET 7.0\r\n", b"", silent.took_us)


async def test_each_command_leaves_one_record_whatever_became_of_it(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        done = await gateway.asked("oven", "set", {"value": 7}, session="s7")
        wrong: list[tuple[str, dict[str, Any]]] = [("nonsense", {}), ("set", {}), ("set", {"value": [[1]]})]
        for name, arguments in [*wrong, ("burn", {"value": 1})]:
            assert (await gateway.asked("oven", name, arguments)).result == "refused"
        await gateway.command("oven", codec.pack({"v": 1, "id": "bad", "name": "No!"}))
        await gateway.command("oven", b"\xff")
        await until(lambda: len(gateway.records("oven")) == 7, "all on record")
        first, *refused = gateway.records("oven")
        assert first == {
            "kind": "command",
            "id": done.id,
            "name": "set",
            "user": "anna",
            "origin": "s7",
            "arguments": {"value": 7},
            "result": "done",
            "reason": "",
            "values": {"value": 7.0},
            "bytes_out": b"SET 7.0\r\n",
            "bytes_in": b"OK 7.0\r\n",
            "took_us": done.took_us,
            "received": first["received"],
            "time": done.time,
        }
        assert first["received"] <= done.time
        assert {record["result"] for record in refused} == {"refused"}
        assert all(record["user"] == "anna" and record["reason"] for record in refused)
        assert refused[2]["arguments"] == {"value": "[[1]]"}
        assert [record["id"] for record in refused[-2:]] == ["bad", ""]
        assert executed(oven) == ["SET 7.0"]


async def test_an_answer_goes_to_an_inbox_of_the_same_user_only(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        options = {"response": "kleinmaelzung/_client/otto/s1/inbox", "correlation": b"x"}
        await gateway._send(["message", "oven/command/anna", command("c1", "off").encode(), options])
        await until(lambda: gateway.replies, "a reply")
        reply, sent = gateway.replies[0]
        assert (reply.user, reply.result, sent) == ("anna", "done", {})


# --- guards ---------------------------------------------------------------------------------------------------------


async def test_an_interlock_forbids_what_is_too_hot_or_not_known(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        assert (await gateway.asked("oven", "set", {"value": 1})).result == "done"
        oven.temperature = "+80.5"
        await until(lambda: temperatures(gateway)[-1] == 80.5, "it is hot")
        hot = await gateway.asked("oven", "set", {"value": 2})
        assert (hot.result, hot.reason) == ("refused", "interlock 'temperature < 80': temperature is 80.5")
        assert executed(oven) == ["SET 1.0"]


async def test_an_old_value_closes_the_interlock(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway:
        text = OVEN.replace('"temperature < 80"]', '"temperature < 80"]\nmax_age = "300ms"')
        path = tmp_path / "agent.toml"
        path.write_text(text.format(url=gateway.url, secret=SECRET, port=oven.pty.port, more=""))
        path.chmod(0o600)
        oven.start().pty.plug()
        async with process(path):
            await until(lambda: gateway.kinds["data"], "a reading")
            oven.pty.unplug()
            async with asyncio.timeout(20):
                while (
                    "old, allowed are 300ms" not in (reply := await gateway.asked("oven", "set", {"value": 1})).reason
                ):
                    assert reply.result == "refused"
        assert executed(oven) == []


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\0b", "a\x1bb", "a\r\nSET 9", "a\x85b", "a\u2028b"])
async def test_no_control_character_gets_through_an_argument(tmp_path: Path, oven: Thermometer, text: str) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        reply = await gateway.asked("oven", "name", {"text": text})
        assert reply.result == "refused"
        assert "control characters are not allowed" in reply.reason
        await until(lambda: gateway.records("oven"), "its record")
        assert executed(oven) == []


async def test_a_dangerous_command_is_armed_by_the_same_user_and_session(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):

        async def burn(value: int, **who: Any) -> messages.Reply:
            return await gateway.asked("oven", "burn", {"value": value}, **who)

        async def arm(value: Any, **who: Any) -> messages.Reply:
            return await gateway.asked("oven", "_arm", {"name": "burn", "arguments": {"value": value}}, **who)

        refused = await burn(1)
        assert refused.reason.startswith('not armed: this command is dangerous. Send "_arm"')
        assert (await arm("x")).reason == "argument \"value\" is 'x', expected an integer"
        assert (await arm(1)).result == "done"
        assert (await burn(1, user="otto")).result == "refused"
        assert (await burn(1, session="s2")).result == "refused"
        assert (await burn(1)).result == "done"
        assert (await burn(1)).result == "refused", "each one needs its own"
        await arm(1)
        assert (await burn(2)).result == "refused", "another argument"
        assert (await gateway.asked("oven", "_arm", {"name": "off"})).result == "refused"
        assert (await gateway.asked("oven", "_arm", {"burn": 1})).result == "refused"
        assert executed(oven) == ["SET 1"]


async def test_raw_bytes_are_off_unless_allowed_and_have_a_topic_of_their_own(
    tmp_path: Path, oven: Thermometer
) -> None:
    async with FakeGateway() as gateway:
        async with heated(gateway, tmp_path, oven):
            off = await gateway.asked("oven", "_raw", {"text": "ID?\\r\\n"}, kind="raw")
            assert (off.result, "allow_raw = true" in off.reason) == ("refused", True)
        async with heated(gateway, tmp_path, oven, more="allow_raw = true"):
            wrong = await gateway.asked("oven", "_raw", {"text": "ID?\\r\\n"})
            assert wrong.result == "not-permitted"
            assert (await gateway.asked("oven", "off", kind="raw")).result == "not-permitted"
            for arguments in ({"text": "ID?\\r\\n"}, {"hex": "49443f0d0a"}, {"bytes": b"ID?\r\n"}):
                reply = await gateway.asked("oven", "_raw", arguments, kind="raw")
                assert (reply.result, reply.bytes_out, reply.bytes_in) == ("done", b"ID?\r\n", b"THERMO 1\r\n")
            assert (await gateway.asked("oven", "off")).result == "done", "what raw bytes left does not answer it"
        assert oven.asked.count("ID?") == 3
        await until(lambda: len(gateway.records("oven")) == 7, "all on record")
        assert gateway.records("oven")[-2]["arguments"] == {"bytes": b"ID?\r\n"}


# --- leases ---------------------------------------------------------------------------------------------------------


async def test_who_holds_an_instrument_commands_it_alone(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        await until(lambda: gateway.published["oven/control"], "it is said who holds it")
        assert gateway.control("oven").user == ""
        assert (await gateway.asked("oven", "off", user="otto")).result == "done", "nobody holds it"
        taken = await gateway.asked("oven", "_take", {"duration_s": 60})
        assert taken.result == "done"
        await until(lambda: gateway.control("oven").user == "anna", "everybody is told")
        control = gateway.control("oven")
        assert (control.session, control.until - control.since) == ("s1", 60_000_000)
        assert (await gateway.asked("oven", "off")).result == "done"
        for name, arguments in [("off", {}), ("_take", {}), ("_release", {}), ("_arm", {"name": "burn"})]:
            refused = await gateway.asked("oven", name, arguments, user="otto")
            assert refused.result == "refused"
            assert refused.reason.startswith("held by anna until ")
            assert refused.reason.endswith("Z")
        forced = await gateway.asked("oven", "_take", {"force": True}, user="otto")
        assert (forced.result, forced.reason) == ("done", "taken over from anna")
        assert (await gateway.asked("oven", "off")).reason.startswith("held by otto until ")
        assert (await gateway.asked("oven", "_release", user="otto")).result == "done"
        await until(lambda: gateway.control("oven").user == "", "everybody is told")
        assert (await gateway.asked("oven", "off")).result == "done"
        assert (await gateway.asked("oven", "_take", {"duration_s": 3601})).result == "refused"
        await until(lambda: len(gateway.records("oven")) == 12, "all on record")
        assert "taken over from anna" in [record["reason"] for record in gateway.records("oven")]


async def test_a_lease_ends_by_its_time(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        await gateway.asked("oven", "_take", {"duration_s": 1})
        await until(lambda: gateway.control("oven").user == "anna", "taken")
        await until(lambda: gateway.control("oven").user == "", "its time is up")
        assert (await gateway.asked("oven", "off", user="otto")).result == "done"
        await until(lambda: len(gateway.records("oven")) == 3, "all on record")
        ended = gateway.records("oven")[1]
        assert (ended["name"], ended["user"], ended["reason"]) == ("_release", "agent", "the time was up")
        assert executed(oven) == ["SET 0"], "no safe command: nobody's connection was lost"


async def test_the_safe_command_is_sent_when_the_holders_connection_ends(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        await gateway.session("anna", "s1", is_there=True)
        await gateway.asked("oven", "_take")
        await gateway.session("otto", "s1", is_there=False)
        await gateway.asked("oven", "set", {"value": 5})
        assert executed(oven) == ["SET 5.0"]
        await gateway.session("anna", "s1", is_there=False)
        await until(lambda: executed(oven) == ["SET 5.0", "SET 0"], "the safe command")
        await until(lambda: gateway.control("oven").user == "", "nobody holds it")
        await until(lambda: len(gateway.records("oven")) == 4, "all on record")
        released, safe = gateway.records("oven")[2:]
        assert (released["name"], released["user"]) == ("_release", "agent")
        assert (safe["name"], safe["user"], safe["result"]) == ("off", "agent", "done")
        assert safe["reason"] == "the connection of anna, who held it, ended"


async def test_the_safe_command_is_sent_without_a_gateway_and_recorded_later(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven):
        await gateway.asked("oven", "_take")
        await gateway.asked("oven", "set", {"value": 5})
        await gateway.stop()
        await until(lambda: executed(oven) == ["SET 5.0", "SET 0"], "the safe command")
        await gateway.start()
        await until(lambda: len(gateway.records("oven")) == 4, "all on record")
        assert gateway.records("oven")[-1]["reason"].startswith("anna held it, and the gateway was away for 1s")
        await until(lambda: gateway.control("oven").user == "", "nobody holds it")


async def test_killed_while_it_is_held_the_agent_makes_safe_what_its_holder_has_left(
    tmp_path: Path, oven: Thermometer
) -> None:
    oven.start().pty.plug()
    async with FakeGateway() as gateway:
        path = written(tmp_path, gateway.url, oven)
        async with process(path) as killed:
            await until(lambda: gateway.kinds["data"], "a reading")
            await gateway.session("anna", "s1", is_there=True)
            assert (await gateway.asked("oven", "_take")).result == "done"
            await gateway.asked("oven", "set", {"value": 5})
            killed.kill()
            await killed.wait()
        async with process(path):
            await until(lambda: executed(oven) == ["SET 5.0", "SET 0"], "the safe command")
            await until(lambda: gateway.control("oven").user == "", "nobody holds it")
            await until(lambda: len(gateway.records("oven")) == 4, "all on record")
            assert gateway.records("oven")[-1]["reason"] == "the connection of anna, who held it, ended"


async def test_a_lease_goes_on_over_the_end_of_the_agent_while_its_holder_is_there(
    tmp_path: Path, oven: Thermometer
) -> None:
    async with FakeGateway() as gateway:
        async with heated(gateway, tmp_path, oven):
            await gateway.session("anna", "s1", is_there=True)
            until_us = (await gateway.asked("oven", "_take", {"duration_s": 1000})).values["until"]
        gateway.published.clear()
        async with heated(gateway, tmp_path, oven) as made:
            await gateway.session("anna", "s1", is_there=True)
            await until(lambda: gateway.published["oven/control"], "it is said who holds it")
            control = gateway.control("oven")
            assert (control.user, control.session) == ("anna", "s1")
            assert abs(control.until - int(str(until_us))) < 1000
            assert (await gateway.asked("oven", "off", user="otto")).reason.startswith("held by anna until ")
            leases = made.agent._commands.leases if made.agent._commands else None
            assert leases is not None
            leases.look(time.monotonic() + presence.ALL_TOLD_S)
            assert (await gateway.asked("oven", "set", {"value": 5})).result == "done"
            assert (await gateway.asked("oven", "_release")).result == "done"
        gateway.published.clear()
        async with heated(gateway, tmp_path, oven):
            await until(lambda: gateway.published["oven/control"], "it is said who holds it")
            assert [Control.decode(said).user for said in gateway.published["oven/control"]] == [""]
        assert executed(oven) == ["SET 5.0"]


async def test_without_a_holder_nothing_is_sent_when_the_gateway_is_away(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway, heated(gateway, tmp_path, oven) as made:
        await gateway.asked("oven", "_take")
        await gateway.asked("oven", "_release")
        await gateway.stop()
        leases = made.agent._commands.leases if made.agent._commands else None
        assert leases is not None
        await until(lambda: leases._away_since_s is not None, "away")
        assert leases._away_since_s is not None
        leases.look(leases._away_since_s + 1000)
        assert executed(oven) == []


async def test_many_commands_are_kept_within_bounds(tmp_path: Path, oven: Thermometer) -> None:
    async with FakeGateway() as gateway:
        async with heated(gateway, tmp_path, oven):
            for count in range(60):
                await gateway.asked("oven", "off", id_=f"c{count}")
            assert len(executed(oven)) == 60
        async with heated(gateway, tmp_path, oven):
            before = os.stat(tmp_path / "data" / command_file.FILE_NAME).st_size
            for count in range(60):
                assert (await gateway.asked("oven", "off", id_=f"c{count}")).result == "done"
            assert os.stat(tmp_path / "data" / command_file.FILE_NAME).st_size == before
        assert len(executed(oven)) == 60
        assert [record["id"] for record in gateway.records("oven")] == [f"c{count}" for count in range(60)]
