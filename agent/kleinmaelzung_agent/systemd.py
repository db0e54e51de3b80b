"""What systemd is told, where it started the agent: that it is ready, how it is, again and again that it is alive.

NOTIFY_SOCKET and WATCHDOG_USEC in, datagrams out; nothing where systemd did not ask. It is told from the event loop, so
a loop that hangs falls silent, and the unit's WatchdogSec has the agent ended and started again. Lines of the log
carry their level as the journal reads it.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from typing import Final, Never

logger = logging.getLogger(__name__)

TOLD_IN_A_SPAN: Final = 3  # times; twice is the least, and one datagram may be late
IDLE_S: Final = 3600.0  # where systemd watches nothing
_PRIORITIES: Final = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))  # as syslog counts
CONNECTED: Final = "connected to the gateway"  # deploy/install-agent waits for a text that begins so
_MAX_STATUS: Final = 300
LINE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


async def keep_telling(environment: Mapping[str, str] = os.environ) -> Never:
    """Say that the agent is ready, then that it is alive, until cancelled; then that it ends."""
    tell("READY=1", environment)
    try:
        while True:
            tell("WATCHDOG=1", environment)
            await asyncio.sleep(interval_s(environment))
    finally:
        tell("STOPPING=1", environment)


def interval_s(environment: Mapping[str, str]) -> float:
    """How often systemd wants to hear."""
    span_us = environment.get("WATCHDOG_USEC", "")
    is_meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(span_us) / 1e6 / TOLD_IN_A_SPAN if span_us.isdecimal() and int(span_us) and is_meant else IDLE_S


def tell_status(sentence: str, environment: Mapping[str, str] = os.environ) -> None:
    """How the agent is, in one line, as `systemctl status` shows it."""
    tell(f"STATUS={' '.join(sentence.split())[:_MAX_STATUS]}", environment)


def tell(word: str, environment: Mapping[str, str]) -> None:
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)  # a systemd that does not read must not hold up the instruments
            told.sendto(word.encode(), "\0" + address[1:] if address.startswith("@") else address)
    except OSError as error:
        logger.debug("systemd was not told %s: %s", word, error)


def log_formatter(stream: int = 2, environment: Mapping[str, str] = os.environ) -> logging.Formatter:
    """For a terminal or a file with the time; for the journal, which knows the time, with the line's priority."""
    return _Journal("%(name)s: %(message)s") if _is_journal(stream, environment) else logging.Formatter(LINE)


def _is_journal(stream: int, environment: Mapping[str, str]) -> bool:
    # The variable is inherited also by what writes elsewhere.
    opened = os.fstat(stream)
    return environment.get("JOURNAL_STREAM") == f"{opened.st_dev}:{opened.st_ino}"


class _Journal(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        priority = next((found for level, found in _PRIORITIES if record.levelno >= level), 7)
        # Each line of a traceback is a line of the journal.
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())
