"""The clients' sockets: list, watch, command, ask services, manage accounts. Each is an MQTT session of its own.

In: questions [kind, id, ...]. Out: one answer to each, and what is watched. Live data comes from the hub, once the
user's session was allowed to subscribe; the retained messages that came with it go first.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from kleinmaelzung_bus.session import BusError, BusLost, NotPermitted
from kleinmaelzung_gateway import asking, commanding, enrolling, guarded, login, login_link
from kleinmaelzung_gateway.asking import Refused
from kleinmaelzung_gateway.commanding import Commanding
from kleinmaelzung_gateway.hub import Hub, Watched, Watcher, readable, shown
from kleinmaelzung_gateway.joining import Joining
from kleinmaelzung_gateway.listing import listing
from kleinmaelzung_gateway.login import Broker, Credentials, LoginError
from kleinmaelzung_gateway.login_link import Claim
from kleinmaelzung_gateway.metrics import Metrics
from kleinmaelzung_gateway.outbox import Outbox
from kleinmaelzung_gateway.personal import Personal
from kleinmaelzung_wire import messages, requests, sockets, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US
from kleinmaelzung_wire.requests import Request
from kleinmaelzung_wire.rights import PUBLIC

logger = logging.getLogger(__name__)

MAX_PATTERNS = 500  # watched by one socket
MAX_COMMANDS = 100  # under way by one socket
MAX_REQUESTS = 20
LISTED = ("description", "state", "latest", "control", "alarm", "calibration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrances:
    """Ways in without a password: the file of a one-time link, and the password of the account for strangers.

    `server_key` is for machines that are to become agents: whose orders they carry out.
    """

    login_link: Path | None = None
    public_password: str | None = field(default=None, repr=False)
    server_key: bytes | None = None


class Clients:
    """All clients connected to this gateway."""

    def __init__(self, broker: Broker, hub: Hub, metrics: Metrics, version: str, entrances: Entrances) -> None:
        self._broker = broker
        self._hub = hub
        self._metrics = metrics
        self._version = version
        self._entrances = entrances
        self._connected: set[ClientSocket] = set()

    def __len__(self) -> int:
        return len(self._connected)

    async def serve(self, websocket: ServerConnection) -> None:
        """Serve one client's socket until it ends."""
        try:
            match await login.receive_client(websocket):
                case Credentials() as who:
                    await self._serve_known(websocket, who)
                case login.Code(code):
                    await self._serve_by_link(websocket, code)
                case login.Stranger():
                    await self._serve_stranger(websocket)
        except LoginError as error:
            self._metrics.refused_logins += 1
            await websocket.close(sockets.NOT_LOGGED_IN, str(error)[:120])
        except BusError as error:
            logger.warning("client: %s", error)
            await websocket.close(sockets.BROKER_LOST, str(error)[:120])

    async def _serve_known(self, websocket: ServerConnection, who: Credentials) -> None:
        try:
            await self._serve_user(websocket, who)
        except NotPermitted as error:
            logger.warning("refused: user %s with a wrong password", who.name)
            raise LoginError("user name or password is wrong") from error

    async def _serve_by_link(self, websocket: ServerConnection, code: str) -> None:
        async with login_link.claiming(websocket, self._entrances.login_link, code) as claim:
            try:
                await self._serve_user(websocket, claim.who, claim)
            except NotPermitted as error:
                claim.use()
                logger.warning("refused: user %s by the one-time link, whose password is no more", claim.who.name)
                raise LoginError(login_link.CHANGED) from error

    async def _serve_stranger(self, websocket: ServerConnection) -> None:
        if self._entrances.public_password is None:
            raise LoginError("sign in with name and password: there is no public view here")
        try:
            await self._serve_user(websocket, Credentials(PUBLIC, self._entrances.public_password))
        except NotPermitted as error:
            logger.warning("refused: the broker knows no public view")
            raise LoginError("sign in with name and password: the public view was closed") from error

    async def _serve_user(self, websocket: ServerConnection, who: Credentials, claim: Claim | None = None) -> None:
        name = secrets.token_hex(8)
        personal = Personal(who.name, name, ends_when_refused=self._broker.kind == "rabbitmq")
        client_id = f"{who.name}:{name}"
        on_message, will = personal.on_message, personal.will
        async with self._broker.session(
            websocket, who.name, who.password, client_id=client_id, on_message=on_message, will=will
        ) as session:
            await personal.open(session)
            if claim is not None:
                claim.use()
                logger.info("user %s logged in by the one-time link", who.name)
            server_key = self._entrances.server_key
            client = ClientSocket(websocket, who.name, personal, self._hub, self._metrics, server_key)
            self._connected.add(client)
            try:
                # By a link nobody has typed the password: it is told once, to come back after a lost connection.
                told = {"password": who.password} if claim is not None else {}
                client.outbox.put("welcome", self._welcome(who.name, name) | told)
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

    def __init__(
        self,
        websocket: ServerConnection,
        user: str,
        personal: Personal,
        hub: Hub,
        metrics: Metrics,
        server_key: bytes | None,
    ) -> None:
        self.outbox = Outbox(websocket)
        self._websocket = websocket
        self._user = user
        self._personal = personal
        self._hub = hub
        self._metrics = metrics
        self._server_key = server_key
        self._commanding = Commanding(user, personal, hub)
        self._watched = Watched(self.outbox)
        self._commands: set[asyncio.Task[None]] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._joins: dict[str, asyncio.Task[None]] = {}
        self._backlog_turn = asyncio.Lock()  # one backlog at a time

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
            case "watch", [str(pattern), {"since": int(since)}]:
                await self._watch_since(group, question, pattern, since)
            case "unwatch", [str(pattern)]:
                self._unwatch(pattern)
                self.outbox.put("done", question, None)
            case "send", [str(instrument), str(name), *more] if len(more) <= 2 and all(
                isinstance(one, dict) for one in more
            ):
                arguments, options = [*more, {}, {}][:2]
                self._start_command(group, question, instrument, name, arguments, options)
            case "request", [str(service), dict(body), *more] if len(more) <= 1 and all(
                isinstance(one, dict) for one in more
            ):
                await self._personal.rights()  # here, for it cannot be read beside other retained messages
                self._start_request(group, question, service, body, [*more, {}][0])
            case "access", [list(commands)]:
                self.outbox.put("done", question, await self._personal.manage_access(commands))
            case "enrol", [str(agent), *more] if len(more) <= 1 and all(isinstance(one, dict) for one in more):
                told = await enrolling.offer(self._personal, agent, [*more, {}][0], self._server_key)
                self.outbox.put("done", question, told)
            case "rights", []:
                known = await self._personal.rights()
                self.outbox.put("done", question, known.to_map() if known else None)
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
        await self._let_in(self._add_watcher(pattern, await self._personal.watch_filters(pattern)), pattern)

    async def _watch_since(self, group: asyncio.TaskGroup, question: sockets.Id, pattern: str, since: int) -> None:
        """Watch, and send what the log has since a time before what is live. The answer follows the backlog."""
        if pattern in self._watched.patterns:
            raise Refused(sockets.BAD_MESSAGE, f"{pattern} is watched already: unwatch it before, to watch it since")
        if not MIN_TIME_US <= since <= MAX_TIME_US:
            raise WireError(f"since is {since}, expected µs since 1970 UTC")
        filters = await self._personal.watch_filters(pattern)
        stems = [one.removesuffix("/data") for one in filters if one.endswith("/data")]
        if not stems:
            raise WireError(f"{pattern} has no past: since goes with <agent>/<instrument> or <agent>/<instrument>/data")
        await self._personal.rights()  # here, for it cannot be read beside other retained messages
        service = await asking.find_service(self._personal, "history")
        joining = Joining(since)
        joining.expect(await self._instruments(stems))
        await self._let_in(self._add_watcher(pattern, filters, joining), pattern)
        task = group.create_task(self._join(question, pattern, joining, service), name=f"{self._user}-{pattern}")
        self._joins[pattern] = task

    async def _instruments(self, stems: list[str]) -> list[str]:
        """The instruments under these filters: those named, and of `+` those that are described now."""
        any_name = [f"{stem}/description" for stem in stems if topics.ANY in stem.split("/")]
        found = [topics.tail(stem) for stem in stems if topics.ANY not in stem.split("/")]
        async with self._personal.retained(any_name) as described:
            return [*found, *(topics.tail(topic).rpartition("/")[0] for topic in described)]

    async def _join(self, question: sockets.Id, pattern: str, joining: Joining, service: str) -> None:
        async def ask(name: str, instrument: str | None, arguments: dict[str, Any]) -> Any:
            request = Request(name=name, instrument=instrument, arguments=arguments)
            return await asking.ask(self._personal, service, request)

        async def send(instrument: str, payload: bytes) -> None:
            await self.outbox.room()
            self._put_frame(instrument, payload)

        try:
            async with self._backlog_turn:
                await joining.send_backlog(ask, send)
        except (Refused, NotPermitted, WireError, BusError) as error:
            self._unwatch(pattern)
            for instrument, payload in joining.held():
                if self._watched.serving(topics.instrument(*topics.split_full_name(instrument), "data")):
                    self._put_frame(instrument, payload)  # another pattern's
            self._refuse(question, error)
            return
        self.outbox.put("done", question, None)
        with contextlib.suppress(BusError):  # then the socket ends too
            await joining.close_seams(ask, send)

    def _put_frame(self, instrument: str, payload: bytes) -> None:
        tail = f"{instrument}/data"
        self.outbox.put("message", tail, shown(tail, payload, self.outbox.subprotocol))

    def _add_watcher(self, pattern: str, filters: list[str], joining: Joining | None = None) -> Watcher:
        if len(self._watched.patterns) >= MAX_PATTERNS:
            raise Refused(sockets.LIMIT, f"one socket watches at most {MAX_PATTERNS} patterns; + stands for any name")
        return self._watched.add(pattern, filters, joining)

    async def _let_in(self, watcher: Watcher, pattern: str) -> None:
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
        task = self._joins.pop(pattern, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
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
            self.outbox.put("done", question, await asking.ask(self._personal, service, request))
        except (Refused, NotPermitted, WireError, BusError) as error:
            self._refuse(question, error)


def _keep(task: "asyncio.Task[None]", under_way: "set[asyncio.Task[None]]") -> None:
    under_way.add(task)
    task.add_done_callback(under_way.discard)
