"""What systemd hears of the agent: a real socket in its place."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kleinmaelzung_agent import systemd
from tests.waiting import until


class Manager:
    """Stands where systemd does: reads what it is told."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)
        self.heard: list[str] = []

    def count(self, word: str) -> int:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard.append(self.socket.recv(20_000).decode())
        return self.heard.count(word)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.socket.close()


async def test_it_hears_ready_then_signs_of_life_then_the_end(manager: Manager, tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000"}
    telling = asyncio.create_task(systemd.keep_telling(environment))
    await until(lambda: manager.count("WATCHDOG=1") >= 3, "three signs of life")
    telling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await telling
    assert manager.count("STOPPING=1") == 1
    assert (manager.heard[0], manager.heard[-1], manager.count("READY=1")) == ("READY=1", "STOPPING=1", 1)


async def test_a_loop_that_hangs_says_nothing(manager: Manager, tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000"}
    telling = asyncio.create_task(systemd.keep_telling(environment))
    await until(lambda: manager.count("WATCHDOG=1"), "a sign of life")
    before = manager.count("WATCHDOG=1")
    time.sleep(0.02)  # twenty intervals in which the loop hangs
    assert manager.count("WATCHDOG=1") == before
    telling.cancel()


async def test_without_systemd_nobody_is_told() -> None:
    telling = asyncio.create_task(systemd.keep_telling({}))
    await asyncio.sleep(0)
    assert not telling.done()
    telling.cancel()


@pytest.mark.parametrize("address", ["/nowhere/notify", "@kleinmaelzung-nobody-here", "/dev/null"])
def test_a_systemd_that_does_not_listen_is_no_trouble(address: str) -> None:
    systemd.tell("READY=1", {"NOTIFY_SOCKET": address})


def test_a_full_socket_does_not_hold_up_the_instruments(manager: Manager, tmp_path: Path) -> None:
    for _ in range(10_000):  # nobody reads; a socket that blocks would stay here for ever
        systemd.tell("WATCHDOG=1", {"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert 0 < manager.count("WATCHDOG=1") < 10_000


def test_an_abstract_address_is_reached() -> None:
    name = f"kleinmaelzung-test-{os.getpid()}"
    manager = Manager("\0" + name)
    systemd.tell("READY=1", {"NOTIFY_SOCKET": f"@{name}"})
    assert manager.count("READY=1") == 1
    manager.socket.close()


@pytest.mark.parametrize(
    ("environment", "expected_s"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 20.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 20.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, systemd.IDLE_S),
        ({"WATCHDOG_USEC": "0"}, systemd.IDLE_S),
        ({"WATCHDOG_USEC": "soon"}, systemd.IDLE_S),
        ({}, systemd.IDLE_S),
    ],
)
def test_it_is_told_three_times_in_the_span_that_it_watches(environment: dict[str, str], expected_s: float) -> None:
    assert systemd.interval_s(environment) == expected_s


def test_the_journal_gets_each_lines_priority_and_a_terminal_the_time(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        opened = os.fstat(log.fileno())
        journal = systemd.log_formatter(log.fileno(), {"JOURNAL_STREAM": f"{opened.st_dev}:{opened.st_ino}"})
        elsewhere = systemd.log_formatter(log.fileno(), {"JOURNAL_STREAM": "1:1"})
    record = logging.LogRecord("uplink", logging.WARNING, "", 0, "lost", (), None)
    assert journal.format(record) == "<4>uplink: lost"
    assert elsewhere.format(record).endswith("WARNING uplink: lost")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        failed = logging.LogRecord("x", logging.ERROR, "", 0, "fault", (), sys.exc_info())
    assert {line[:3] for line in journal.format(failed).splitlines()} == {"<3>"}
    assert journal.format(logging.LogRecord("x", logging.DEBUG, "", 0, "d", (), None)).startswith("<7>")


def test_how_the_agent_is_goes_in_one_line_that_is_not_too_long(manager: Manager, tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    systemd.tell_status("not connected:\nREADY=1", environment)
    systemd.tell_status("x" * 10_000, environment)
    assert manager.count("STATUS=not connected: READY=1") == 1
    assert len(manager.heard[-1]) < 1000
