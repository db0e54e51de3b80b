"""Bad commands to a whole agent, and bad bytes from its instruments: the answer, and somebody who watches goes on.

Sockets, gateway, broker, agent and ports are real; two thermometers count what they are told. docs/bad-inputs.md is the
whole list.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent import making
from kleinmaelzung_agent.commands import guards
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.lifetime import guarding_of, sampling_of
from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import access, frames, messages, topics
from tests import sockets
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.fakes_instruments import Pty, Thermometer
from tests.rude import LIMIT_S
from tests.running_agent import running
from tests.waiting import until

AGENT = '[agent]\nname = "pi-1"\nurl = "ws://unused"\nsecret = "unused"\ndata = "unused"\n'
INSTRUMENT = """
[instruments.{name}]
port = "{port}"
silent_after = "2s"
[instruments.{name}.channels.temperature]
[[instruments.{name}.poll]]
send = "T?"
every = "20ms"
timeout = "500ms"
reply = [{{ pattern = '(?P<temperature>[+-][0-9.]+|[+-]?(?:nan|inf)) C' }}]
[instruments.{name}.commands.set]
send = "SET {{value}}"
reply = [{{ pattern = 'OK (?P<value>[0-9.]+)' }}]
[instruments.{name}.commands.set.arguments.value]
type = "number"
unit = "°C"
minimum = 0
maximum = 100
[instruments.{name}.commands.steps]
send = "SET {{value}}"
[instruments.{name}.commands.steps.arguments.value]
type = "integer"
[instruments.{name}.commands.mode]
send = "SET {{value}}"
[instruments.{name}.commands.mode.arguments.value]
type = "choice"
choices = ["1", "2"]
[instruments.{name}.commands.name]
send = "NAME {{text}}"
[instruments.{name}.commands.name.arguments.text]
type = "text"
[instruments.{name}.commands.burn]
send = "SET {{value}}"
dangerous = true
reply = [{{ pattern = 'OK (?P<value>[0-9.]+)' }}]
[instruments.{name}.commands.burn.arguments.value]
type = "integer"
"""


class Laboratory:
    """Agent pi-1 with an oven that is watched and a bath that gets what is bad, and anna, who commands."""

    def __init__(self, oven: Thermometer, bath: Thermometer, watcher: sockets.Socket, anna: sockets.Socket) -> None:
        self.oven, self.bath, self.anna = oven, bath, anna
        self.made: dict[str, Instrument] = {}
        self._watcher = watcher
        self._number, self._value, self._question = 0, 0, 0

    @property
    def told(self) -> list[str]:
        """What the bath was told, without the questions."""
        return [asked for asked in self.bath.asked if not asked.endswith("?")]

    @property
    def counters(self) -> Counters:
        return self.made["bath"].counters

    async def send(self, name: str, arguments: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Command the bath as anna; the reply."""
        self._question += 1
        answer = await self.anna.ask("send", self._question, "pi-1/bath", name, arguments, options)
        assert answer[0] == "reply", answer
        reply: dict[str, Any] = answer[2]
        return reply

    async def still_streams(self) -> None:
        """The oven gets a temperature it never had, and frames come without a hole until one shows it."""
        self._value += 1
        self.oven.temperature = f"+{self._value}.5"
        async with asyncio.timeout(LIMIT_S):
            while True:
                _, _, payload = await self._watcher.expect("message", "pi-1/oven/data")
                frame = frames.decode(payload)
                assert self._number in (0, frame.number - 1), "a hole in the numbers"
                self._number = frame.number
                if self._value + 0.5 in frame.channels.get("temperature", []):
                    break
        assert not any(message[0] == "missed" for message in self._watcher.seen)
        self._watcher.seen.clear()


@contextmanager
def thermometers(directory: Path) -> Iterator[tuple[Thermometer, Thermometer]]:
    with Pty(directory / "oven") as first, Pty(directory / "bath") as second:
        yield Thermometer(first), Thermometer(second)


@pytest.fixture
async def laboratory(broker: TestBroker, gateway_url: str, tmp_path: Path) -> AsyncIterator[Laboratory]:
    """All of it, streaming; and streaming still when the test is over."""
    with thermometers(tmp_path) as (oven, bath):
        async with equipped(gateway_url, tmp_path, oven, bath) as made:
            await made.still_streams()
            await until(lambda: made.counters.values, "the bath is read as well")
            yield made
            await made.still_streams()


