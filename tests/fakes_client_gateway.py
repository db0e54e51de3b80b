"""A small gateway for tests of clients: a real WebSocket server that speaks docs/protocol.md, with no broker behind it.

It keeps retained messages, hands live ones to who watches, has accounts with passwords, and answers commands by a
function. Like the real one it sends what is retained with the first watch of a pattern only.
"""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from kleinmaelzung_wire import descriptions, frames, messages, sockets, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import Answer

NOW_US = 1_790_000_000_000_000

Execute = Callable[[str, str, dict[str, Any], dict[str, Any]], Awaitable[messages.Reply]]
Answering = Callable[[str, dict[str, Any], dict[str, Any]], Answer]


def nobody_answers(service: str, body: dict[str, Any], options: dict[str, Any]) -> Answer:
    return Answer(ok=False, code=sockets.UNAVAILABLE, sentence=f"service {service} is not there: is it running?")


async def reply_done(instrument: str, name: str, arguments: dict[str, Any], options: dict[str, Any]) -> messages.Reply:
    return messages.Reply(id="c1", name=name, user="anna", result="done", values=dict(arguments), took_us=300_000)


@dataclass(eq=False)
class Session:
    """One client's socket."""

    socket: ServerConnection
    user: str
    patterns: list[str] = field(default_factory=list)

    async def send(self, *message: Any) -> None:
        await self.socket.send(sockets.encode(list(message), str(self.socket.subprotocol)))

    def watches(self, topic: str) -> bool:
        full = f"{topics.ROOT}/{topic}"
        return any(
            topics.matches(wanted, full) for pattern in self.patterns for wanted in topics.watch_filters(pattern)
        )

    async def send_message(self, topic: str, payload: bytes) -> None:
        shown: Any = payload
        if self.socket.subprotocol == sockets.JSON:
            shown = sockets.readable(payload, is_json=topic.endswith("/latest"))
        await self.send("message", topic, shown)


