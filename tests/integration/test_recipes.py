"""The code in docs/recipes.md and README.md, run as it stands there against a whole system."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes_instruments import Pty, Thermometer
from tests.whole import THERMOMETER, Whole, whole_system

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs/recipes.md"
README = ROOT / "README.md"
# As in a notebook `await` may stand outside of functions.
RUN = """
import ast, asyncio, inspect, sys
code = compile(sys.stdin.read(), "recipe", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
result = eval(code, {"__name__": "__main__"})
if inspect.iscoroutine(result):
    asyncio.run(result)
"""
BALANCE = """
[instruments.balance]
port = "{port}"
terminator = "\\r\\n"

[instruments.balance.channels.mass]
unit = "g"

[[instruments.balance.poll]]
send = "T?"
every = "50ms"
timeout = "500ms"
reply = [{{ pattern = '(?P<mass>[+-][0-9.]+) C' }}]

[instruments.balance.commands.tare]
send = "SET 0.00"
reply = [{{ pattern = 'OK (?P<set>[0-9.]+)' }}]
"""


def blocks(path: Path, language: str) -> dict[str, str]:
    """The code in a page, by the heading it stands under."""
    found, heading = {}, ""
    for part in re.split(r"(?m)^## ", path.read_text()):
        heading = part.partition("\n")[0]
        for number, code in enumerate(re.findall(rf"(?ms)^```{language}\n(.*?)^```$", part)):
            found[f"{heading} {number or ''}".strip()] = code
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    """pi-1 with a balance and an oven, of which something is logged."""
    directory = tmp_path_factory.mktemp("recipes")
    async with whole_system(directory) as whole:
        with Pty(directory / "balance") as balance, Pty(directory / "oven") as oven:
            for pty in (balance, oven):
                pty.plug()
            probes = [Thermometer(balance).start(), Thermometer(oven).start()]
            for probe in probes:
                probe.temperature = "+23.50"
            await whole.start_agent(
                BALANCE.format(port=balance.port), THERMOMETER.format(name="oven", port=oven.port, every="50ms")
            )
            async with asyncio.timeout(30):
                while await whole.logged() < 40:
                    await asyncio.sleep(0.05)
            yield whole


class Run:
    """A program as a process of its own, with nothing but the environment prepared."""

    def __init__(self, whole: Whole, directory: Path) -> None:
        self.out = b""
        self._directory = directory
        self._environment = os.environ | {
            "KLEINMAELZUNG_URL": whole.running.url,
            "KLEINMAELZUNG_USER": "admin",
            "KLEINMAELZUNG_PASSWORD_FILE": str(whole.running.password_file),
            "HOME": str(directory),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    async def ended(self, *command: str, given: str = "", until_lines: int = 0) -> int:
        """Its exit code; after so many lines of output it is interrupted."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
            cwd=self._directory,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given.encode())
        process.stdin.close()
        try:
            async with asyncio.timeout(60):
                while line := await process.stdout.readline():
                    self.out += line
                    if until_lines and self.out.count(b"\n") == until_lines:
                        process.send_signal(signal.SIGINT)
                return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.fixture
def run(whole: Whole, tmp_path: Path) -> Run:
    return Run(whole, tmp_path)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", blocks(RECIPES, "python"))
async def test_a_recipe_runs_and_says_something(run: Run, name: str) -> None:
    code = await run.ended(sys.executable, "-W", "error", "-c", RUN, given=blocks(RECIPES, "python")[name])
    assert code == 0, run.out.decode()
    assert run.out.strip(), name
    assert b"Traceback" not in run.out


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_typed_in_the_recipes_makes_these_files(run: Run, tmp_path: Path) -> None:
    lines = [line for block in blocks(RECIPES, "console").values() for line in block.splitlines()]
    assert len(lines) >= 3
    for line in lines:
        _, *typed = line.split()
        assert await run.ended(sys.executable, "-m", "kleinmaelzung", *typed) == 0, run.out.decode()
    assert (tmp_path / "balance.csv").stat().st_size > 1000
    assert (tmp_path / "week.zip").exists()
    assert run.out.count(b'"mass"') >= 10


@pytest.mark.asyncio(loop_scope="module")
async def test_the_readmes_program_runs(run: Run) -> None:
    [code] = blocks(README, "python").values()
    code, count = re.subn(r'connect\("http.*?"\.\.\."\)', "connect()", code)
    assert count == 1
    await run.ended(sys.executable, "-c", RUN, given=code, until_lines=5)
    lines = run.out.decode().splitlines()
    assert lines[0].startswith("done"), run.out.decode()
    assert lines[1].split()[1:] == ["mass", "23.5", "g", "good"]


def test_every_recipe_is_found() -> None:
    assert len(blocks(RECIPES, "python")) == RECIPES.read_text().count("```python")