@asynccontextmanager
async def equipped(url: str, directory: Path, oven: Thermometer, bath: Thermometer) -> AsyncIterator[Laboratory]:
    path = directory / "agent.toml"
    parts = [INSTRUMENT.format(name=name, port=one.pty.port) for name, one in (("oven", oven), ("bath", bath))]
    path.write_text(AGENT + "".join(parts))
    path.chmod(0o600)
    wanted = config.load(path).instruments
    async with AsyncExitStack() as stack:
        watcher = await stack.enter_async_context(sockets.client(url, "otto", PASSWORD))
        anna = await stack.enter_async_context(sockets.client(url, "anna", PASSWORD))
        made = Laboratory(oven, bath, watcher, anna)

        def make(sink: Sink) -> dict[str, Instrument]:
            made.made = {name: making.make(name, one, sink) for name, one in wanted.items()}
            return made.made

        for one in (oven, bath):
            one.start().pty.plug()
        assert (await watcher.ask("watch", 1, "pi-1/oven/data"))[0] == "done"
        guarding = {name: guarding_of(one) for name, one in wanted.items()}
        sampling = {name: sampling_of(one) for name, one in wanted.items()}
        await stack.enter_async_context(
            running(
                *(url, directory / "data"),
                names=(),
                others=make,
                sampling=sampling,
                guarding=guarding,
                secret=AGENT_SECRET,
            )
        )
        yield made


# --- rows 22 and 23: what is commanded --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("explode", {}, "explode"),
        ("set", {}, '"value" is missing'),
        ("set", {"value": 1, "more": 2}, "unknown argument 'more'"),
        ("set", {"value": "12"}, "expected a number"),
        ("set", {"value": True}, "expected a number"),
        ("set", {"value": [1]}, ""),
        ("set", {"value": 100.1}, "expected 0 to 100 °C"),
        ("set", {"value": -0.1}, "expected 0 to 100 °C"),
        ("set", {"value": math.nan}, "expected 0 to 100 °C"),
        ("set", {"value": math.inf}, "expected 0 to 100 °C"),
        ("steps", {"value": 1.0}, "expected an integer"),
        ("mode", {"value": "3"}, "expected one of 1, 2"),
        ("name", {"text": "x" * 2000}, "allowed are 1024"),
        ("name", {"text": "a\r\nSET 9;"}, "control characters are not allowed"),
        ("name", {"text": "a\nSET 9"}, "control characters are not allowed"),
        ("name", {"text": "a\rSET 9"}, "control characters are not allowed"),
        ("name", {"text": "a\x00"}, "control characters are not allowed"),
        ("name", {"text": "a\x1b[2J"}, "control characters are not allowed"),
        ("name", {"text": "Ω"}, ""),
        ("_raw", {"text": "SET 9\\r\\n"}, "may not send raw bytes"),
    ],
    ids=[
        "not declared", "missing", "unknown", "text", "bool", "list", "too high", "too low", "NaN", "infinity", "float",
        "no choice", "too long", "CR LF", "LF", "CR", "NUL", "escape", "not in its encoding", "raw",
    ],
)  # fmt: skip
async def test_a_command_that_is_none_is_refused_and_nothing_is_sent(
    laboratory: Laboratory, name: str, arguments: dict[str, Any], reason: str
) -> None:
    reply = await laboratory.send(name, arguments)
    assert reply["result"] == ("not-permitted" if name == "_raw" else "refused")
    assert reason in reply["reason"]
    await laboratory.still_streams()
    assert (await laboratory.send("set", {"value": 7}))["result"] == "done"
    assert laboratory.told == ["SET 7.0"], "nothing else ever got to it"


# --- rows 24 and 25: twice, and late ----------------------------------------------------------------------------------


async def test_the_same_id_again_gets_the_first_answer_and_is_executed_once(laboratory: Laboratory) -> None:
    first = await laboratory.send("set", {"value": 7}, id="mine")
    assert first["result"] == "done"
    for value in (7, 8):
        again = await laboratory.send("set", {"value": value}, id="mine")
        assert (again["result"], again["values"], again["took_us"]) == ("done", {"value": 7.0}, first["took_us"])
    await laboratory.still_streams()
    assert laboratory.told == ["SET 7.0"]


async def test_a_command_for_an_earlier_connection_is_expired_at_once(
    broker: TestBroker, laboratory: Laboratory
) -> None:
    heard: list[messages.Reply] = []
    inbox = "kleinmaelzung/_client/anna/tool/inbox"
    tool = bus.connect(
        broker.stranger("anna"), client_id="x", on_message=lambda m: heard.append(messages.Reply.decode(m.payload))
    )
    async with tool as anna:
        await anna.subscribe(inbox)
        old = messages.Command(
            id="old",
            name="set",
            user="anna",
            arguments={"value": 9},
            timeout_us=5_000_000,
            sent=1,
            nonce="of-yesterday",
        )
        topic = topics.command("pi-1", "bath", "anna")
        await anna.publish(topic, old.encode(), response_topic=inbox, correlation=b"x")
        await until(lambda: heard, "an answer")
    assert (heard[0].id, heard[0].result) == ("old", "expired")
    await laboratory.still_streams()
    assert laboratory.told == []


async def test_a_command_whose_time_is_over_before_its_turn_is_never_sent(laboratory: Laboratory) -> None:
    laboratory.bath.is_silent = True
    await laboratory.anna.send("send", 50, "pi-1/bath", "set", {"value": 1}, {"timeout": 20})
    await until(lambda: laboratory.told, "the port is busy with it")
    await laboratory.anna.send("send", 51, "pi-1/bath", "set", {"value": 2}, {"timeout": 0.2})
    assert (await laboratory.anna.expect("reply", 51))[2]["result"] == "expired"
    laboratory.bath.is_silent = False
    await laboratory.anna.expect("reply", 50)
    assert (await laboratory.send("set", {"value": 3}))["result"] == "done"
    assert laboratory.told == ["SET 1.0", "SET 3.0"]