@dataclass
class FakeGateway:
    """What tests set and look at."""

    passwords: dict[str, str] = field(default_factory=lambda: {"anna": "barley", "admin": "malt"})
    retained: dict[str, bytes] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)  # patterns and instruments that are not permitted
    execute: Execute = reply_done
    answer: Answering = nobody_answers
    accounts: dict[str, list[str]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    rights: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    health: dict[str, Any] = field(
        default_factory=lambda: {"ok": True, "version": "0.1.0", "broker": "connected", "agents": 1, "clients": 1}
    )
    sessions: list[Session] = field(default_factory=list)
    questions: list[list[Any]] = field(default_factory=list)
    logins: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if retain:
            self.retained[topic] = payload
        for session in [session for session in self.sessions if session.watches(topic)]:
            await session.send_message(topic, payload)

    async def publish_frame(self, instrument: str, number: int, value: float = 12.5, epoch: int = 7) -> None:
        frame = frames.Frame(
            epoch=epoch,
            number=number,
            times=(NOW_US + number,),
            channels={"weight": [value]},
            units={"weight": "g"},
            clock=frames.Clock(synchronised=True, error_us=100),
        )
        await self.publish(f"{instrument}/data", frames.encode(frame))

    async def drop(self, code: int = sockets.BROKER_LOST, reason: str = "broker lost") -> None:
        """End every session, as the real one does when it loses the broker."""
        dropped, self.sessions = self.sessions, []
        for session in dropped:
            await session.socket.close(code, reason)

    def watched(self) -> list[str]:
        return [pattern for session in self.sessions for pattern in session.patterns]

    # What the server does.

    async def serve_socket(self, socket: ServerConnection) -> None:
        self.logins += 1
        user = await self._log_in(socket)
        if user is None:
            await socket.close(sockets.NOT_LOGGED_IN, "user name or password is wrong")
            return
        session = Session(socket, user)
        self.sessions.append(session)
        try:
            await session.send("welcome", {"user": user, "session": "s1", "version": "0.1.0", "time": NOW_US})
            async for received in socket:
                kind, rest = sockets.decode(received, str(socket.subprotocol))
                self.questions.append([kind, *rest])
                await self._answer(session, kind, rest)
        except ConnectionClosed:
            pass
        finally:
            if session in self.sessions:  # drop() has taken it out
                self.sessions.remove(session)

    async def _log_in(self, socket: ServerConnection) -> str | None:
        assert socket.request is not None
        header = socket.request.headers.get("Authorization")
        if header is not None:
            user, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        else:
            _, (hello,) = sockets.decode(await socket.recv(), str(socket.subprotocol))
            user, password = hello["user"], hello["password"]
        return user if self.passwords.get(user) == password else None

    async def _answer(self, session: Session, kind: str, rest: list[Any]) -> None:
        number = rest[0]
        try:
            if rest[1:] and isinstance(rest[1], str) and rest[1] in self.forbidden:
                await session.send("refused", number, sockets.NOT_PERMITTED, f"{session.user} may not {kind} {rest[1]}")
                return
            match kind, rest[1:]:
                case "list", [str(pattern)]:
                    await session.send("done", number, self._list(pattern))
                case "watch", [str(pattern)]:
                    await self._watch(session, pattern)
                    await session.send("done", number, None)
                case "unwatch", [str(pattern)]:
                    session.patterns.remove(pattern)
                    await session.send("done", number, None)
                case "send", [str(instrument), str(name), dict(arguments), dict(options)]:
                    reply = await self.execute(instrument, name, arguments, options)
                    await session.send("reply", number, reply.to_map())
                case "request", [str(service), dict(body), dict(options)]:
                    answer = self.answer(service, body, options)
                    if answer.ok:
                        await session.send("done", number, answer.content)
                    else:
                        await session.send("refused", number, answer.code, answer.sentence)
                case "rights", []:
                    await session.send("done", number, self.rights.get(session.user))
                case "rights", [str(user), dict() | None as content] if session.user == "admin":
                    self.rights[user] = content
                    await session.send("done", number, None)
                case "access", [list(commands)]:
                    await self._access(session, number, commands)
                case _:
                    await session.send("refused", number, sockets.BAD_MESSAGE, f"{kind} is no question")
        except WireError as error:
            await session.send("refused", number, sockets.BAD_MESSAGE, str(error))

    def _list(self, pattern: str) -> list[dict[str, Any]]:
        names = sorted(
            {topic.rpartition("/")[0] for topic in self.retained if topic.count("/") == 2 and topic[0] != "_"}
        )
        return [self._entry(name) for name in names if topics.matches(pattern, name)]

    def _entry(self, name: str) -> dict[str, Any]:
        def known(topic: str) -> Any:
            payload = self.retained.get(topic)
            return None if payload is None else sockets.readable(payload, topic.endswith("/latest"))

        kinds = {kind: known(f"{name}/{kind}") for kind in ("description", "state", "latest")}
        return {"instrument": name, **kinds, "agent": known(f"{name.partition('/')[0]}/status")}

    async def _watch(self, session: Session, pattern: str) -> None:
        if pattern in session.patterns:
            return
        filters = topics.watch_filters(pattern)
        for topic, payload in self.retained.items():
            if any(topics.matches(wanted, f"{topics.ROOT}/{topic}") for wanted in filters):
                await session.send_message(topic, payload)
        session.patterns.append(pattern)

    async def _access(self, session: Session, number: sockets.Id, commands: list[dict[str, Any]]) -> None:
        if session.user != "admin":
            sentence = f"{session.user} is not permitted to manage accounts"
            await session.send("refused", number, sockets.NOT_PERMITTED, sentence)
            return
        await session.send("done", number, [self._managed(command) for command in commands])

    def _managed(self, command: dict[str, Any]) -> dict[str, Any]:
        name, user = command["command"], command.get("username", "")
        answer: dict[str, Any] = {"command": name}
        match name:
            case "createClient" if user in self.accounts:
                answer["error"] = "Client already exists"
            case "createClient":
                self.accounts[user] = [role["rolename"] for role in command["roles"]]
                self.passwords[user] = command["password"]
                self.descriptions[user] = command["textdescription"]
            case "deleteClient" | "setClientPassword" | "modifyClient" if user not in self.accounts:
                answer["error"] = "Client not found"
            case "deleteClient":
                del self.accounts[user]
            case "modifyClient":
                self.descriptions[user] = command["textdescription"]
            case "setClientPassword":
                self.passwords[user] = command["password"]
            case "listClients":
                answer["data"] = self._page_of_accounts(command)
        return answer

    def _page_of_accounts(self, command: dict[str, Any]) -> dict[str, Any]:
        page = list(self.accounts.items())[command["offset"] :][: command["count"]]
        clients = [
            {
                "username": user,
                "textdescription": self.descriptions.get(user, ""),
                "roles": [{"rolename": role} for role in roles],
            }
            for user, roles in page
        ]
        return {"totalCount": len(self.accounts), "clients": clients}

    def answer_get(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path == sockets.CLIENT_PATH:
            return None
        if request.path == "/healthz":
            return _health(json.dumps(self.health).encode())
        return socket.respond(HTTPStatus.NOT_FOUND, "there is no such page\n")


def _health(body: bytes) -> Response:
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body))})
    headers["Connection"] = "close"
    return Response(200, "OK", headers, body)


