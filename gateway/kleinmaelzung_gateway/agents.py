"""The agents' sockets: each is one MQTT session with the agent's own credentials and a will.

In: ["publish", tail, payload, options], ["beat", its clock]. Out: commands, what is logged, what certificates say,
loggers' status. A measurement is never decoded.
"""

import asyncio
import logging
import time
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from kleinmaelzung_bus import session as bus
from kleinmaelzung_bus.session import BusError, BusLost, Message, NotPermitted, Session
from kleinmaelzung_gateway import enrolling, guarded, login
from kleinmaelzung_gateway.hub import Hub
from kleinmaelzung_gateway.knocks import Knocks
from kleinmaelzung_gateway.login import Broker, LoginError
from kleinmaelzung_gateway.metrics import Metrics
from kleinmaelzung_gateway.outbox import Outbox
from kleinmaelzung_wire import access, codec, messages, sockets, topics
from kleinmaelzung_wire.codec import WireError

logger = logging.getLogger(__name__)

MAX_TAILS = 4096  # known <instrument>/<kind> of one agent
MAX_UNACKNOWLEDGED = 200  # publications at QoS 1 under way; beyond it the socket is not read


class Agents:
    """All agents connected to this gateway."""

    def __init__(self, broker: Broker, hub: Hub, metrics: Metrics, version: str) -> None:
        self._broker = broker
        self._hub = hub
        self._metrics = metrics
        self._version = version
        self._connected: dict[str, AgentSocket] = {}
        # A refusal of RabbitMQ is the session's end.
        self._uninformed: set[str] | None = set() if broker.kind == "rabbitmq" else None
        self.knocks = Knocks()

    def __len__(self) -> int:
        return len(self._connected)

    async def serve(self, websocket: ServerConnection) -> None:
        """Serve one agent's socket until it ends."""
        try:
            match await login.receive_agent(websocket):
                case login.Enrolling(wanted):
                    await enrolling.hand_over(websocket, self._broker, wanted)
                case who:
                    await self._serve_known(websocket, who)
        except LoginError as error:
            self._metrics.refused_logins += 1
            await websocket.close(sockets.NOT_LOGGED_IN, str(error)[:120])
        except BusError as error:
            logger.warning("agent: %s", error)
            await websocket.close(sockets.BROKER_LOST, str(error)[:120])

    async def _serve_known(self, websocket: ServerConnection, who: login.Credentials) -> None:
        try:
            await self._serve_agent(websocket, who)
        except NotPermitted as error:
            self.knocks.refused(who.name)
            sentence = f"agent {who.name} is not known with this secret; kleinmaelzung agent add {who.name} makes one"
            logger.warning("refused: %s", sentence)
            raise LoginError(sentence) from error

    async def _serve_agent(self, websocket: ServerConnection, who: login.Credentials) -> None:
        user = access.agent_user(who.name)
        agent = AgentSocket(websocket, who.name, self._hub, self._metrics, self._uninformed)
        will = bus.Will(
            topic=topics.status(who.name),
            payload=messages.AgentStatus(online=False, reason="the connection was lost").encode(),
        )
        async with self._broker.session(
            websocket, user, who.password, client_id=user, on_message=agent.on_message, will=will
        ) as session:
            before = self._connected.get(who.name)
            self._connected[who.name] = agent
            self.knocks.came(who.name)
            try:
                if before is not None:
                    self.knocks.taken_over(who.name)
                    await before.take_over()
                agent.outbox.put("welcome", self._welcome(who.name))
                await agent.run(session)
            finally:
                if self._connected.get(who.name) is agent:
                    del self._connected[who.name]
                    self._hub.note_beat(who.name, 0)

    def _welcome(self, name: str) -> dict[str, Any]:
        now_us = time.time_ns() // 1000
        return {"agent": name, "gateway": "gateway", "version": self._version, "time": now_us, "beats": True}


