"""The clients' sockets: list, watch, command, ask services, manage accounts. Each is an MQTT session of its own.

In: questions [kind, id, ...]. Out: one answer to each, and what is watched. Live data comes from the hub, once the
user's session was allowed to subscribe; the retained messages that came with it go first.
"""

import asyncio
import logging
import secrets
import time
import uuid
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_bus.session import BusError, BusLost, NotPermitted
from kleinmaelzung_gateway import commanding, guarded, login
from kleinmaelzung_gateway.commanding import Commanding
from kleinmaelzung_gateway.hub import Hub, Watched, readable
from kleinmaelzung_gateway.listing import listing
from kleinmaelzung_gateway.login import Broker, LoginError
from kleinmaelzung_gateway.metrics import Metrics
from kleinmaelzung_gateway.outbox import Outbox
from kleinmaelzung_gateway.personal import Personal
from kleinmaelzung_wire import messages, requests, sockets, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import Answer, Request

logger = logging.getLogger(__name__)

MAX_PATTERNS = 500  # watched by one socket
MAX_COMMANDS = 100  # under way by one socket
MAX_REQUESTS = 20
LISTED = ("description", "state", "latest", "control")


class Refused(Exception):
    """What a client asked for cannot be done: a code of sockets and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Clients:
    """All clients connected to this gateway."""

    def __init__(self, broker: Broker, hub: Hub, metrics: Metrics, version: str) -> None:
        self._broker = broker
        self._hub = hub
        self._metrics = metrics
        self._version = version
        self._connected: set[ClientSocket] = set()

    def __len__(self) -> int:
        return len(self._connected)

    async def serve(self, websocket: ServerConnection) -> None:
        """Serve one client's socket until it ends."""
        try:
            who = await login.receive(websocket, "user", "password")
            await self._serve_user(websocket, who)
        except LoginError as error:
            self._metrics.refused_logins += 1
            await websocket.close(sockets.NOT_LOGGED_IN, str(error)[:120])
        except NotPermitted:
            self._metrics.refused_logins += 1
            logger.warning("refused: user %s with a wrong password", who.name)
            await websocket.close(sockets.NOT_LOGGED_IN, "user name or password is wrong")
        except BusError as error:
            logger.warning("client: %s", error)
            await websocket.close(sockets.BROKER_LOST, str(error)[:120])

    async def _serve_user(self, websocket: ServerConnection, who: login.Credentials) -> None:
        name = secrets.token_hex(8)
        personal = Personal(who.name, name)
        client_id = f"{who.name}:{name}"
        on_message, will = personal.on_message, personal.will
        async with self._broker.session(
            websocket, who.name, who.password, client_id=client_id, on_message=on_message, will=will
        ) as session:
            await personal.open(session)
            client = ClientSocket(websocket, who.name, personal, self._hub, self._metrics)
            self._connected.add(client)
            try:
                client.outbox.put("welcome", self._welcome(who.name, name))
                await client.run()
            finally:
                self._connected.discard(client)
                self._metrics.missed += client.outbox.missed_total
                client.leave_all()
                if not await personal.close():
                    self._hub.take_back(personal.will.topic)

    def _welcome(self, user: str, session: str) -> dict[str, Any]:
        return {"user": user, "session": session, "version": self._version, "time": time.time_ns() // 1000}


class ClientSocket:
    """One client's socket joined to its session and the hub."""

    def __init__(self, websocket: ServerConnection, user: str, personal: Personal, hub: Hub, metrics: Metrics) -> None:
        self.outbox = Outbox(websocket)
        self._websocket = websocket
        self._user = user
        self._personal = personal
        self._hub = hub
        self._metrics = metrics
        self._commanding = Commanding(user, personal, hub)
        self._watched = Watched(self.outbox)
        self._commands: set[asyncio.Task[None]] = set()
        self._requests: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Answer questions until socket or session ends."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.outbox.run(), name=f"{self._user}-out")
                group.create_task(self._personal.session.wait_lost(), name=f"{self._user}-broker")
                await self._read(group)
        except BaseExceptionGroup as errors:
            if errors.subgroup(ConnectionClosed) is not None:
                return
            lost = errors.subgroup(BusError)
            if lost is None:
                raise
            raise BusLost(str(lost.exceptions[0])) from errors

    def leave_all(self) -> None:
        for pattern in list(self._watched.patterns):
            self._unwatch(pattern)

    async def _read(self, group: asyncio.TaskGroup) -> None:
        while True:
            received = await self._websocket.recv()
            question: sockets.Id | None = None
            try:
                kind, rest = sockets.decode(received, self.outbox.subprotocol)
                question = sockets.check_id(rest[0] if rest else None)
                await self._answer(group, kind, question, rest[1:])
            except (Refused, NotPermitted, WireError, BusError) as error:
                if self._personal.session.is_lost:
                    raise BusLost("the connection to the broker was lost") from error
                self._refuse(question, error)
                if question is None:
                    guarded.note_undecodable(self._websocket)

    def _refuse(self, question: sockets.Id | None, error: Exception) -> None:
        self._metrics.refused_messages += 1
        match error:
            case Refused():
                code, sentence = error.code, str(error)
            case NotPermitted():
                code, sentence = sockets.NOT_PERMITTED, f"{self._user} is {error}"
            case WireError():
                code, sentence = sockets.BAD_MESSAGE, str(error)
            case _:
                code, sentence = sockets.UNAVAILABLE, str(error)
        self.outbox.put("refused", question, code, sentence)

    async def _answer(self, group: asyncio.TaskGroup, kind: str, question: sockets.Id, rest: list[Any]) -> None:
        match kind, rest:
            case "list", []:
                self.outbox.put("done", question, await self._list("+/+"))
            case "list", [str(pattern)]:
                self.outbox.put("done", question, await self._list(pattern))
            case "watch", [str(pattern)]:
                await self._watch(pattern)
                self.outbox.put("done", question, None)
            case "unwatch", [str(pattern)]:
                self._unwatch(pattern)
                self.outbox.put("done", question, None)
            case "send", [str(instrument), str(name), *more] if len(more) <= 2 and all(
                isinstance(one, dict) for one in more
            ):
                arguments, options = [*more, {}, {}][:2]
                self._start_command(group, question, instrument, name, arguments, options)
            case "request", [str(service), dict(body)]:
                self._start_request(group, question, service, body, {})
            case "request", [str(service), dict(body), dict(options)]:
                self._start_request(group, question, service, body, options)
            case "access", [list(commands)]:
                self.outbox.put("done", question, await self._personal.manage_access(commands))
            case "rights", [str(user), dict() | None as content]:
                await self._personal.publish_rights(user, content)
                self.outbox.put("done", question, None)
            case _:
                raise WireError(f"{kind!r:.40} with these arguments is no question; docs/protocol.md lists them")

    async def _list(self, pattern: str) -> list[dict[str, Any]]:
        agent, _, instrument = pattern.partition("/")
        topics.watch_filters(f"{agent}/{instrument}/state")
        granted = await self._personal.granted(f"{agent}/{instrument}")
        filters = [topics.watch_filters(f"{each}/{kind}")[0] for each in granted for kind in LISTED]
        filters += [topics.status_filter(each) for each in await self._personal.granted_agents(agent)]
        async with self._personal.retained(filters) as retained:
            return listing(retained)

    async def _watch(self, pattern: str) -> None:
        if pattern in self._watched.patterns:
            return
        if len(self._watched.patterns) >= MAX_PATTERNS:
            raise Refused(sockets.LIMIT, f"one socket watches at most {MAX_PATTERNS} patterns; + stands for any name")
        watcher = self._watched.add(pattern, await self._personal.watch_filters(pattern))
        try:
            # In the hub first, silently: nothing can be missed between the retained messages and the live ones.
            await self._hub.join(watcher)
            async with self._personal.retained(watcher.filters) as seeds:
                for message in seeds.values():
                    self.outbox.put("message", *readable(message, self.outbox.subprotocol))
                self._hub.release(watcher, {topic: seed.payload for topic, seed in seeds.items()})
        except BaseException:
            self._unwatch(pattern)
            raise

    def _unwatch(self, pattern: str) -> None:
        watcher = self._watched.remove(pattern)
        if watcher is not None:
            self._hub.leave(watcher)

    def _start_command(
        self,
        group: asyncio.TaskGroup,
        question: sockets.Id,
        instrument: str,
        name: str,
        arguments: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        """Send a command and answer when its reply is there, while other questions are answered."""
        if len(self._commands) >= MAX_COMMANDS:
            raise Refused(sockets.LIMIT, f"{MAX_COMMANDS} commands of this socket are under way")
        topics.split_full_name(instrument)
        command = commanding.make(self._user, name, arguments, options)
        self._metrics.commands += 1
        task = group.create_task(self._command(question, instrument, command), name=f"command-{command.id}")
        _keep(task, self._commands)

    async def _command(self, question: sockets.Id, instrument: str, command: messages.Command) -> None:
        try:
            reply = await self._commanding.send(instrument, command)
            self.outbox.put("reply", question, reply.to_map())
        except (WireError, BusError) as error:
            self._refuse(question, error)

    def _start_request(
        self,
        group: asyncio.TaskGroup,
        question: sockets.Id,
        service: str,
        body: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        """Ask a service, and hand its answer on when it comes, while other questions are answered."""
        if len(self._requests) >= MAX_REQUESTS:
            raise Refused(sockets.LIMIT, f"{MAX_REQUESTS} requests of this socket are under way")
        topics.check_name(service, "service")
        request = Request.from_map(body, commanding.timeout_us(options, requests.MAX_TIMEOUT_US / 1e6))
        self._metrics.requests += 1
        task = group.create_task(self._request(question, service, request), name=f"request-{service}-{request.name}")
        _keep(task, self._requests)

    async def _request(self, question: sockets.Id, service: str, request: Request) -> None:
        try:
            self.outbox.put("done", question, await self._ask(service, request))
        except (Refused, NotPermitted, WireError, BusError) as error:
            self._refuse(question, error)

    async def _ask(self, service: str, request: Request) -> Any:
        limit_s, key = request.timeout_us / 1e6, uuid.uuid4().bytes
        async with self._personal.reply_to(key) as reply:
            if not await self._personal.publish_request(service, request, key):
                raise Refused(sockets.UNAVAILABLE, f"service {service} is not there: is it running?")
            await asyncio.wait((reply,), timeout=limit_s)
            if not reply.done():
                sentence = (
                    f"service {service} did not answer in {limit_s:g} s; whether it did what was asked is not known"
                )
                raise Refused(sockets.TIMEOUT, sentence)
            try:
                answer = Answer.decode(reply.result())
            except WireError as error:
                raise Refused(sockets.FAILED, f"service {service} answered something unreadable: {error}") from error
            if not answer.ok:
                raise Refused(answer.code, answer.sentence)
            return answer.content


def _keep(task: "asyncio.Task[None]", under_way: "set[asyncio.Task[None]]") -> None:
    under_way.add(task)
    task.add_done_callback(under_way.discard)
