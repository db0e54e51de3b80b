"""An earlier version of this software, from the history of this repository: its programs, run by our Python."""

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
# The first with deploy/install; the one before has a server and agents that people may have in use.
SUBJECT: Final = "Deploy in containers: "
FOLDERS: Final = ("agent", "broker", "client", "deploy", "gateway", "services")


@functools.cache
def commit() -> str:
    """The version before SUBJECT; empty where the history is not there, as in an archive or a shallow clone."""
    try:
        found = _git("log", "--format=%H", "--max-count=1", f"--grep=^{SUBJECT}").stdout.decode().strip()
        return _git("rev-parse", "--verify", "--quiet", f"{found}^").stdout.decode().strip() if found else ""
    except FileNotFoundError:
        return ""


class Earlier:
    """Its tree in a directory."""

    def __init__(self, directory: Path) -> None:
        self.tree = directory
        directory.mkdir()
        archive = _git("archive", "--format=tar", commit(), *FOLDERS)
        assert archive.returncode == 0, archive.stderr
        subprocess.run(["tar", "-x", "-C", str(directory)], input=archive.stdout, check=True)

    @property
    def environment(self) -> dict[str, str]:
        """In which its packages are found before ours."""
        paths = os.pathsep.join(str(self.tree / folder) for folder in FOLDERS)
        own = {key: value for key, value in os.environ.items() if not key.startswith("KLEINMAELZUNG_")}
        return own | {"PYTHONPATH": paths}

    def command(self, module: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", module, *arguments]

    def place_of(self, module: str) -> Path:
        """Where it really finds one of its packages."""
        asked = [sys.executable, "-c", f"import {module}; print({module}.__file__)"]
        done = subprocess.run(asked, capture_output=True, text=True, env=self.environment, timeout=20, check=True)
        return Path(done.stdout.strip())


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, timeout=60, check=False)