class AgentSocket:
    """One agent's socket joined to its session.

    `uninformed` are agents whose last session ended when it asked what certificates say; None: refusals are answers.
    """

    def __init__(
        self, websocket: ServerConnection, name: str, hub: Hub, metrics: Metrics, uninformed: set[str] | None
    ) -> None:
        self.outbox = Outbox(websocket)
        self._websocket = websocket
        self._name = name
        self._hub = hub
        self._metrics = metrics
        self._uninformed = uninformed
        self._routes: dict[str, tuple[str, topics.Kind]] = {}
        self._under_way = asyncio.Semaphore(MAX_UNACKNOWLEDGED)

    async def take_over(self) -> None:
        """End this socket: the same agent has connected again."""
        logger.warning("agent %s connected again, its earlier connection ends", self._name)
        await self._websocket.close(sockets.TAKEN_OVER, f"agent {self._name} connected again elsewhere")

    def on_message(self, message: Message) -> None:
        tail = topics.tail(message.topic).removeprefix(f"{self._name}/")
        if tail.endswith("/description") and not message.retained:
            return  # its own word, just published; the retained ones tell it what the broker still has
        options = {"response": message.response_topic, "correlation": message.correlation}
        self.outbox.put("message", tail, message.payload, {key: value for key, value in options.items() if value})

    async def run(self, session: Session) -> None:
        """Subscribe, then publish what the agent sends until socket or session ends."""
        for topic_filter in topics.commands(self._name):
            await session.subscribe(topic_filter, qos=1)
        await session.subscribe(topics.any_online(), qos=1)
        await session.subscribe(topics.descriptions(self._name), qos=1)
        await self._subscribe_calibrations(session)
        await session.subscribe(topics.logged(self._name))
        await session.subscribe(topics.any_service_status(), qos=1)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self.outbox.run(), name=f"{self._name}-out")
                watchdog = group.create_task(session.wait_lost(), name=f"{self._name}-broker")
                await self._read(session, group)
                writer.cancel()
                watchdog.cancel()
        except BaseExceptionGroup as errors:
            await self._ended(session, errors)

    async def _subscribe_calibrations(self, session: Session) -> None:
        """Let the agent know what certificates say; it goes on without where the broker's rules are older than this.

        Where a refusal ends the session, the next one goes on without, and the one after it asks again.
        """
        if self._uninformed is not None and self._name in self._uninformed:
            self._uninformed.discard(self._name)
            logger.warning("agent %s does not learn of calibrations: its last session ended when it asked", self._name)
            return
        try:
            await session.subscribe(topics.calibrations(self._name), qos=1)
        except NotPermitted as error:
            logger.warning("agent %s does not learn of calibrations: %s", self._name, error)
        except BusLost:
            if self._uninformed is not None:
                self._uninformed.add(self._name)
            raise

    async def _ended(self, session: Session, errors: BaseExceptionGroup[BaseException]) -> None:
        if errors.subgroup(ConnectionClosedOK) is not None:
            return
        if errors.subgroup(ConnectionClosed) is not None:
            session.drop()  # without a goodbye: the will tells everyone
            return
        lost = errors.subgroup(BusError)
        if lost is None:
            raise errors
        first = lost.exceptions[0]
        raise BusLost(str(first)) from errors

    async def _read(self, session: Session, group: asyncio.TaskGroup) -> None:
        while True:
            received = await self._websocket.recv()
            tail = ""
            try:
                kind, rest = sockets.decode(received, sockets.MSGPACK)
                if kind == "beat":
                    self._beat(rest)
                    continue
                if kind != "publish":
                    raise WireError(f"an agent sends publish or beat, not {kind!r:.40}")
                tail = rest[0][:80] if rest and isinstance(rest[0], str) else ""
                await self._publish(session, group, rest)
            except WireError as error:
                self._refuse(tail, sockets.BAD_MESSAGE, str(error))
                if not tail:
                    guarded.note_undecodable(self._websocket)

    def _beat(self, rest: list[Any]) -> None:
        match rest:
            case [int(beat)] if 0 < beat < 2**63:
                self._hub.note_beat(self._name, beat)
            case _:
                raise WireError('expected ["beat", milliseconds]')

    async def _publish(self, session: Session, group: asyncio.TaskGroup, rest: list[Any]) -> None:
        match rest:
            case [str(tail), bytes(payload)]:
                options: dict[str, Any] = {}
            case [str(tail), bytes(payload), dict(options)]:
                pass
            case _:
                raise WireError('expected ["publish", tail, payload] with text, bytes and perhaps a map of options')
        self._metrics.from_agents += 1
        topic, kind = self._route(tail)
        if kind.qos == 0:
            content_type = codec.CONTENT_TYPE_JSON if kind.json else codec.CONTENT_TYPE
            if not session.publish_soon(topic, payload, retained=kind.retained, content_type=content_type):
                self._metrics.dropped += 1  # the broker does not keep up; the agent still has the frame
            return
        await self._under_way.acquire()
        group.create_task(self._publish_checked(session, tail, topic, kind, payload, options), name=topic)

    def _route(self, tail: str) -> tuple[str, topics.Kind]:
        route = self._routes.get(tail)
        if route is None:
            if len(self._routes) >= MAX_TAILS:
                raise WireError(f"more than {MAX_TAILS} different topics")
            route = self._routes[tail] = topics.from_agent(self._name, tail)
        return route

    async def _publish_checked(
        self,
        session: Session,
        tail: str,
        topic: str,
        kind: topics.Kind,
        payload: bytes,
        options: dict[str, Any],
    ) -> None:
        try:
            await session.publish(topic, payload, retained=kind.retained)
            response, correlation = options.get("response"), options.get("correlation")
            if kind is topics.INSTRUMENT_KINDS["reply"] and isinstance(response, str) and topics.is_inbox(response):
                await session.publish(
                    response, payload, correlation=correlation if isinstance(correlation, bytes) else None
                )
        except NotPermitted as error:
            self._refuse(tail, sockets.NOT_PERMITTED, str(error))
        finally:
            self._under_way.release()

    def _refuse(self, tail: str, code: str, sentence: str) -> None:
        self._metrics.refused_messages += 1
        logger.warning("agent %s: refused %r: %s", self._name, tail, sentence)  # %r: no line of its making
        self.outbox.put("refused", tail, code, sentence)
