"""The command `kleinmaelzung` as a process of its own."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any


class Terminal:
    """Runs `kleinmaelzung` with a home of its own, logged in as admin by the environment."""

    def __init__(self, url: str, password: str, home: Path) -> None:
        (home / "password").write_text(f"{password}\n")
        self.environment = {
            "HOME": str(home),
            "TZ": "UTC",
            "KLEINMAELZUNG_URL": url,
            "KLEINMAELZUNG_USER": "admin",
            "KLEINMAELZUNG_PASSWORD_FILE": str(home / "password"),
        }

    async def start(self, *typed: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "kleinmaelzung", *typed)
        return await asyncio.create_subprocess_exec(
            *command, env=self.environment, stdin=stdin, stdout=pipe, stderr=pipe
        )

    async def start_on(self, terminal: int, *typed: str) -> asyncio.subprocess.Process:
        """On a terminal of its own, whose keys it hears."""
        command = ("setsid", "--ctty", "--wait", sys.executable, "-m", "kleinmaelzung", *typed)
        return await asyncio.create_subprocess_exec(
            *command,
            env=self.environment | {"PATH": os.environ["PATH"]},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )

    async def run(self, *typed: str) -> tuple[int, str, str]:
        """Exit code, output, error output."""
        process = await self.start(*typed)
        async with asyncio.timeout(20):
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def json(self, *typed: str) -> Any:
        code, out, err = await self.run(*typed, "--json")
        assert (code, err) == (0, ""), err
        return json.loads(out)
