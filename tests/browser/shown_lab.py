"""A micro-malting laboratory at work, for pictures of the page: scripts/demo's instruments, others as their profiles
simulate them, a kiln with three weeks in the log, and what people did with them."""

import asyncio
import contextlib
import math
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final, Never

import kleinmaelzung
from kleinmaelzung_local import demo
from kleinmaelzung_wire import access, gaps
from kleinmaelzung_wire.descriptions import Argument, Channel, CommandDescription
from kleinmaelzung_wire.frames import Value
from tests.brokers import PASSWORD
from tests.told_agents import ToldAgent, now_us, told_agent
from tests.whole import Whole, whole_system

# name, profile, label, and lines of its own
SIMULATED: Final = (
    ("steep", "julabo", "Steeping bath", ""),
    ("germination", "vaisala-hmt", "Germination box 1, air", ""),
    ("chamber", "binder-mk", "Germination chamber", "[{at}.channels.temperature.alarm]\nhigh_warning = 20\n"),
    ("mill", "kern-kcp", "Balance at the mill", ""),
    ("meter", "scpi-multimeter", "Multimeter", ""),
    ("moisture", "sartorius-ma", "Moisture analyser", ""),
)
GONE: Final = '[instruments.scale]\nprofile = "kern-kcp"\nlabel = "Balance in the store"\nport = "/dev/ttyUSB3"\n'

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
DAYS: Final = 21
STEP_US: Final = 5_000_000
SELDOM_US: Final = MINUTE_US  # longer ago than a day
LOST_US: Final = (32 * HOUR_US, 30 * HOUR_US)
OF_A_FRAME: Final = 2000
KILN: Final = (
    Channel(name="air_on", unit="°C", label="Air on"),
    Channel(name="air_off", unit="°C", label="Air off"),
    Channel(name="humidity", unit="%", label="Humidity off"),
    Channel(name="fan", unit="", label="Fan"),
)
BOX: Final = (
    Channel(name="temperature", unit="°C", label="Temperature"),
    Channel(name="humidity", unit="%", label="Humidity"),
)
CHANNELS: Final = {"kiln": KILN, "box": BOX}
COMMANDS: Final = (
    CommandDescription(
        name="air_on",
        label="Set the temperature of the air",
        dangerous=True,
        interlocks=["humidity < 60 or air_on < 60"],
        arguments=[
            Argument(name="temperature", type="number", unit="°C", minimum=20, maximum=105, default=55.0),
            Argument(name="ramp", type="number", unit="K/h", minimum=1, maximum=20, default=5.0),
        ],
    ),
    CommandDescription(
        name="fan",
        label="Set the fan",
        arguments=[Argument(name="speed", type="choice", choices=["low", "medium", "high"])],
    ),
    CommandDescription(name="turn", label="Turn the malt"),
    CommandDescription(name="cool", label="Stop heating, fan on", safe=True),
)


def kiln_at(time_us: int) -> dict[str, Value]:
    """Two days a batch: withering at 50 °C, then curing up to 85 °C, then cooling and loading."""
    hours = (time_us / HOUR_US) % 48
    if hours < 26:
        on, humidity = 50 + hours * 0.4, 95 - hours * 0.8
    elif hours < 40:
        on, humidity = min(60 + (hours - 26) * 3, 85), max(74 - (hours - 26) * 6, 6)
    else:
        on, humidity = max(85 - (hours - 40) * 12, 22), min(6 + (hours - 40) * 5, 45)
    minutes = time_us / MINUTE_US
    on += 0.8 * math.sin(minutes / 9) + 0.3 * math.sin(minutes / 2.3) + 0.1 * math.sin(minutes * 7)
    off = 24 + (on - 24) * max(0.15, 1 - humidity / 105) + 0.2 * math.sin(minutes / 4)
    return {
        "air_on": round(on, 1),
        "air_off": round(off, 1),
        "humidity": round(humidity + math.sin(minutes / 5) + 0.2 * math.sin(minutes * 3), 1),
        "fan": hours < 46,
    }


def box_at(time_us: int) -> dict[str, Value]:
    """A germination box that is opened each morning to turn the malt."""
    hours = time_us / HOUR_US
    opened = math.exp(-((hours - 7) % 24) * 2)
    return {
        "temperature": round(15 + 1.2 * math.sin(hours / 3.8) + 0.3 * math.sin(hours * 5) + 4 * opened, 2),
        "humidity": round(93 + 2 * math.sin(hours / 2.9) - 25 * opened, 1),
    }


VALUES: Final = {"kiln": kiln_at, "box": box_at}


@asynccontextmanager
async def shown_lab(directory: Path) -> AsyncIterator[Whole]:
    """It goes on measuring as long as the context lasts."""
    async with contextlib.AsyncExitStack() as stack:
        whole = await stack.enter_async_context(whole_system(directory))
        (directory / "demo").mkdir()  # the other agent has this one
        agent, instruments = await demo.start_agent(whole.lab, whole.running, directory / "demo")
        stack.push_async_callback(instruments.stop)
        stack.push_async_callback(agent.stop)
        tables = [await stack.enter_async_context(_simulated(directory, *each)) for each in SIMULATED]
        await whole.start_agent(*tables, GONE)
        await _away(whole)
        malting = await stack.enter_async_context(told_agent(whole.running.url, whole.lab, "malting", epoch=9))
        await _build(malting)
        living = asyncio.create_task(_live(malting), name="malting")
        stack.callback(living.cancel)
        await whole.until_state("pi-1/chamber", "connected")
        await _work(whole)
        anna = await stack.enter_async_context(kleinmaelzung.connect(whole.running.url, user="anna", password=PASSWORD))
        await stack.enter_async_context(anna.control("pi-1/steep", duration_s=3600))
        yield whole


