"""Somebody at a terminal: a program that hears keys and shows lines, on a pseudo-terminal of its own."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.waiting import until

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


class Typist:
    """Reads what is shown, and types."""

    def __init__(self, terminal: int, process: asyncio.subprocess.Process) -> None:
        self._terminal, self.process = terminal, process
        self.shown = ""  # since the last answer
        self.all = ""
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def _read(self) -> None:
        try:
            text = _CONTROL.sub("", os.read(self._terminal, 4096).decode(errors="replace"))
        except OSError:  # the program has ended
            self.close()
            return
        self.shown += text
        self.all += text

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)

    async def sees(self, text: str) -> None:
        try:
            await until(lambda: text in self.shown or self.process.returncode is not None, text)
            assert text in self.shown
        except AssertionError:
            raise AssertionError(f"{text!r} is not shown in:\n{self.all}") from None

    async def answers(self, question: str, answer: str) -> None:
        """Type a line when this is asked."""
        await self.sees(question)
        self.shown = ""
        self.types(f"{answer}\r")

    def types(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    async def ends(self) -> int:
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def typist(directory: Path, *arguments: str) -> AsyncIterator[Typist]:
    """At `kleinmaelzung-agent ARGUMENTS`, in a directory."""
    terminal, inside = os.openpty()
    os.set_blocking(terminal, False)
    command = ("setsid", "--ctty", "--wait", sys.executable, "-m", "kleinmaelzung_agent", *arguments)
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "INPUTRC": "/dev/null"}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=directory, stdin=inside, stdout=inside, stderr=inside
    )
    os.close(inside)
    one = Typist(terminal, process)
    try:
        yield one
    finally:
        one.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        os.close(terminal)
