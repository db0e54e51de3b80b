"""A serial cable without hardware: two pseudo-terminals joined, as `socat PTY PTY` does it.

What is written to one end comes out of the other. Each end is a device path that any program can open.
"""

import asyncio
import contextlib
import os
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

READ_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Cable:
    """The device paths of both ends."""

    near: str
    far: str


@contextmanager
def cable() -> Iterator[Cable]:
    """Join two pseudo-terminals as long as the context lasts; needs a running event loop."""
    with contextlib.ExitStack() as opened:
        (near, near_path), (far, far_path) = _open(opened), _open(opened)
        loop = asyncio.get_running_loop()
        for source, target in ((near, far), (far, near)):
            loop.add_reader(source, _pump, source, target)
            opened.callback(loop.remove_reader, source)
        yield Cable(near_path, far_path)


def _open(opened: contextlib.ExitStack) -> tuple[int, str]:
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    # The slave stays open here too, or each close by a program would be a hang-up of the cable.
    opened.callback(os.close, slave)
    opened.callback(os.close, master)
    return master, os.ttyname(slave)


def _pump(source: int, target: int) -> None:
    with contextlib.suppress(BlockingIOError):
        chunk = os.read(source, READ_BYTES)
        # A program that does not read loses bytes, as on a real line without flow control.
        with contextlib.suppress(BlockingIOError):
            os.write(target, chunk)
