"""A small honest gateway with a logger behind it, in memory: speaks docs/protocol.md to agents on a port of its own.

It can be told not to log, to cut connections, to refuse secrets, and to be away for a while.
"""

import base64
import contextlib
import http
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from kleinmaelzung_wire import frames, ledger, messages, sockets, topics
from kleinmaelzung_wire.frames import Frame
from kleinmaelzung_wire.messages import AgentStatus, Command, Control, LoggedRanges, Reply, ServiceStatus
from tests.waiting import until

SECRET = "a secret"


class FakeGateway:
    """`logged` is what the logger holds; `is_logging` whether it commits and acknowledges."""

    def __init__(self) -> None:
        self.is_logging = True
        self.is_announced = True
        self.beats: list[int] = []
        self.logged: dict[tuple[str, int, int], bytes] = {}
        self.conflicts: list[tuple[str, int, int]] = []
        self.seen: dict[tuple[str, int, int], bytes] = {}
        self.kinds: defaultdict[str, list[Frame]] = defaultdict(list)
        self.came: list[tuple[str, int]] = []  # tail and size of all that came, in order
        self.bundles: list[int] = []  # how many frames came with each message of backfill
        self.to_lose = 0  # messages of backfill that vanish on the way to the logger
        self.lost: list[Frame] = []
        self.published: defaultdict[str, list[bytes]] = defaultdict(list)
        self.replies: list[tuple[Reply, dict[str, Any]]] = []
        self.connections = 0
        self.refused = 0
        self.close_with: tuple[int, str] | None = None
        self.port = 0
        self._count = 0
        self._open: set[ServerConnection] = set()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_connected(self) -> bool:
        return bool(self._open)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            subprotocols=[Subprotocol(sockets.MSGPACK)],
            process_request=self._check,
            compression=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def cut(self) -> None:
        """The network is gone, without a goodbye."""
        for connection in self._open:
            connection.transport.abort()

    def forget_what_came(self) -> None:
        """Look only at what comes from now on; what is logged stays."""
        self.kinds.clear()
        self.came.clear()
        self.bundles.clear()

    def freeze(self) -> None:
        """Go on, but read nothing any more."""
        for connection in self._open:
            connection.transport.pause_reading()

    async def close(self, code: int, reason: str) -> None:
        for connection in list(self._open):
            await connection.close(code, reason)

    async def command(
        self,
        instrument: str,
        payload: bytes,
        correlation: bytes = b"c",
        *,
        user: str = "anna",
        session: str = "s1",
        kind: str = "command",
    ) -> None:
        options = {"response": topics.inbox(user, session), "correlation": correlation}
        await self._send(["message", f"{instrument}/{kind}/{user}", payload, options])

    async def session(self, user: str, session: str, *, is_there: bool) -> None:
        """The broker's word on a client session."""
        tail = topics.tail(topics.online(user, session))
        await self._send(["message", tail, b"there" if is_there else b"", {}])

    async def asked(
        self,
        instrument: str,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        user: str = "anna",
        session: str = "s1",
        kind: str = "command",
        id_: str = "",
        nonce: str = "",
        beat: int = 0,
        timeout_s: float = 5.0,
    ) -> Reply:
        """Send a command and wait for its reply."""
        self._count += 1
        wanted = Command(
            id=id_ or f"a{self._count}",
            name=name,
            user=user,
            arguments=dict(arguments or {}),
            timeout_us=int(timeout_s * 1e6),
            sent=0,
            nonce=nonce,
            beat=beat,
        )
        correlation = str(self._count).encode()
        await self.command(instrument, wanted.encode(), correlation, user=user, session=session, kind=kind)
        await until(lambda: self._answers(correlation), f"an answer to {name}")
        return self._answers(correlation)[0]

    def records(self, instrument: str) -> list[dict[str, Any]]:
        """The records of commands that the logger has, in the order in which they were received by agents."""
        found = [payload for (name, _, _), payload in self.logged.items() if name == instrument]
        records = [record for payload in found for record in frames.decode(payload).records]
        return sorted((r for r in records if r["kind"] == ledger.KIND), key=lambda record: record["received"])

    def control(self, instrument: str) -> Control:
        return Control.decode(self.published[f"{instrument}/control"][-1])

    def _answers(self, correlation: bytes) -> list[Reply]:
        return [reply for reply, options in self.replies if options.get("correlation") == correlation]

    async def calibrate(self, instrument: str, payload: bytes) -> None:
        """What its certificate says of an instrument; empty: nothing."""
        await self._send(["message", f"{instrument}/calibration", payload])

    async def announce(self, *, healthy: bool) -> None:
        status = ServiceStatus(role="logger", online=True, healthy=healthy)
        await self._send(["message", "_service/logger/status", status.encode()])

    def status(self) -> AgentStatus | None:
        found = self.published["status"]
        return AgentStatus.decode(found[-1]) if found else None

    def numbers(self, instrument: str, epoch: int) -> list[int]:
        return sorted(number for name, e, number in self.logged if (name, e) == (instrument, epoch))

    def _check(self, _: ServerConnection, request: Request) -> Response | None:
        wanted = base64.b64encode(f"pi-1:{SECRET}".encode()).decode()
        if request.path == sockets.AGENT_PATH and request.headers.get("Authorization") == f"Basic {wanted}":
            return None
        self.refused += 1
        return Response(http.HTTPStatus.UNAUTHORIZED, "Unauthorized", request.headers.__class__(), b"")

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections += 1
        if self.close_with is not None:
            await connection.close(*self.close_with)
            return
        self._open.add(connection)
        with contextlib.suppress(ConnectionClosed):
            await self._converse(connection)
        self._open.discard(connection)

    async def _converse(self, connection: ServerConnection) -> None:
        about = {"agent": "pi-1", "gateway": "fake", "version": "0", "time": 0, "beats": True}
        await connection.send(sockets.encode(["welcome", about], sockets.MSGPACK))
        if self.is_announced:
            await self.announce(healthy=True)
        async for received in connection:
            kind, rest = sockets.decode(received, sockets.MSGPACK)
            if kind == "beat":
                self.beats += rest
                continue
            assert kind == "publish"
            await self._take(connection, rest)

    async def _take(self, connection: ServerConnection, rest: list[Any]) -> None:
        tail, payload, *options = rest
        self.published[tail].append(payload)
        self.came.append((tail, len(payload)))
        instrument, _, kind = tail.partition("/")
        if kind == "reply":
            self.replies.append((Reply.decode(payload), *options))
        if kind in ("data", "backfill"):
            await self._log(connection, instrument, kind, payload)

    async def _log(self, connection: ServerConnection, instrument: str, kind: str, payload: bytes) -> None:
        payloads = frames.unpack_several(payload)
        if kind == "backfill":
            self.bundles.append(len(payloads))
            if self.to_lose:
                self.to_lose -= 1
                self.lost += map(frames.decode, payloads)
                return
        numbered = [self._see(instrument, kind, one) for one in payloads]
        if self.is_logging:
            ranges = [
                LoggedRanges(instrument=instrument, epoch=epoch, ranges=[(number, number)])
                for epoch, number in numbered
            ]
            self.logged |= {(instrument, *name): self.seen[instrument, *name] for name in numbered}
            message = ["message", "logged", messages.encode_logged(ranges)]
            await connection.send(sockets.encode(message, sockets.MSGPACK))

    def _see(self, instrument: str, kind: str, payload: bytes) -> tuple[int, int]:
        frame = frames.decode(payload)
        key = instrument, frame.epoch, frame.number
        if self.seen.setdefault(key, payload) != payload:
            self.conflicts.append(key)
        self.kinds[kind].append(frame)
        return frame.epoch, frame.number

    async def _send(self, message: list[Any]) -> None:
        for connection in list(self._open):
            await connection.send(sockets.encode(message, sockets.MSGPACK))


def command(id_: str, name: str = "tare", timeout_s: float = 5.0, user: str = "anna") -> Command:
    return Command(id=id_, name=name, user=user, timeout_us=int(timeout_s * 1e6), sent=0)
