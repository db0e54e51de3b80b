"""The serial cable without hardware."""

import asyncio
import contextlib
import os

import pytest

from kleinmaelzung_local.pty_pair import cable


async def read(device: int, length: int) -> bytes:
    received = b""
    async with asyncio.timeout(10):
        while len(received) < length:
            try:
                received += os.read(device, 4096)
            except BlockingIOError:
                await asyncio.sleep(0)  # the cable is pumped by this loop
    return received


def end(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


async def test_what_goes_in_at_one_end_comes_out_of_the_other_unchanged() -> None:
    every_byte = bytes(range(256))  # nothing is echoed, translated or taken for a signal
    with cable() as joined:
        near, far = end(joined.near), end(joined.far)
        try:
            for source, target in ((near, far), (far, near)):
                os.write(source, every_byte)
                assert await read(target, 256) == every_byte
            with pytest.raises(BlockingIOError):
                os.read(near, 1)
        finally:
            os.close(near)
            os.close(far)


async def test_an_end_may_be_closed_and_opened_again() -> None:
    with cable() as joined:
        for number in range(3):
            near, far = end(joined.near), end(joined.far)
            os.write(far, b"%d" % number)
            assert await read(near, 1) == b"%d" % number
            os.close(near)
            os.close(far)


async def test_a_program_that_does_not_read_loses_bytes_and_blocks_nobody() -> None:
    with cable() as joined:
        near = end(joined.near)
        try:
            written = 0
            while written <= 100_000:  # much more than a pseudo-terminal holds
                with contextlib.suppress(BlockingIOError):
                    written += os.write(near, bytes(1024))
                await asyncio.sleep(0)
        finally:
            os.close(near)


async def test_the_cable_is_gone_with_its_context() -> None:
    with cable() as joined:
        pass
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the kernel
        os.write(end(joined.near), b"x")
