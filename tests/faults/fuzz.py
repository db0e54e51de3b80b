"""Sends bad inputs to a whole running system, by both sockets and every subscribed topic, and judges what it did.

    python -m tests.faults.fuzz [--inputs 100000] [--seed 1]

prints one JSON document. Exit codes: 0 nothing was wrong, 1 something was. Meanwhile somebody watches an instrument
that has nothing to do with it: their stream must have no hole. Nor may memory go on growing (`fuzz_memory`).
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import access, topics
from kleinmaelzung_wire import sockets as wire
from kleinmaelzung_wire.topics import Asker
from tests import sockets
from tests.fakes_instruments import Pty, Thermometer
from tests.faults import fuzz_inputs, fuzz_memory, fuzz_ways
from tests.faults.fuzz_inputs import Make, Pool
from tests.faults.fuzz_ways import Door, Post, Tally
from tests.whole import THERMOMETER, Watching, Whole, watching, whole_system

PASSWORD: Final = "a-fuzzers-password"
SPARE_PORTS: Final = 16
GHOSTS: Final = 50  # retained descriptions that the agent finds when it comes
EXPECTED: Final = (
    # A request that took longer than its asker waits: the service leaves its own reading connection without a goodbye.
    "FATAL:  connection to client lost",
    # Whoever starts it asks until it is ready.
    "FATAL:  the database system is starting up",
)
BAD_WORDS: Final = ("Traceback", "mistake of ours", "fault in", "ERROR", "FATAL", "PANIC", "CRITICAL")

# How the inputs are shared out.
SHARES: Final = {
    "/agent": 22,
    "/client msgpack": 12,
    "/client json": 12,
    "topic data": 7,
    "topic backfill": 7,
    "topic command": 7,
    "topic raw": 2,
    "topic logged": 4,
    "topic agent status": 3,
    "topic service status": 3,
    "topic online": 1,
    "topic description": 2,
    "topic state": 2,
    "topic latest": 2,
    "topic reply": 2,
    "topic control": 2,
    "topic refused": 3,
    "topic request": 4,
    "topic gateway request": 1,
    "topic rights": 1,
    "topic inbox": 1,
}


@dataclass(slots=True)
class Found:
    """What one run showed."""

    seed: int
    took_s: float = 0.0
    targets: dict[str, Tally] = field(default_factory=dict)
    memory_kb: dict[str, list[int]] = field(default_factory=dict)  # after each step
    ended: list[str] = field(default_factory=list)
    bad_lines: list[str] = field(default_factory=list)
    frames: int = 0
    holes: int = 0
    longest_pause_s: float = 0.0
    unlogged: int = 0

    @property
    def inputs(self) -> int:
        return sum(tally.inputs for tally in self.targets.values())

    @property
    def leaking(self) -> list[str]:
        return fuzz_memory.leaking(self.memory_kb, self.inputs)

    @property
    def is_well(self) -> bool:
        odd = any(tally.odd for tally in self.targets.values())
        is_bad = self.ended or self.bad_lines or self.holes or self.unlogged or odd or self.leaking
        return not is_bad and self.frames > 0

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.is_well,
            "seed": self.seed,
            "took_s": round(self.took_s, 1),
            "inputs": self.inputs,
            "targets": {name: tally.to_json() for name, tally in self.targets.items()},
            "memory_kb": self.memory_kb,
            "bytes_an_input_in_the_second_half": {
                name: round(fuzz_memory.bytes_an_input(seen, self.inputs), 1) for name, seen in self.memory_kb.items()
            },
            "leaking": self.leaking,
            "processes_ended": self.ended,
            "bad_log_lines": len(self.bad_lines),
            "first_bad_log_lines": self.bad_lines[:20],
            "watcher": {
                "frames": self.frames,
                "holes": self.holes,
                "longest_pause_s": round(self.longest_pause_s, 2),
                "not_logged": self.unlogged,
            },
        }


class Fuzz:
    """One run against one system."""

    def __init__(self, whole: Whole, directory: Path, seed: int, thought_of: Pool) -> None:
        self.found = Found(seed)
        self._whole = whole
        self._server = directory / "server"
        self._directory = directory
        self._thought_of = thought_of
        self._ports = json.loads((self._server / "ports.json").read_text())

    async def prepare(self) -> None:
        """Make the accounts, and what the agent finds retained when it comes."""
        answers = await self._whole.lab.access(
            [
                *access.add_agent("pi-1", PASSWORD),
                *access.add_agent("pi-8", PASSWORD),
                *access.add_agent("pi-9", PASSWORD),
                *access.add_user("eva", PASSWORD, "admin"),
                *access.add_user("otto", PASSWORD, "operator"),
            ]
        )
        assert not any("error" in answer for answer in answers), answers
        self._whole._secret = PASSWORD  # so that pi-1's account serves here too
        ghosts = [f"{topics.ROOT}/pi-1/ghost-{number}/description" for number in range(GHOSTS)]
        post = Post(account=self.account("agent:pi-1"), topics=ghosts, retained=True)
        await self._post("ghosts", post, fuzz_inputs.description, GHOSTS * 2)

    async def throw(self, count: int, part: str) -> None:
        """Send `count` inputs at all targets at once; `part` makes another stretch of the same seed."""
        total = sum(SHARES.values())
        nonce = (await self._whole.status()).nonce
        async with asyncio.TaskGroup() as group:
            for name, share in SHARES.items():
                group.create_task(self._at(name, max(1, round(count * share / total)), part, nonce), name=name)

    def account(self, user: str) -> bus.Broker:
        role, _, name = user.partition(":")
        password = (self._server / "secrets" / name).read_text().strip() if role == "service" else PASSWORD
        return bus.Broker(host="127.0.0.1", port=self._ports["internal"], user=user, password=password)

    def door(self, path: str, user: str, subprotocol: str = wire.MSGPACK) -> Door:
        url = self._whole.running.url.replace("http", "ws", 1)
        return Door(url=url, path=path, subprotocol=subprotocol, user=user, password=PASSWORD)

    async def _at(self, name: str, count: int, part: str, nonce: str) -> None:
        chance = Random(f"{self.found.seed} {name} {part}")
        tally = self.found.targets.setdefault(name, Tally())
        match name:
            case "/agent":
                inputs = fuzz_inputs.payloads(fuzz_inputs.publication, count, chance, self._thought_of)
                await fuzz_ways.by_socket(self.door(wire.AGENT_PATH, "pi-9"), inputs, chance, tally)
            case "/client msgpack" | "/client json":
                subprotocol = wire.JSON if name.endswith("json") else wire.MSGPACK
                encode = fuzz_inputs.to_json if subprotocol == wire.JSON else fuzz_inputs.pack
                inputs = fuzz_inputs.payloads(fuzz_inputs.asked, count, chance, self._thought_of, encode)
                door = self.door(wire.CLIENT_PATH, "otto" if subprotocol == wire.JSON else "eva", subprotocol)
                async with asyncio.TaskGroup() as group:
                    for _ in range(4):  # one is read 200 times a second
                        group.create_task(fuzz_ways.by_socket(door, inputs, chance, tally))
            case "topic inbox":
                inputs = fuzz_inputs.payloads(fuzz_inputs.reply, count, chance, self._thought_of)
                agent, client = self.door(wire.AGENT_PATH, "pi-8"), self.door(wire.CLIENT_PATH, "eva")
                await fuzz_ways.by_reply(agent, client, inputs, tally)
            case _:
                post, make = self._post_of(name, nonce)
                is_json = name in ("topic latest", "topic rights")
                await self._post(name, post, make, count, part, encode=_encoder(is_json))

    async def _post(
        self,
        name: str,
        post: Post,
        make: Make,
        count: int,
        part: str = "",
        encode: Callable[[Any], bytes] = fuzz_inputs.pack,
    ) -> None:
        chance = Random(f"{self.found.seed} {name} {part}")
        inputs = fuzz_inputs.payloads(make, count, chance, self._thought_of, encode)
        await fuzz_ways.by_broker(post, inputs, chance, self.found.targets.setdefault(name, Tally()))

    def _post_of(self, name: str, nonce: str) -> tuple[Post, Make]:
        inboxes = ("kleinmaelzung/_client/eva/s1/inbox", "kleinmaelzung/_client/otto/s1/inbox", "nowhere", None)
        stem = f"{topics.ROOT}/pi-9/balance"
        of_agent = self.account("agent:pi-9")
        made: dict[str, Make] = {
            "data": fuzz_inputs.frame,
            "backfill": fuzz_inputs.backfill,
            "description": fuzz_inputs.description,
            "state": fuzz_inputs.state,
            "latest": fuzz_inputs.latest,
            "reply": fuzz_inputs.reply,
            "control": fuzz_inputs.control,
        }
        kind = name.removeprefix("topic ")
        if kind in made:
            is_retained = topics.INSTRUMENT_KINDS[kind].retained
            return Post(account=of_agent, topics=[f"{stem}/{kind}"], retained=is_retained), made[kind]
        eva, to_victim = self.account("eva"), f"{topics.ROOT}/pi-1/victim"
        logger, gateway = self.account("service:logger"), self.account("service:gateway")
        match kind:
            case "command" | "raw":
                post = Post(account=eva, topics=[f"{to_victim}/{kind}/eva"], inboxes=inboxes)
                return post, fuzz_inputs.commands(nonce)
            case "logged":
                return Post(account=logger, topics=[topics.logged("pi-1")]), fuzz_inputs.logged
            case "agent status":
                return Post(account=of_agent, topics=[topics.status("pi-9")], retained=True), fuzz_inputs.agent_status
            case "service status":
                post = Post(account=logger, topics=[topics.service_status("logger")], retained=True)
                return post, fuzz_inputs.service_status
            case "online":
                return Post(account=eva, topics=[topics.online("eva", "s1")]), fuzz_inputs.state
            case "refused":
                return Post(account=gateway, topics=[topics.refused("gateway")]), fuzz_inputs.refused
            case "request":
                asked = [topics.service_request("logger", Asker("eva", "admin", "pi-9/+"))]
                return Post(account=eva, topics=asked, inboxes=inboxes), fuzz_inputs.request
            case "gateway request":
                asked = [topics.service_mark("gateway")]
                return Post(account=gateway, topics=asked, inboxes=inboxes), fuzz_inputs.request
            case "rights":
                return Post(account=eva, topics=[topics.rights("otto")], retained=True), fuzz_inputs.rights
        raise AssertionError(name)

    def note_memory(self) -> None:
        for name, pid in self._pids().items():
            self.found.memory_kb.setdefault(name, []).append(fuzz_memory.resident_kb(pid))

    def _pids(self) -> dict[str, int]:
        children = self._whole.running.children
        pids = {name: running.pid for name, running in children.items() if name in ("gateway", "logger", "mosquitto")}
        process = self._whole._process
        assert process is not None
        return {name: pid for name, pid in {**pids, "agent": process.pid}.items() if pid is not None}

    def look(self) -> None:
        """Whether a process ended, and what the logs say of mistakes."""
        for name, running in self._whole.running.children.items():
            if running.restarts:
                self.found.ended.append(name)
        process = self._whole._process
        if process is None or process.returncode is not None:
            self.found.ended.append("agent")
        for log in (*sorted((self._server / "log").glob("*.log")), self._directory / "agent.log"):
            for line in log.read_text(errors="replace").splitlines():
                if any(word in line for word in BAD_WORDS) and not any(words in line for words in EXPECTED):
                    self.found.bad_lines.append(f"{log.name}: {line[:600]}")

    def judge_stream(self, seen: Watching, arrived: list[float]) -> None:
        numbers = [frame.number for frame in seen.of("pi-1/healthy")]
        self.found.frames = len(numbers)
        self.found.holes = sum(after != before + 1 for before, after in itertools.pairwise(numbers))
        self.found.longest_pause_s = max((b - a for a, b in itertools.pairwise(arrived)), default=0.0)


def _encoder(is_json: bool) -> Callable[[Any], bytes]:
    return fuzz_inputs.to_json if is_json else fuzz_inputs.pack


@asynccontextmanager
async def _bystander(door: Door) -> AsyncIterator[None]:
    """Watches what is sent wrongly, in one of the formats, and reads what comes."""
    async with sockets.client(door.url, door.user, door.password, door.subprotocol) as opened:
        for number, pattern in enumerate(("pi-9/balance", "pi-9/balance/latest", "pi-9/balance/reply", "pi-9/status")):
            assert (await opened.ask("watch", number, pattern))[0] == "done"

        async def read() -> None:
            async for _ in opened.connection:
                pass

        reading = asyncio.create_task(read(), name="bystander")
        try:
            yield
            assert not reading.done(), f"a bystander was cut off: {opened.connection.close_code}"
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def run(inputs: int, seed: int, directory: Path) -> Found:
    """Build a system in a directory, fuzz it, and say what was found."""
    thought_of = fuzz_inputs.pool(seed, max(50, min(2000, inputs // 50)))
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        # Low numbers are what an agent left behind by somebody else may still open, and keep from ours.
        for number in range(SPARE_PORTS):
            stack.enter_context(Pty(directory / f"spare-{number}")).plug()
        ports = {name: stack.enter_context(Pty(directory / name)) for name in ("healthy", "victim")}
        for pty in ports.values():
            pty.plug()
            Thermometer(pty).start()
        whole = await stack.enter_async_context(whole_system(directory))
        fuzz = Fuzz(whole, directory, seed, thought_of)
        await fuzz.prepare()
        await whole.start_agent(*(THERMOMETER.format(name=n, port=p.port, every="100ms") for n, p in ports.items()))
        await whole.until_state("pi-1/healthy", "connected")
        for user, subprotocol in (("eva", wire.MSGPACK), ("eva", wire.JSON)):
            await stack.enter_async_context(_bystander(fuzz.door(wire.CLIENT_PATH, user, subprotocol)))
        seen = await stack.enter_async_context(watching(whole.lab, "pi-1/healthy"))
        arrived: list[float] = []
        clock = stack.enter_context(_Clock(seen, arrived))
        await seen.until_more("pi-1/healthy")
        for step in range(fuzz_memory.STEPS):
            await fuzz.throw(inputs // fuzz_memory.STEPS, str(step))
            fuzz.note_memory()
        await seen.until_more("pi-1/healthy")
        clock.stop()
        fuzz.judge_stream(seen, arrived)
        fuzz.found.unlogged = await _unlogged(whole, seen.of("pi-1/healthy")[-1].number)
        fuzz.look()
    fuzz.found.took_s = time.monotonic() - started
    return fuzz.found


class _Clock:
    """Notes when frames came."""

    def __init__(self, seen: Watching, arrived: list[float]) -> None:
        self._seen, self._arrived = seen, arrived
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> "_Clock":
        self._task = asyncio.create_task(self._note(), name="clock")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _note(self) -> None:
        count = 0
        while True:
            if len(self._seen.frames) > count:
                count = len(self._seen.frames)
                self._arrived.append(time.monotonic())
            await asyncio.sleep(0.02)


async def _unlogged(whole: Whole, last: int) -> int:
    """How many of the watched instrument's frames up to the last one seen are not in the database in the end."""
    sql = "SELECT coalesce(max(received), 0)::bigint FROM completeness WHERE agent = 'pi-1' AND instrument = 'healthy'"
    received = 0
    for _ in range(600):
        received = await whole.ask(sql)
        if received >= last:
            return 0
        await asyncio.sleep(0.1)
    return last - received


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000, metavar="N", help="(100000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed, the same inputs (1)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(run(arguments.inputs, arguments.seed, Path(directory)))
    print(json.dumps(found.to_json(), indent=1, ensure_ascii=False), flush=True)
    sys.exit(0 if found.is_well else 1)


if __name__ == "__main__":
    main()
