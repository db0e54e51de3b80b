"""Ports on this machine: free ones, found and kept, so that a second start is where the first one was."""

import json
import socket
from pathlib import Path

from kleinmaelzung_local.mosquitto import write_private


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


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
