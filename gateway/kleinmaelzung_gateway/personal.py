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

from kleinmaelzung_bus.session import ANSWER_TIMEOUT_S, BusError, Message, NotPermitted, Session
from kleinmaelzung_gateway.marks import Marks
from kleinmaelzung_wire import access, codec, messages, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import Request

SEEDS, INBOX = 1, 2  # subscription ids of a user's session
SEED_TIMEOUT_S = 10.0
MAX_SEEDS = 20_000  # retained messages in one answer
MAX_ACCESS = 100  # accounts' commands in one question


class Personal:
    """One user's session, seen by what a client asks of it. `session` is set once it is connected."""

    def __init__(self, user: str, name: str) -> None:
        self._user = user
        self.inbox = topics.inbox(user, name)
        self._session: Session | None = None
        self._seeds: dict[str, Message] = {}
        self._marks = Marks()
        self._replies: dict[bytes, asyncio.Future[bytes]] = {}
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reads_control = False

    @property
    def session(self) -> Session:
        assert self._session is not None, "not connected yet"
        return self._session

    async def open(self, session: Session) -> None:
        self._session = session
        await session.subscribe(self.inbox, qos=1, subscription=INBOX)

    def on_message(self, message: Message) -> None:
        """Sort what arrives: retained messages, marks, replies, the broker's answers about accounts."""
        if SEEDS in message.subscriptions:
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

    async def publish_command(self, topic: str, command: messages.Command) -> None:
        """Publish a command that expires with its timeout. Raises NotPermitted."""
        await self.session.publish(
            topic,
            command.encode(),
            expiry_s=math.ceil(command.timeout_us / 1e6),
            response_topic=self.inbox,
            correlation=command.id.encode(),
        )

    async def publish_request(self, service: str, request: Request, key: bytes) -> bool:
        """Publish a request that expires with its timeout; False when nobody takes it. Raises NotPermitted."""
        try:
            return await self.session.publish(
                topics.service_request(service, self._user),
                request.encode(),
                expiry_s=math.ceil(request.timeout_us / 1e6),
                response_topic=self.inbox,
                correlation=key,
            )
        except NotPermitted as error:
            raise NotPermitted(f"not permitted to ask service {service}") from error

    async def manage_access(self, commands: list[Any]) -> list[dict[str, Any]]:
        """Let the broker execute commands of its dynamic security plugin; its answers, in order."""
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
            payload = json.dumps({"commands": marked}).encode()
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
