"""The WebSocket to the gateway: kept up for ever, carrying what the outbox holds and handing over what comes.

outbox (replies, retained messages, live frames, backfill) --> gateway
gateway --> commands and word of sessions to Commands, what is logged to the spool, word of the loggers to the backfill,
            what certificates say to InForce
"""

import asyncio
import contextlib
import logging
import math
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Never

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.frames import CloseCode

from kleinmaelzung_agent import clock, systemd
from kleinmaelzung_agent.commands.commands import Commands
from kleinmaelzung_agent.sending import backfill, gateway_link
from kleinmaelzung_agent.sending.backfill import Schedule
from kleinmaelzung_agent.sending.gateway_link import CLOSE_TIMEOUT_S, OPEN_TIMEOUT_S, SEND_AHEAD, Trouble
from kleinmaelzung_agent.sending.outbox import Outbox
from kleinmaelzung_agent.spool.spool import Spool
from kleinmaelzung_wire import failpoints, messages, sockets, stored, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.stored import Stored
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S: Final = 10.0  # a socket that takes nothing for so long is dead; its ping would wait behind
BEAT_S: Final = 1.0
IDLE_S: Final = 0.25  # how often the backfill looks without being told


class Uplink:
    """One agent's connection. `run` never returns; `on_welcome` gets the gateway's name and time (µs) each time."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        ca_file: Path | None,
        secret: str,
        outbox: Outbox,
        spool: Spool,
        commands: Commands,
        schedule: Schedule,
        resend_after_s: float,
        waits: Waits,
        on_welcome: Callable[[str, int], None],
        on_stored: Callable[[Stored], None],
        on_calibration: Callable[[str, bytes], None],
    ) -> None:
        self._name, self._url, self._secret = name, gateway_link.agent_url(url), secret
        self._ca_file = ca_file
        self._outbox, self._spool, self._commands = outbox, spool, commands
        self._schedule, self._resend_after_s = schedule, resend_after_s
        self._waits, self._on_welcome, self._on_stored = waits, on_welcome, on_stored
        self._on_calibration = on_calibration
        self._loggers: set[str] = set()  # those announced and well
        self._acknowledged, self._handed_over = asyncio.Event(), asyncio.Event()
        self._wants_beats = False
        self._failures = 0
        self._welcomed_s = math.inf
        self._reported = ""
        self._refusals: set[tuple[str, str]] = set()

    async def run(self) -> Never:
        """Connect, serve, and come back, for ever."""
        while True:
            self._welcomed_s = math.inf
            trouble = await self._attempt()
            # A gateway that takes us and drops us at once is no reason to come back faster.
            has_lasted = time.monotonic() - self._welcomed_s > self._waits.longest_s
            self._failures = 1 if has_lasted else self._failures + 1
            self._report(trouble)
            await asyncio.sleep(self._waits.longest_s if trouble.is_settled else self._waits.after(self._failures))

    async def drain(self) -> None:
        """Wait until what is in the outbox has been handed to the socket; at once where there is none."""
        if self._outbox.is_open:
            await self._outbox.emptied()

    async def _attempt(self) -> Trouble:
        try:
            async with gateway_link.opening(self._url, self._name, self._secret, self._ca_file) as link:
                await self._converse(link)
        except ConnectionClosed:
            pass
        except (OSError, InvalidHandshake, InvalidURI, WireError) as error:
            return gateway_link.why_not_connected(error, self._name, self._url, self._ca_file)
        except Exception as error:  # whatever it is, the instruments must go on and the next attempt must come
            logger.exception("fault in the connection to the gateway")
            return Trouble(f"fault in the connection: {error!r:.200}")
        return gateway_link.why_closed(link, self._name)

    async def _converse(self, link: ClientConnection) -> None:
        _send_little_ahead(link)
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            self._welcome(await link.recv())
        self._outbox.open(self._spool.is_in_window)
        try:
            await self._exchange(link)
        except asyncio.CancelledError:
            await _close(link)
            raise
        finally:
            self._outbox.close()
            self._loggers.clear()
            self._commands.leases.disconnected()

    async def _exchange(self, link: ClientConnection) -> None:
        try:
            async with asyncio.TaskGroup() as beside:
                beside.create_task(self._write(link), name="uplink writer")
                beside.create_task(self._send_again(), name="uplink backfill")
                beside.create_task(self._time_way(link), name="uplink way")
                if self._wants_beats:
                    beside.create_task(self._beat(link), name="uplink beat")
                await self._read(link)
        except* (ConnectionClosed, TimeoutError):
            link.transport.abort()  # close() would want to write

    async def _write(self, link: ClientConnection) -> Never:
        while True:
            message = await self._outbox.next()
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await link.send(sockets.encode(message, sockets.MSGPACK))
            failpoints.reach("agent.sent")
            if message[1].endswith("/backfill"):
                self._handed_over.set()
                await asyncio.sleep(0)  # a socket that takes everything would hold up what comes meanwhile

    async def _beat(self, link: ClientConnection) -> Never:
        """Tell our clock: it comes back in each command, and says how long that was under way."""
        while True:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await link.send(sockets.encode(["beat", clock.boottime_ns() // 1_000_000], sockets.MSGPACK))
            await asyncio.sleep(BEAT_S)

    async def _time_way(self, link: ClientConnection) -> Never:
        """Measure how long the backfill needs to the gateway: a ping behind it is answered there, not by a logger.

        An answer that never comes ends with the connection, which has pings of its own with a limit.
        """
        while True:
            await self._handed_over.wait()
            self._handed_over.clear()
            self._schedule.passed(await (await link.ping()))

    async def _read(self, link: ClientConnection) -> Never:
        while True:
            received = await link.recv()
            try:
                self._receive(*sockets.decode(received, sockets.MSGPACK))
            except WireError as error:
                logger.warning("from the gateway: %s", error)

    def _receive(self, kind: str, rest: list[Any]) -> None:
        match kind, rest:
            case "message", [str(tail), bytes(payload), *options]:
                self._receive_message(tail, payload, options)
            case "refused", [str(tail), str(code), str(sentence)]:
                self._receive_refusal(tail, code, sentence)
            case "welcome", _:
                pass
            case _:
                raise WireError(f"{kind!r:.40} with {len(rest)} parts is no message to an agent")

    def _receive_message(self, tail: str, payload: bytes, options: list[Any]) -> None:
        if commanded := topics.commanded(tail):
            instrument, kind, user = commanded
            how = options[0] if options and isinstance(options[0], dict) else {}
            self._commands.receive(instrument, user, payload, how, is_raw=kind == "raw")
            return
        if session := topics.online_session(tail):
            self._commands.leases.session(session, is_there=bool(payload))
            return
        match tail.split("/"):
            case ["logged"]:
                self._receive_logged(payload)
            case [instrument, "description"]:
                self._receive_description(instrument)
            case [instrument, "calibration"] if topics.NAME.match(instrument):
                self._on_calibration(instrument, payload)
            case [topics.SERVICE, service, "status"]:
                self._receive_service(service, payload)
            case _:
                raise WireError(f"message {tail!r:.60} is not for an agent")

    def _receive_logged(self, payload: bytes) -> None:
        if stored.is_stored(payload):
            self._on_stored(Stored.decode(payload))
            return
        logged = messages.decode_logged(payload)
        self._spool.forget(logged)
        if self._schedule.acknowledged(logged, time.monotonic_ns()):
            self._acknowledged.set()

    def _receive_description(self, instrument: str) -> None:
        """The broker still has an instrument: take it away if an earlier configuration had it and ours has not."""
        if not self._outbox.retains(f"{instrument}/description"):
            for kind in ("description", "state", "latest", "control", "alarm"):
                self._outbox.retain(f"{instrument}/{kind}", b"")

    def _receive_service(self, service: str, payload: bytes) -> None:
        status = messages.ServiceStatus.decode(payload) if payload else None
        if status is None or not (status.role == "logger" and status.online and status.healthy):
            self._loggers.discard(service)
            if not self._loggers:
                self._outbox.drop_backfill()
        elif service not in self._loggers:
            if not self._loggers:
                self._schedule.reset()
            self._loggers.add(service)
            self._acknowledged.set()

    def _receive_refusal(self, tail: str, code: str, sentence: str) -> None:
        is_known = (tail, code) in self._refusals
        logger.log(logging.DEBUG if is_known else logging.WARNING, "%s was not taken: %s (%s)", tail, sentence, code)
        if len(self._refusals) < 1000:
            self._refusals.add((tail, code))

    async def _send_again(self) -> Never:
        """Feed the backfill while a healthy logger is there."""
        while True:
            self._acknowledged.clear()
            if not (self._loggers and self._spool.has_backlog and await self._send_more()):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._acknowledged.wait()

    async def _send_more(self) -> bool:
        """Whether it is worth while to look again at once."""
        schedule = self._schedule
        count, size = schedule.allowance(time.monotonic_ns())
        if not count or not size:
            return False
        before = schedule.cursor
        if schedule.is_probing:
            self._outbox.drop_backfill()  # one probe, and not what should have gone before it
        found = await self._spool.oldest(after=before, count=count, older_than_s=self._resend_after_s)
        if not self._loggers:  # the last one left meanwhile
            return False
        chosen = schedule.choose(found, time.monotonic_ns(), after=before)
        self._outbox.backfill(backfill.bundle((entry.frame for entry in chosen), schedule.bundle_bytes))
        return bool(chosen) or schedule.cursor != before

    def _welcome(self, received: str | bytes) -> None:
        kind, rest = sockets.decode(received, sockets.MSGPACK)
        if kind != "welcome":
            raise WireError(f"{kind!r:.40} received, expected welcome")
        about = rest[0] if rest and isinstance(rest[0], dict) else {}
        gateway = str(about.get("gateway", ""))[:64]
        self._wants_beats = about.get("beats") is True
        logger.info("connected to the gateway %s", gateway or self._url)
        systemd.tell_status(f"{systemd.CONNECTED} {gateway or self._url}")
        self._reported, self._welcomed_s = "", time.monotonic()
        self._schedule.reset()
        self._commands.nonce = secrets.token_hex(8)
        self._commands.leases.connected()
        time_us = about.get("time")
        self._on_welcome(gateway, time_us if type(time_us) is int else 0)

    def _report(self, trouble: Trouble) -> None:
        """One line for each kind of trouble; the rest, until the next welcome, is for debugging."""
        is_new, self._reported = trouble.kind != self._reported, trouble.kind
        level = logging.ERROR if trouble.is_fatal else logging.WARNING
        logger.log(level if is_new else logging.DEBUG, "gateway %s: %s", self._url, trouble.sentence)
        systemd.tell_status(f"not connected: {trouble.sentence}")


async def _close(link: ClientConnection) -> None:
    """Say goodbye, but never wait behind what a dead socket does not take: the library's own limit begins later."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await link.close(CloseCode.GOING_AWAY, "stopped")
    link.transport.abort()


def _send_little_ahead(link: ClientConnection) -> None:
    raw = link.transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):  # it only helps on slow lines; not every system has it
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, SEND_AHEAD)