@asynccontextmanager
async def running(gateway: FakeGateway) -> AsyncIterator[FakeGateway]:
    """Serve the gateway on a free port; a second time on the same port, as after a restart."""
    async with serve(
        gateway.serve_socket,
        "127.0.0.1",
        gateway.port,
        process_request=gateway.answer_get,
        subprotocols=[Subprotocol(sockets.MSGPACK), Subprotocol(sockets.JSON)],
        compression=None,
        close_timeout=1,
    ) as server:
        gateway.port = next(iter(server.sockets)).getsockname()[1]
        yield gateway


def add_balance(gateway: FakeGateway, *, online: bool = True, state: messages.Condition = "connected") -> None:
    """Retain what agent pi-1 says of a balance with a tare and a typed command."""
    arguments = [
        descriptions.Argument(name="mass", type="number", unit="g", minimum=0, maximum=200),
        descriptions.Argument(name="mode", type="choice", choices=["fast", "exact"], default="exact"),
    ]
    description = descriptions.Description(
        channels=[descriptions.Channel(name="weight", unit="g")],
        commands=[
            descriptions.CommandDescription(name="tare"),
            descriptions.CommandDescription(name="set-target", arguments=arguments, timeout_s=3),
        ],
        driver="text",
        label="Balance by the window",
    )
    newest = {"weight": {"value": 12.345, "unit": "g", "quality": "good", "time": NOW_US}}
    status = messages.AgentStatus(online=online, since=NOW_US, version="0.1.0")
    gateway.retained |= {
        "pi-1/status": status.encode(),
        "pi-1/balance/description": description.encode(),
        "pi-1/balance/state": messages.State(state=state, since=NOW_US).encode(),
        "pi-1/balance/latest": messages.encode_latest(newest),
    }


def add_logger(gateway: FakeGateway, *, healthy: bool = True, reason: str = "", name: str = "logger") -> None:
    status = messages.ServiceStatus(role="logger", online=True, healthy=healthy, reason=reason)
    gateway.retained[f"_service/{name}/status"] = status.encode()


def add_service(gateway: FakeGateway, role: str, *, healthy: bool = True) -> None:
    """Retain what a service says that is called like what it does."""
    status = messages.ServiceStatus(role=role, online=True, healthy=healthy)
    gateway.retained[f"_service/{role}/status"] = status.encode()