@asynccontextmanager
async def _simulated(directory: Path, name: str, profile: str, label: str, own: str) -> AsyncIterator[str]:
    """The table of agent.toml for a simulated instrument."""
    link = directory / f"tty-{name}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kleinmaelzung_agent", "simulate", profile, "--pty", str(link)), stdout=PIPE
    )
    try:
        assert process.stdout is not None
        at = f"instruments.{name}"
        table = [f'[{at}]\nlabel = "{label}"\n']
        async with asyncio.timeout(20):
            while not (line := (await process.stdout.readline()).decode()).startswith("port"):
                table += [] if line.startswith(("#", "[")) else [line]
        yield "".join([*table, line, own.format(at=at)])
    finally:
        process.terminate()
        await process.wait()


async def _away(whole: Whole) -> None:
    """An agent that was there, and is switched off."""
    async with told_agent(whole.running.url, whole.lab, "store") as agent:
        await agent.describe("cold", {"name": "temperature", "unit": "°C", "label": "Temperature"}, label="Cold store")
        await agent.stands("cold", "connected")
        await agent.measures("cold", temperature={"value": 4.2, "unit": "°C"})
        await agent.samples("cold", [now_us()], {"temperature": [4.2]}, units={"temperature": "°C"})


async def _build(agent: ToldAgent) -> None:
    identity = {"model": "Kiln 2", "serial": "0815"}
    labels = {"kiln": "Kiln", "box": "Germination box 2"}
    for name, channels in CHANNELS.items():
        commands = [asdict(command) for command in COMMANDS] if name == "kiln" else []
        more = {"driver": "modbus", "label": labels[name], "port": "tcp://10.0.0.17", "identity": identity}
        await agent.describe(name, *(asdict(channel) for channel in channels), commands=commands, **more)
        await agent.stands(name, "connected", since=now_us() - DAYS * DAY_US)
        for times in _past():
            await _say(agent, name, times, "backfill")
    agent.answer = {"result": "done", "bytes_out": b"\x01\x06\x00\x10\x02\x26", "bytes_in": b"\x01\x06\x00\x10\x02\x26"}
    agent.answer |= {"took_us": 18_400, "recorded": False}  # so that the gateway records it


def _past() -> Iterator[list[int]]:
    """In pieces; but for two hours in which the port was lost, of which the frame around them tells."""
    end = now_us() // STEP_US * STEP_US
    times = [*range(end - DAYS * DAY_US, end - DAY_US, SELDOM_US), *range(end - DAY_US, end, STEP_US)]
    times = [at for at in times if not LOST_US[0] > end - at > LOST_US[1]]
    for begin in range(0, len(times), OF_A_FRAME):
        yield times[begin : begin + OF_A_FRAME]


async def _say(agent: ToldAgent, name: str, times: list[int], kind: str) -> None:
    rows = [VALUES[name](at) for at in times]
    columns = {channel.name: [row[channel.name] for row in rows] for channel in CHANNELS[name]}
    since, until = (now_us() - ago for ago in LOST_US)
    lost = gaps.Gap(reason=gaps.PORT_LOST, since=since, until=until, detail="tcp://10.0.0.17 does not answer")
    records = [lost.to_record()] if times[0] < since < times[-1] else []
    await agent.samples(name, times, columns, kind=kind, units=units_of(name), records=records)


def units_of(name: str) -> dict[str, str]:
    return {channel.name: channel.unit for channel in CHANNELS[name] if channel.unit}


async def _live(agent: ToldAgent) -> Never:
    while True:
        now = now_us() // STEP_US * STEP_US
        for name in CHANNELS:
            await _say(agent, name, [now], "data")
            units = units_of(name)
            said = VALUES[name](now)
            newest = {key: {"value": value, "unit": units.get(key, ""), "time": now} for key, value in said.items()}
            await agent.measures(name, **newest)
        await asyncio.sleep((STEP_US - now_us() % STEP_US) / 1e6)


async def _work(whole: Whole) -> None:
    """What people did: accounts, a batch, notes, commands."""
    lab = whole.lab
    answers = await lab.access(access.add_user("anna", PASSWORD, "operator"))
    assert not any("error" in answer for answer in answers), answers
    now = now_us()
    await lab.start_batch("Pilsner 7", "malting/kiln", "pi-1/germination", at=now - 3 * DAY_US)
    await lab.mark_batch("Pilsner 7", "kilning", at=now - 20 * HOUR_US)
    await lab.notes.add("malting/kiln", "Malt turned by hand, door open for two minutes.", at=now - 25 * MINUTE_US)
    await lab.notes.add("malting/kiln", "Smells of cucumber: withering goes on.", at=now - 4 * HOUR_US)
    await lab.send("malting/kiln", "turn")
    await lab.send("malting/kiln", "fan", speed="high")
    await lab.send("pi-1/mill", "tare")
    await lab.send("demo/balance", "tare_immediately")
