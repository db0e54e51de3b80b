"""Ports on this machine: free ones, found and kept, so that a second start is where the first one was."""

import json
import os
import random
import socket
import sys
from collections import deque
from pathlib import Path
from typing import Final

from kleinmaelzung_local.mosquitto import write_private

_NEVER_OUTGOING: Final = (20_000, 32_000)  # Linux gives outgoing connections 32768 to 60999
_MOST_CLAIMS: Final = 64
_claims: Final[deque[int]] = deque()  # open files


class PortTaken(Exception):
    """A port that was asked for belongs to another program."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def find_free() -> int:
    """A port that nobody uses, and that no outgoing connection can be given before it is; of each call another one."""
    # The system's randomness: tests give that of the module the same seed in several processes.
    candidates = iter(lambda: random.SystemRandom().randint(*_NEVER_OUTGOING), None)
    return next(port for port in candidates if is_free(port) and _claim(port))


def _claim(port: int) -> bool:
    """Whether nobody else has found this port and not used it yet; from now on they hear that we have."""
    if sys.platform != "linux":
        return True  # no names that end with the process
    with socket.socket(socket.AF_UNIX) as claim:
        try:
            claim.bind(f"\0kleinmaelzung-port-{port}")
        except OSError:
            return False
        _claims.append(claim.detach())
    if len(_claims) > _MOST_CLAIMS:
        os.close(_claims.popleft())  # in use by now
    return True


def choose(path: Path, wanted: dict[str, int | None]) -> dict[str, int]:
    """A port for each name: the one asked for; None: the last start's, or a free one; 0: any free one.

    Raises PortTaken for one that was asked for.
    """
    last = _last(path)
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        if port and not is_free(port):
            raise PortTaken(f"port {port} is used by another program; choose another, or 0 for any free one")
        candidate = port if port is not None else last.get(name, 0)
        while not candidate or not is_free(candidate) or candidate in chosen.values():
            candidate = find_free()
        chosen[name] = candidate
    write_private(path, json.dumps(chosen))
    return chosen


def _last(path: Path) -> dict[str, int]:
    try:
        last: dict[str, int] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):  # no start yet, or a disk that was full
        return {}
    return last
