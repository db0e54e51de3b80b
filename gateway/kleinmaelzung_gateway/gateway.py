"""The gateway: sockets on one side, the broker on the other, and nothing kept in between."""

import asyncio
import contextlib
import importlib.metadata
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from kleinmaelzung_bus import session as bus
from kleinmaelzung_gateway import calibration_file, history, history_query, http, listener, page_files
from kleinmaelzung_gateway.agents import Agents
from kleinmaelzung_gateway.certificate import Certificate
from kleinmaelzung_gateway.clients import Clients, Entrances
from kleinmaelzung_gateway.config import Config
from kleinmaelzung_gateway.files import Files
from kleinmaelzung_gateway.guarded import OPEN_TIMEOUT_S, Guard, GuardedConnection
from kleinmaelzung_gateway.hub import Hub
from kleinmaelzung_gateway.login import Broker
from kleinmaelzung_gateway.metrics import Metrics, render, render_by_filter
from kleinmaelzung_gateway.refusals import Refusals
from kleinmaelzung_gateway.shelf import Shelf
from kleinmaelzung_wire import access, messages, sockets, topics
from kleinmaelzung_wire.codec import WireError

logger = logging.getLogger(__name__)

# One message: a payload of at most codec.MAX_BYTES and what is around it.
MAX_MESSAGE = 256 * 1024
# A client's messages: faster ones wait in the network. A person's clicks and programs' questions are far below.
CLIENT_RATE, CLIENT_BURST = 200.0, 400.0
SETTLE_S = 2.0
TELL_EVERY_S = 1.0  # however often a wrong secret comes
_STATUS = topics.service_status("gateway")
PING_S = 15.0  # a dead peer is noticed after twice that


class Gateway:
    """What all sockets share."""

    def __init__(self, config: Config) -> None:
        self.version = importlib.metadata.version("kleinmaelzung")
        self._started = time.time_ns() // 1000
        self._metrics = Metrics()
        self._shelf = Shelf() if config.broker_kind == "rabbitmq" else None
        self.hub = Hub(Refusals(self._metrics), self._shelf)
        self.guard = Guard(config.limits, OPEN_TIMEOUT_S)
        self._names = config.names
        self._page = page_files.read(page_files.BUILT, is_public=config.public_password is not None)
        broker = Broker(
            host=config.broker_host,
            port=config.broker_port,
            tls=config.broker_tls,
            ca_file=config.broker_ca_file,
            kind=config.broker_kind,
            retained=self._shelf.get if self._shelf else None,
        )
        self.agents = Agents(broker, self.hub, self._metrics, self.version)
        entrances = Entrances(
            login_link=config.login_link, public_password=config.public_password, server_key=config.server_key
        )
        self.clients = Clients(broker, self.hub, self._metrics, self.version, entrances)
        self.files = Files(
            broker,
            self._metrics,
            {history_query.ROOT: history.wanted, calibration_file.ROOT: calibration_file.wanted},
        )
        self._account = broker.account(access.service_user("gateway"), config.password)

    async def serve_socket(self, websocket: ServerConnection) -> None:
        assert websocket.request is not None
        path = websocket.request.path.partition("?")[0]
        if path != sockets.AGENT_PATH and isinstance(websocket, GuardedConnection):
            websocket.limit_pace(rate=CLIENT_RATE, burst=CLIENT_BURST)
        try:
            await (self.agents if path == sockets.AGENT_PATH else self.clients).serve(websocket)
        except Exception:  # one socket's trouble must not reach the others; websockets closes this one
            logger.exception("a socket on %s ended by a mistake of ours", path)
            raise

    async def answer_http(self, websocket: ServerConnection, request: Request) -> Response | None:
        """The answer to a GET, or to a handshake that cannot go on; None lets it go on."""
        assert isinstance(websocket, GuardedConnection)
        if sentence := websocket.why_refused():
            return http.busy(sentence)
        refused = http.refuse(request, self._names)
        if refused is None and self.files.is_meant(request.path):
            return await self.files.answer(websocket, request)
        answered = refused or http.answer(websocket, request, self.health, self.metrics, self._page)
        if answered is None and not await websocket.login_place():
            return http.busy("too many connections that have not logged in yet; come back later")
        return answered

    async def keep_hub(self) -> None:
        """Hold the hub's session to the broker, for ever."""
        await bus.keep(
            self._account,
            client_id=access.service_user("gateway") + f":{self._started}",
            serve=self._serve_hub,
            on_message=self._on_message,
            will=bus.Will(topic=topics.service_status("gateway"), payload=self._status(online=False)),
            retained=self._shelf.get if self._shelf else None,
        )

    def _on_message(self, message: bus.Message) -> None:
        if message.topic == _STATUS and not _is_online(message.payload):
            self.agents.knocks.changed.set()  # another gateway has ended, and its will is not the word of all: say ours
        self.hub.on_message(message)

    async def _serve_hub(self, session: bus.Session) -> None:
        await session.publish(topics.service_status("gateway"), self._status(online=True), retained=True)
        telling = asyncio.create_task(self._tell_knocks(session), name="knocks")
        try:
            await self.hub.serve(session)
        finally:
            telling.cancel()

    async def _tell_knocks(self, session: bus.Session) -> None:
        """Say which agents are not let in; the hub's own task notices when the session is lost."""
        knocks = self.agents.knocks
        with contextlib.suppress(bus.BusError):
            while True:
                await knocks.changed.wait()
                knocks.changed.clear()
                await session.publish(topics.service_status("gateway"), self._status(online=True), retained=True)
                await asyncio.sleep(TELL_EVERY_S)

    def _status(self, *, online: bool) -> bytes:
        return messages.ServiceStatus(
            role="gateway",
            online=online,
            healthy=online,
            since=self._started,
            version=self.version,
            figures={"knocks": self.agents.knocks.told()} if online else {},
        ).encode()

    def health(self) -> dict[str, object]:
        connected = self.hub.is_connected
        return {
            "ok": connected,
            "version": self.version,
            "time": time.time_ns() // 1000,
            "broker": "connected" if connected else "lost",
            "agents": len(self.agents),
            "clients": len(self.clients),
        }

    def metrics(self) -> str:
        hub, counted = self.hub, self._metrics
        by_filter = render_by_filter(
            "subscription_sockets", "Sockets that one broker subscription serves", hub.watchers_by_filter
        )
        return by_filter + render(
            {
                "agents": ("gauge", "Agents connected here", len(self.agents)),
                "clients": ("gauge", "Client sockets connected here", len(self.clients)),
                "broker_connected": ("gauge", "Whether the hub's session is up", hub.is_connected),
                "broker_subscriptions": ("gauge", "Filters subscribed for all watching sockets", hub.subscriptions),
                "watching_sockets": ("gauge", "Sockets that watch something", hub.watchers),
                "messages_from_agents_total": ("counter", "Publications by agents", counted.from_agents),
                "messages_from_broker_total": ("counter", "Messages the hub received", hub.received),
                "deliveries_total": ("counter", "Messages offered to watching sockets", hub.delivered),
                "dropped_total": (
                    "counter",
                    "Agents' live messages the broker was too slow for",
                    counted.dropped,
                ),
                "missed_total": ("counter", "Live messages dropped for slow sockets that have left", counted.missed),
                "commands_total": ("counter", "Commands sent on", counted.commands),
                "unlogged_records": ("gauge", "Records of refused commands that no logger has yet", hub.unlogged),
                "unrecorded_total": ("counter", "Records of refused commands given up", counted.unrecorded),
                "requests_total": ("counter", "Requests to services sent on", counted.requests),
                "history_files": ("gauge", "Files of history and of certificates under way", len(self.files)),
                "refused_logins_total": ("counter", "Logins refused", counted.refused_logins),
                "sockets": ("gauge", "Sockets open, logged in or not", self.guard.places.taken),
                "logging_in": ("gauge", "Sockets that have not logged in yet", self.guard.logging_in.taken),
                "refused_sockets_total": ("counter", "Sockets there was no place for", self.guard.refused),
                "cut_sockets_total": ("counter", "Sockets closed for what they sent", self.guard.cut),
                "refused_messages_total": ("counter", "Messages refused", counted.refused_messages),
            }
        )


