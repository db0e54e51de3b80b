"""What goes through a user's own session: retained messages, commands and requests with their replies, accounts.

The broker decides: it refuses what this user may not do, and that refusal is the answer.
"""

import asyncio
import json
import math
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kleinmaelzung_bus.session import ANSWER_TIMEOUT_S, BusError, Message, NotPermitted, Session, Will
from kleinmaelzung_gateway.marks import Marks
from kleinmaelzung_wire import VERSION, access, codec, messages, rights, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import Request
from kleinmaelzung_wire.rights import Rights
from kleinmaelzung_wire.topics import Asker

SEEDS, INBOX = 1, 2  # subscription ids of a user's session
PUBLISH, SUBSCRIBE = "publishClientSend", "subscribePattern"  # kinds of access.py's rules
SEED_TIMEOUT_S = 10.0
MAX_SEEDS = 20_000  # retained messages in one answer
MAX_ACCESS = 100  # accounts' commands in one question


class Personal:
    """One user's session, seen by what a client asks of it. `session` is set once it is connected."""

    def __init__(self, user: str, name: str, *, ends_when_refused: bool = False) -> None:
        self._user = user
        self._ends_when_refused = ends_when_refused
        self.inbox = topics.inbox(user, name)
        self.will = Will(topic=topics.online(user, name), payload=b"")
        self._is_announced = False
        self._session: Session | None = None
        self._seeds: dict[str, Message] = {}
        self._marks = Marks()
        self._replies: dict[bytes, asyncio.Future[bytes]] = {}
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reads_control = False
        self._rights: Rights | None = None
        self._has_read_rights = False

    @property
    def session(self) -> Session:
        assert self._session is not None, "not connected yet"
        return self._session

    async def open(self, session: Session) -> None:
        self._session = session
        await session.subscribe(self.inbox, qos=1, subscription=INBOX)
        if self._ends_when_refused:
            await self.rights()

    def _check(self, kind: str, topic: str) -> None:
        """Raise NotPermitted for what this user's rights forbid, where asking the broker would end the session.

        Where nobody told the rights the broker is asked: it decides in any case.
        """
        if not self._ends_when_refused or self._rights is None:
            return
        if not access.is_allowed(access.user_rules(self._user, self._rights), kind, topic):
            raise NotPermitted(f"not permitted to {'publish to' if kind == PUBLISH else 'subscribe to'} {topic}")

    async def announce(self) -> None:
        """Let agents know that this session is there: what it holds ends with it. Raises BusError."""
        if not self._is_announced:
            self._check(PUBLISH, self.will.topic)
            self._is_announced = True
            payload = codec.pack({"v": VERSION})
            await self.session.publish(self.will.topic, payload, retained=True)

    async def close(self) -> bool:
        """Take back what announce() said; False where that did not work, as after the account was removed."""
        if not self._is_announced:
            return True
        try:
            await self.session.publish(self.will.topic, b"", retained=True)
        except BusError:
            return False
        return True

    def on_message(self, message: Message) -> None:
        """Sort what arrives: retained messages, marks, replies, the broker's answers about accounts."""
        if SEEDS in message.subscriptions or message.retained:  # RabbitMQ gives those without a subscription's id
            # Live ones among them come by the hub.
            if message.retained and len(self._seeds) < MAX_SEEDS:
                self._seeds[message.topic] = message
        elif message.topic == access.CONTROL_RESPONSE:
            self._take_answers(message.payload)
        elif self._marks.take(message):
            return
        elif (waiting := self._replies.get(message.correlation or b"")) and not waiting.done():
            waiting.set_result(message.payload)

    @asynccontextmanager
    async def retained(self, filters: list[str]) -> AsyncIterator[dict[str, Message]]:
        """The retained messages under these filters; raises NotPermitted when the user may not read one of them."""
        subscribed = []
        self._seeds = {}
        try:
            for topic_filter in filters:
                self._check(SUBSCRIBE, topic_filter)
                await self.session.subscribe(topic_filter, subscription=SEEDS)
                subscribed.append(topic_filter)
            await self._marks.arrive(self.session, self.inbox, SEED_TIMEOUT_S)
            yield self._seeds
        finally:
            self._seeds = {}
            for topic_filter in subscribed:
                await self.session.unsubscribe(topic_filter)

    @asynccontextmanager
    async def reply_to(self, key: bytes) -> AsyncIterator[asyncio.Future[bytes]]:
        """The payload of the reply with this correlation, once it comes."""
        self._replies[key] = asyncio.get_running_loop().create_future()
        try:
            yield self._replies[key]
        finally:
            del self._replies[key]

    async def granted(self, pattern: str) -> list[str]:
        """What of a pattern of instruments this user may watch: itself, or what of it the user's rights name."""
        if topics.ANY not in pattern:
            return [pattern]
        known = await self.rights()
        if known is None:
            return [pattern]  # and the broker decides
        return rights.narrowed(pattern, known.instruments) or [pattern]  # which the broker then refuses

    async def watch_filters(self, pattern: str) -> list[str]:
        """The filters for what a client asks to watch, as far as the user's rights go. Raises WireError."""
        filters = topics.watch_filters(pattern)
        agent, second, *kind = pattern.split("/")
        if agent == topics.SERVICE:
            return filters
        if second == "status" and not kind:
            return [topics.status_filter(each) for each in await self.granted_agents(agent)]
        granted = await self.granted(f"{agent}/{second}")
        return [each for one in granted for each in topics.watch_filters("/".join([one, *kind]))]

    async def granted_agents(self, agent: str) -> list[str]:
        """What of a name or `+` this user may know to be there."""
        granted = {each.partition("/")[0] for each in await self.granted(f"{agent}/{topics.ANY}")}
        return [topics.ANY] if topics.ANY in granted else sorted(granted)

    async def rights(self) -> Rights | None:
        """What this user may, as far as somebody told; the broker decides."""
        # It does not change while this session lasts: the broker ends it when it does.
        if not self._has_read_rights:
            async with self.retained([topics.rights(self._user)]) as found:
                retained = next(iter(found.values()), None)
            self._rights = Rights.from_json(retained.payload) if retained and retained.payload else None
            self._has_read_rights = True
        return self._rights

    async def publish_rights(self, user: str, content: dict[str, Any] | None) -> None:
        """Tell what a user may do, to that user's gateway; None when the account is gone. Raises NotPermitted."""
        payload = Rights.from_map(content).to_json().encode() if content is not None else b""
        topic = topics.rights(user)
        self._check(PUBLISH, topic)
        await self.session.publish(topic, payload, retained=True, content_type=codec.CONTENT_TYPE_JSON)

    async def publish_sealed(self, agent: str, sealed: bytes, lifetime_s: int) -> None:
        """Have a secret wait for the agent that is to be, so long. Raises NotPermitted."""
        topic = topics.sealed(topics.check_name(agent, "agent"))
        self._check(PUBLISH, topic)
        await self.session.publish(topic, sealed, retained=topics.SEALED.retained, expiry_s=lifetime_s)

    async def publish_command(self, topic: str, command: messages.Command, key: bytes) -> bool:
        """Publish a command that expires with its timeout; False when nobody takes it. Raises NotPermitted."""
        self._check(PUBLISH, topic)
        return await self.session.publish(
            topic,
            command.encode(),
            expiry_s=math.ceil(command.timeout_us / 1e6),
            response_topic=self.inbox,
            correlation=key,
        )

    async def publish_request(self, service: str, request: Request, key: bytes) -> bool:
        """Publish a request that expires with its timeout; False when nobody takes it. Raises NotPermitted."""
        known = await self.rights()
        # Who has no rights retained finds out in which role the broker lets this user ask.
        for role in (known.role,) if known else rights.ROLES:
            topic = topics.service_request(service, Asker(self._user, role, request.instrument))
            try:
                self._check(PUBLISH, topic)
                return await self.session.publish(
                    topic,
                    request.encode(),
                    expiry_s=math.ceil(request.timeout_us / 1e6),
                    response_topic=self.inbox,
                    correlation=key,
                )
            except NotPermitted:
                continue
        about = f" about {request.instrument}" if request.instrument else ""
        raise NotPermitted(f"not permitted to ask service {service}{about}")

    async def manage_access(self, commands: list[Any]) -> list[dict[str, Any]]:
        """Let the broker execute commands of its dynamic security plugin; its answers, in order."""
        if self._ends_when_refused:
            raise BusError("accounts are not made here but at the broker, RabbitMQ; docs/scaling.md says how")
        if not 1 <= len(commands) <= MAX_ACCESS or not all(isinstance(command, dict) for command in commands):
            raise WireError(f"access takes a list of 1 to {MAX_ACCESS} maps")
        if not self._reads_control:
            try:
                await self.session.subscribe(access.CONTROL_RESPONSE)
            except NotPermitted as error:
                raise NotPermitted("not permitted to manage accounts; an admin is") from error
            self._reads_control = True
        marks = [uuid.uuid4().hex for _ in commands]
        answers = [asyncio.get_running_loop().create_future() for _ in commands]
        self._answers.update(zip(marks, answers, strict=True))
        marked = [{**command, "correlationData": mark} for command, mark in zip(commands, marks, strict=True)]
        try:
            payload = codec.to_json({"commands": marked}).encode()
            await self.session.publish(access.CONTROL_TOPIC, payload, content_type=codec.CONTENT_TYPE_JSON)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return list(await asyncio.gather(*answers))
        except TimeoutError as error:
            raise BusError("the broker did not answer; is its dynamic security plugin loaded?") from error
        finally:
            for mark in marks:
                del self._answers[mark]

    def _take_answers(self, payload: bytes) -> None:
        # The plugin answers to every admin who listens; the marks say which answers are ours.
        for response in json.loads(payload).get("responses", []):
            waiting = self._answers.get(response.pop("correlationData", ""))
            if waiting is not None and not waiting.done():
                waiting.set_result(response)