async def test_a_command_for_an_agent_that_is_away_is_offline_at_once(laboratory: Laboratory) -> None:
    answer = await laboratory.anna.ask("send", 99, "pi-2/bath", "set", {"value": 9}, {"timeout": 3000})
    assert answer[2]["result"] == "offline"
    await laboratory.still_streams()


# --- rows 26 and 27: who commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["otto", "nele"], ids=["a viewer", "an operator of the oven"])
async def test_who_may_not_is_told_so_and_nothing_is_sent(
    broker: TestBroker, gateway_url: str, laboratory: Laboratory, who: str
) -> None:
    await broker.manage(access.add_user("nele", PASSWORD, "operator", ("pi-1/oven",)))
    async with sockets.client(gateway_url, who, PASSWORD) as person:
        answer = await person.ask("send", 1, "pi-1/bath", "set", {"value": 9})
        assert answer[2]["result"] == "not-permitted"
    await laboratory.still_streams()
    assert laboratory.told == []


async def test_a_dangerous_command_needs_its_own_arming_by_the_same_person(
    broker: TestBroker, gateway_url: str, laboratory: Laboratory
) -> None:
    burn = {"value": 1}
    assert (await laboratory.send("burn", burn))["reason"].startswith("not armed")
    assert (await laboratory.send("_arm", {"name": "burn", "arguments": burn}))["result"] == "done"
    await broker.manage(access.add_user("nele", PASSWORD, "operator"))
    async with sockets.client(gateway_url, "nele", PASSWORD) as other:
        answer = await other.ask("send", 1, "pi-1/bath", "burn", burn)
        assert answer[2]["reason"].startswith("not armed")
    assert laboratory.told == []
    assert (await laboratory.send("burn", burn))["result"] == "done"
    await laboratory.send("_arm", {"name": "burn", "arguments": burn})
    assert (await laboratory.send("burn", {"value": 2}))["reason"].startswith("not armed")
    await laboratory.still_streams()
    assert laboratory.told == ["SET 1"]


async def test_armed_too_long_ago_is_not_armed(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "ARMED_S", 0.0)
    burn = {"value": 1}
    assert (await laboratory.send("_arm", {"name": "burn", "arguments": burn}))["result"] == "done"
    assert (await laboratory.send("burn", burn))["reason"].startswith("not armed")
    assert laboratory.told == []


# --- rows 15, 20 and 38: what an instrument says ----------------------------------------------------------------------


@pytest.mark.parametrize("word", ["nan", "+nan", "inf", "-inf"])
async def test_an_instrument_that_says_nan_gets_no_value_and_is_counted(laboratory: Laboratory, word: str) -> None:
    laboratory.bath.temperature = word
    before = laboratory.counters.rejected_lines
    await until(lambda: laboratory.counters.rejected_lines > before + 2, "it is counted")
    await laboratory.still_streams()
    laboratory.bath.temperature = "+1.0"
    values = laboratory.counters.values
    await until(lambda: laboratory.counters.values > values, "it is read again")


@pytest.mark.parametrize(
    ("said", "counted", "times"),
    [
        (b"+\xff\xfe1.0 C\r\n", "undecodable", 1),
        (b"+\xed\xa0\x801.0 C\r\n", "undecodable", 1),
        (b"+1\x00.0 C\r\n", "undecodable", 1),
        (b"one C\n\r\n\r\rtwo C\rthree C\nfour C\r\n", "rejected_lines", 4),
    ],
    ids=["not UTF-8", "half a surrogate pair", "NUL", "mixed line ends"],
)
async def test_a_line_that_is_no_text_is_counted_and_the_next_is_read(
    laboratory: Laboratory, said: bytes, counted: str, times: int
) -> None:
    before, values = getattr(laboratory.counters, counted), laboratory.counters.values
    laboratory.bath.pty.say(b"\r\n" + said)
    await until(lambda: getattr(laboratory.counters, counted) == before + times, "each line is counted")
    await until(lambda: laboratory.counters.values > values + 2, "it is read again")


@pytest.mark.parametrize("content", [b"x" * 65536, b"\0" * 65536], ids=["letters", "NULs"])
async def test_ten_megabytes_without_a_line_end_cost_one_line(laboratory: Laboratory, content: bytes) -> None:
    laboratory.bath.is_silent = True
    counters = laboratory.counters
    long, values = counters.too_long, counters.values
    with laboratory.bath.pty.flood(content) as sent:
        while sent[0] < 10_000_000:
            await laboratory.still_streams()
    assert counters.too_long > long
    assert counters.values == values
    laboratory.bath.is_silent = False
    await until(lambda: counters.values > values + 2, "it is read again")
