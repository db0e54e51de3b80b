"""A machine on its way to become an agent, by the programs that a person types there."""

import asyncio
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any


class Machine:
    """One on its way to become an agent: its folder, and the two things that are typed there."""

    def __init__(self, directory: Path, name: str = "pi-9") -> None:
        directory.mkdir(exist_ok=True)
        self.name = name
        self.config = directory / "agent.toml"
        self.secret_file = directory / "agent.secret"

    async def enrol(self, server: str, code: str, *more: str) -> tuple[int, str, str]:
        """Exit code, output, error output of `kleinmaelzung-agent enrol`."""
        typed = ("--server", server, "--name", self.name, "--config", str(self.config), *more)
        process = await self._start("enrol", *typed, stdin=asyncio.subprocess.PIPE)
        async with asyncio.timeout(30):
            out, err = await process.communicate(f"{code}\n".encode())
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The agent runs as it is configured."""
        process = await self._start("--config", str(self.config), stdin=asyncio.subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            await process.communicate()
            assert process.returncode == 0

    @staticmethod
    async def _start(*typed: str, stdin: int) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kleinmaelzung_agent", *typed), stdin=stdin, stdout=pipe, stderr=pipe
        )

    @property
    def agent(self) -> dict[str, Any]:
        table: dict[str, Any] = tomllib.loads(self.config.read_text())["agent"]
        return table
