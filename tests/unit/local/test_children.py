"""Child processes: ready or said why not, started again, stopped; with small real programs."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from kleinmaelzung_local import children
from kleinmaelzung_local.children import Child, ChildFailed, Running
from kleinmaelzung_wire.waits import Waits
from tests.waiting import until

# Says that it is up by a file, then waits for ever.
WAITS = "import pathlib, signal, sys; print('up', flush=True); pathlib.Path(sys.argv[1]).touch(); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS


def child(tmp_path: Path, program: str, *, ready_timeout_s: float = 20) -> Child:
    sign = tmp_path / "up"

    async def is_up() -> bool:
        return sign.exists()

    return Child(
        name="small",
        command=[sys.executable, "-c", program, str(sign)],
        is_ready=is_up,
        ready_timeout_s=ready_timeout_s,
    )


@asynccontextmanager
async def running(tmp_path: Path, program: str = WAITS) -> AsyncIterator[Running]:
    one = Running(child(tmp_path, program), tmp_path / "small.log")
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


def has_restarted(one: Running, times: int) -> bool:
    return one.restarts == times


def is_alive(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_is_started_when_ready_and_ends_when_asked(tmp_path: Path) -> None:
    async with running(tmp_path) as one:
        pid = one.pid
        assert is_alive(pid)
        assert one.log_tail() == f"the end of {tmp_path / 'small.log'}: up"
    assert not is_alive(pid)
    await one.stop()  # twice is harmless


async def test_one_that_ends_at_once_is_said_with_the_end_of_its_log(tmp_path: Path) -> None:
    one = Running(child(tmp_path, "import sys; sys.exit('no such thing')"), tmp_path / "log")
    with pytest.raises(ChildFailed, match=r"small ended at once; the end of .*log: no such thing"):
        await one.start()


async def test_one_that_never_is_ready_is_said_and_can_be_stopped(tmp_path: Path) -> None:
    program = "import signal; signal.pause()"
    one = Running(child(tmp_path, program, ready_timeout_s=0.2), tmp_path / "log")
    with pytest.raises(ChildFailed, match=r"small is not ready after 0 s; the end of .*: \(empty\)"):
        await one.start()
    pid = one.pid
    await one.stop()
    assert not is_alive(pid)


async def test_one_that_was_killed_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(children, "WAITS", Waits(first_s=0.01, longest_s=0.05))
    async with running(tmp_path) as one:
        keeping = asyncio.create_task(one.keep())
        try:
            for restarts in (1, 2):
                before = one.pid
                assert before is not None
                os.kill(before, signal.SIGKILL)
                await until(partial(has_restarted, one, restarts), "started again")
                assert one.pid != before
                assert is_alive(one.pid)
        finally:
            keeping.cancel()
            await asyncio.wait((keeping,))
    assert "small ended (killed by SIGKILL), starting it again" in caplog.text


async def test_one_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(children, "WAITS", Waits(first_s=0.01, longest_s=0.05))
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nexec \'{sys.executable}\' -c "{WAITS}" "$1"\n')
    program.chmod(0o700)
    sign = tmp_path / "up"

    async def is_up() -> bool:
        return sign.exists()

    one = Running(Child(name="small", command=[str(program), str(sign)], is_ready=is_up), tmp_path / "log")
    await one.start()
    keeping = asyncio.create_task(one.keep())
    try:
        assert one.pid is not None
        moved = program.rename(tmp_path / "away")
        os.kill(one.pid, signal.SIGKILL)
        await until(lambda: "small cannot be started" in caplog.text, "the failure is said")
        moved.rename(program)
        await until(lambda: one.restarts == 1, "started again")
    finally:
        keeping.cancel()
        await asyncio.wait((keeping,))
        await one.stop()


async def test_one_that_does_not_end_is_killed_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(children, "STOP_TIMEOUT_S", 0.1)
    async with running(tmp_path, STUBBORN) as one:
        pid = one.pid
    assert not is_alive(pid)
    assert "small did not end within 0 s and is killed" in caplog.text


async def test_a_large_log_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "MAX_LOG_BYTES", 100)
    (tmp_path / "small.log").write_text("x" * 200)
    async with running(tmp_path) as one:
        assert (tmp_path / "small.log.1").read_text() == "x" * 200
        assert one.log_tail().endswith(": up")
