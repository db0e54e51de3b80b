"""An agent that lives with its agent.toml, in the test's process or in its own: as a program, with the file's path."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from kleinmaelzung_agent.agent import Tuning
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.lifetime import Lifetime
from kleinmaelzung_agent.orders import trial
from kleinmaelzung_wire import failpoints
from tests.fakes_agent import QUICK
from tests.fakes_gateway import SECRET
from tests.fakes_instruments import Pty, Thermometer

TUNING = replace(QUICK, trial_s=0.3, look_s=0.02)
HEAD = """\
# about this machine
[agent]
name = "pi-1"
url = "{url}"
secret = "{secret}"
data = "data"
server_key_file = "server.pub"

"""
THERMOMETER = """\
[instruments.{name}]
port = "{port}"
frame_every = "10ms"
silent_after = "2s"
[instruments.{name}.channels.{channel}]
[[instruments.{name}.poll]]
send = "T?"
every = "{every}"
timeout = "500ms"
reply = [{{ pattern = '(?P<{channel}>[+-][0-9.]+) C' }}]
[instruments.{name}.commands.set]
send = "SET {{value:.2f}}"
reply = [{{ pattern = 'OK (?P<set>[0-9.]+)' }}]
[instruments.{name}.commands.set.arguments.value]
type = "number"
"""


def thermometer(name: str, port: str, *, channel: str = "temperature", every: str = "100ms") -> str:
    return THERMOMETER.format(name=name, port=port, channel=channel, every=every)


@contextmanager
def thermometers(directory: Path) -> Iterator[dict[str, Thermometer]]:
    """Three of them, plugged in, each with a temperature of its own: 1, 2 and 3 degrees."""
    with contextlib.ExitStack() as stack:
        made = {}
        for number, name in enumerate(("one", "two", "three"), 1):
            terminal = stack.enter_context(Pty(directory / name))
            terminal.plug()
            made[name] = Thermometer(terminal, temperature=f"+{number}.00").start()
        yield made


def head(url: str) -> str:
    return HEAD.format(url=url, secret=SECRET)


def write(path: Path, url: str, rest: str) -> Path:
    """agent.toml at a path: this machine's part, and the rest."""
    path.write_text(head(url) + rest)
    path.chmod(0o600)
    return path


def moved(path: Path, rest: str) -> None:
    """Somebody edits the rest."""
    before, data, _ = path.read_text().partition('server_key_file = "server.pub"\n\n')
    path.write_text(before + data + rest)


@asynccontextmanager
async def living(
    path: Path, *, tuning: Tuning = TUNING, updater: Path = Path("/nowhere"), now_us: int = 1
) -> AsyncIterator[Lifetime]:
    """In this process, from its start to its orderly end."""
    trial.at_start(path, now_us)
    lifetime = Lifetime(path, config.load(path), tuning=tuning, updater=updater)
    task = asyncio.create_task(lifetime.run())
    try:
        yield lifetime
    finally:
        lifetime.stop()
        async with asyncio.timeout(15):
            await task


@asynccontextmanager
async def process(path: Path, failpoint: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """In its own process, which does not outlive the test."""
    environment = os.environ | {failpoints.VARIABLE: failpoint}
    made = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.lifetimes", str(path), env=environment)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.kill()
        await made.wait()


async def main(path: Path) -> None:
    trial.at_start(path, time.time_ns() // 1000)
    lifetime = Lifetime(path, config.load(path), tuning=TUNING, updater=path.parent / "updater")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lifetime.stop)
    await lifetime.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(main(Path(sys.argv[1])))
