"""The gateway: sockets on one side, the broker on the other, and nothing kept in between."""

import asyncio
import importlib.metadata
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from kleinmaelzung_bus import session as bus
from kleinmaelzung_gateway import http
from kleinmaelzung_gateway.agents import Agents
from kleinmaelzung_gateway.clients import Clients
from kleinmaelzung_gateway.config import Config
from kleinmaelzung_gateway.hub import Hub
from kleinmaelzung_gateway.login import Broker
from kleinmaelzung_gateway.metrics import Metrics, render, render_by_filter
from kleinmaelzung_wire import access, messages, sockets, topics

logger = logging.getLogger(__name__)

# One message: a payload of at most codec.MAX_BYTES and what is around it.
MAX_MESSAGE = 256 * 1024
OPEN_TIMEOUT_S = 5.0
PING_S = 15.0  # a dead peer is noticed after twice that


class Gateway:
    """What all sockets share."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.version = importlib.metadata.version("kleinmaelzung")
        self._started = time.time_ns() // 1000
        self._metrics = Metrics()
        self.hub = Hub()
        broker = Broker(host=config.broker_host, port=config.broker_port)
        self.agents = Agents(broker, self._metrics, self.version)
        self.clients = Clients(broker, self.hub, self._metrics, self.version)
        self._account = broker.account(access.service_user("gateway"), config.password)

    async def serve_socket(self, websocket: ServerConnection) -> None:
        assert websocket.request is not None
        path = websocket.request.path.partition("?")[0]
        try:
            await (self.agents if path == sockets.AGENT_PATH else self.clients).serve(websocket)
        except Exception:  # one socket's trouble must not reach the others; websockets closes this one
            logger.exception("a socket on %s ended by a mistake of ours", path)
            raise

    def answer_http(self, websocket: ServerConnection, request: Request) -> Response | None:
        return http.answer(websocket, request, self.health, self.metrics)

    async def keep_hub(self) -> None:
        """Hold the hub's session to the broker, for ever."""
        await bus.keep(
            self._account,
            client_id=access.service_user("gateway") + f":{self._started}",
            serve=self._serve_hub,
            on_message=self.hub.on_message,
            will=bus.Will(topic=topics.service_status("gateway"), payload=self._status(online=False)),
        )

    async def _serve_hub(self, session: bus.Session) -> None:
        await session.publish(topics.service_status("gateway"), self._status(online=True), retained=True)
        await self.hub.serve(session)

    def _status(self, *, online: bool) -> bytes:
        return messages.ServiceStatus(
            role="gateway", online=online, healthy=online, since=self._started, version=self.version
        ).encode()

    def health(self) -> dict[str, object]:
        connected = self.hub.is_connected
        return {
            "ok": connected,
            "version": self.version,
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
                "requests_total": ("counter", "Requests to services sent on", counted.requests),
                "refused_logins_total": ("counter", "Logins refused", counted.refused_logins),
                "refused_messages_total": ("counter", "Messages refused", counted.refused_messages),
            }
        )


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
async def listen(config: Config) -> AsyncIterator["Listening"]:
    """Run a gateway as long as the context lasts. Raises OSError when the port is taken."""
    gateway = Gateway(config)
    async with serve(
        gateway.serve_socket,
        config.host,
        config.port,
        process_request=gateway.answer_http,
        subprotocols=[Subprotocol(sockets.MSGPACK), Subprotocol(sockets.JSON)],
        compression=None,  # payloads are msgpack; 50 KiB less for each socket
        max_size=MAX_MESSAGE,
        open_timeout=OPEN_TIMEOUT_S,
        ping_interval=PING_S,
        ping_timeout=PING_S,
        close_timeout=2,
        server_header=None,
    ) as server:
        hub = asyncio.create_task(gateway.keep_hub(), name="hub")
        try:
            yield Listening(gateway=gateway, server=server, hub=hub)
        finally:
            while not hub.done():  # a TaskGroup can swallow one cancellation, when a task of its fails just then
                hub.cancel()
                await asyncio.wait((hub,), timeout=1)