def _is_online(payload: bytes) -> bool:
    try:
        return messages.ServiceStatus.decode(payload).online
    except WireError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A gateway that runs."""

    gateway: Gateway
    server: Server
    hub: "asyncio.Task[None]"

    @property
    def address(self) -> tuple[str, int]:
        host, port = next(iter(self.server.sockets)).getsockname()[:2]
        return host, port

    async def until(self, stop: asyncio.Event) -> None:
        """Wait for `stop`; raises what ended the hub, should it ever end."""
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait((stopping, self.hub), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self.hub.done():
            self.hub.result()


@asynccontextmanager
async def listen(config: Config, reload: asyncio.Event | None = None) -> AsyncIterator["Listening"]:
    """Run a gateway as long as the context lasts; `reload` is set to have it look at its certificate.

    Raises OSError when the port is taken, CertificateError when certificate or key cannot be used.
    """
    gateway = Gateway(config)
    certificate = Certificate(config.certificate) if config.certificate else None
    addresses = await listener.find(config.host, config.port)
    async with AsyncExitStack() as stack:
        listeners = stack.enter_context(listener.bound(addresses, gateway.guard))
        servers = [await stack.enter_async_context(_serve(gateway, certificate, one)) for one in listeners]
        hub = asyncio.create_task(gateway.keep_hub(), name="hub")
        fresh = asyncio.create_task(_keep_fresh(certificate, reload or asyncio.Event()), name="certificate")
        try:
            yield Listening(gateway=gateway, server=servers[0], hub=hub)
        finally:
            gateway.files.close()
            fresh.cancel()
            await asyncio.wait((fresh,))
            await gateway.hub.settle(SETTLE_S)
            while not hub.done():  # a TaskGroup can swallow one cancellation, when a task of its fails just then
                hub.cancel()
                await asyncio.wait((hub,), timeout=1)


def _serve(
    gateway: Gateway, certificate: Certificate | None, sock: socket.socket
) -> AbstractAsyncContextManager[Server]:
    return serve(
        gateway.serve_socket,
        sock=sock,
        process_request=gateway.answer_http,
        subprotocols=[Subprotocol(sockets.MSGPACK), Subprotocol(sockets.JSON)],
        compression=None,  # payloads are msgpack; 50 KiB less for each socket
        max_size=MAX_MESSAGE,
        open_timeout=None,  # GuardedConnection sees to it: a file takes longer
        ping_interval=PING_S,
        ping_timeout=PING_S,
        close_timeout=2,
        server_header=None,
        create_connection=gateway.guard.connection(),
        ssl=certificate.context if certificate else None,
        ssl_handshake_timeout=OPEN_TIMEOUT_S if certificate else None,
    )


async def _keep_fresh(certificate: Certificate | None, reload: asyncio.Event) -> None:
    if certificate is not None:
        await certificate.keep_fresh(reload)
