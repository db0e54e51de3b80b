"""The one way to the broker: a Session is one connection, keep() holds one up for ever.

Messages are handed to a callback as they arrive, without a task for each; ordinary ones at QoS 0, in and out, without
paho (packets.py, buffered_socket.py, outgoing.py). Reason codes of PUBACK and SUBACK become
exceptions or results: aiomqtt drops them. A connection that ended is never used again; the next one is a new object,
because packet ids of the old one would acknowledge messages of the new.

This module alone imports aiomqtt; the private names it needs are in PRIVATE_NAMES, and a test sees that they exist.
"""

import asyncio
import contextlib
import logging
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Never, Self
from urllib.parse import urlsplit

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from kleinmaelzung_bus import packets
from kleinmaelzung_bus.buffered_socket import BufferedSocket
from kleinmaelzung_bus.errors import BusError, BusLost, NotPermitted
from kleinmaelzung_bus.outgoing import Outgoing
from kleinmaelzung_wire import codec

__all__ = ["Broker", "BusError", "BusLost", "Message", "NotPermitted", "Session", "Will", "connect", "keep"]

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 5.0  # for CONNACK, SUBACK and PUBACK; a healthy broker needs milliseconds
KEEPALIVE_S = 10  # a dead broker is noticed after twice that
MAX_BACKLOG = 2000  # packets waiting for a broker that does not read; beyond it QoS 0 is dropped and counted
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0

PRIVATE_NAMES: Final = {
    aiomqtt.Client: (
        *("_on_message", "_on_publish", "_on_subscribe", "_on_unsubscribe", "_on_disconnect", "_on_socket_open"),
        "_misc_loop",
    ),
    paho.Client: ("_sock_recv", "_call_socket_open", "_packet_queue"),
}

_NO_SUBSCRIBER = 0x10
_NOT_AUTHORIZED = (0x86, 0x87)
_FAILURE = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is and who connects."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    @classmethod
    def from_url(cls, url: str, *, user: str, password: str) -> Self:
        """From `mqtt://host:port`. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise ValueError(f"{url!r} is not a broker's address, expected mqtt://host:port")
        return cls(host=parts.hostname, port=parts.port or 1883, user=user, password=password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes, retained, when the connection dies."""

    topic: str
    payload: bytes


class Message:
    """One message from the broker. `subscriptions` names the subscriptions it came by, where they were given ids."""

    __slots__ = ("correlation", "payload", "qos", "response_topic", "retained", "subscriptions", "topic")

    def __init__(self, topic: str, payload: bytes, qos: int, retained: bool, properties: packets.Properties) -> None:
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retained = retained
        self.response_topic, self.correlation, self.subscriptions = properties

    @classmethod
    def from_paho(cls, message: paho.MQTTMessage) -> Self:
        """What paho read: everything but the ordinary."""
        found = message.properties
        properties = packets.Properties(
            getattr(found, "ResponseTopic", None),
            getattr(found, "CorrelationData", None),
            tuple(getattr(found, "SubscriptionIdentifier", ())),
        )
        return cls(message.topic, bytes(message.payload), message.qos, bool(message.retain), properties)


OnMessage = Callable[[Message], None]


class _Client(aiomqtt.Client):
    """aiomqtt's client with direct hand-over, kept reason codes and the buffered socket."""

    def __init__(self, broker: Broker, client_id: str, on_message: OnMessage, will: Will | None) -> None:
        super().__init__(
            broker.host,
            broker.port,
            username=broker.user,
            password=broker.password,
            identifier=client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_TIMEOUT_S,
            will=_aiomqtt_will(will),
        )
        self._hand_over = on_message
        self.answers: dict[int, asyncio.Future[list[int]]] = {}  # by packet id
        self.end_code = 0
        self.outgoing = Outgoing(self._client)
        self._socket: BufferedSocket | None = None
        self._client.loop_read = self._read  # type: ignore[method-assign]

    @property
    def inner(self) -> paho.Client:
        return self._client

    @property
    def ended(self) -> asyncio.Future[None]:
        return self._disconnected

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            self._hand_over(Message.from_paho(message))
        except Exception:  # a message we fail at must not end the connection of all the others
            logger.exception("failed at a message of %s bytes", len(message.payload))

    def _read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Called by aiomqtt in place of paho's loop_read when something has come."""
        if self._socket is None:
            return paho.MQTT_ERR_NO_CONN
        for buffer, start, body, end in self._socket.read_packets():
            publish = packets.read_publish(buffer, start, body, end) if end else None
            if publish is not None:
                self._take(publish)
                continue
            self._socket.show(buffer[start:end])
            code = paho.Client.loop_read(self._client)
            if code != paho.MQTT_ERR_SUCCESS or self._client.socket() is None:
                return code
        return paho.MQTT_ERR_SUCCESS

    def _take(self, publish: packets.Publish) -> None:
        topic, payload, retained, properties = publish
        try:
            self._hand_over(Message(topic, payload, 0, retained, properties))
        except Exception:  # as above
            logger.exception("failed at a message of %s bytes", len(payload))

    def _on_publish(
        self, client: paho.Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        self._take_answer(mid, [reason_code])

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: Any,
        mid: int,
        reason_codes: list[ReasonCode],
        properties: Properties | None = None,
    ) -> None:
        self._take_answer(mid, reason_codes)

    def _on_unsubscribe(
        self,
        client: paho.Client,
        userdata: Any,
        mid: int,
        reason_codes: list[ReasonCode],
        properties: Properties | None = None,
    ) -> None:
        self._take_answer(mid, reason_codes)

    def _take_answer(self, mid: int, codes: list[ReasonCode]) -> None:
        waiting = self.answers.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result([code.value for code in codes])

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.end_code = reason_code.value if flags.is_disconnect_packet_from_server else 0
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_socket_open(self, client: paho.Client, userdata: Any, sock: Any) -> None:
        if isinstance(sock, socket.socket):
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client._sock = self._socket = BufferedSocket(sock)
        super()._on_socket_open(client, userdata, sock)

    def abandon(self) -> None:
        """Let go of a connection that could not be opened or closed: aiomqtt leaves its socket and task behind."""
        if self._misc_task is not None:
            self._misc_task.cancel()
        sock = self._client.socket()
        if sock is not None and sock.fileno() >= 0:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())
            sock.close()
        if self._disconnected.done():
            self._disconnected.exception()  # seen, so that asyncio does not complain


def _aiomqtt_will(will: Will | None) -> aiomqtt.Will | None:
    return aiomqtt.Will(will.topic, will.payload, qos=1, retain=True) if will else None


class Session:
    """One connection to the broker; made by connect()."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self.dropped = 0

    async def subscribe(
        self, topic_filter: str, *, qos: int = 0, retained: bool = True, subscription: int | None = None
    ) -> None:
        """Subscribe; `retained` says whether retained messages are wanted, `subscription` is an id for Message.

        Raises:
            NotPermitted: the broker refused the filter.
            BusError: it did not answer.
        """
        options = SubscribeOptions(
            qos=qos,
            retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
            if retained
            else SubscribeOptions.RETAIN_DO_NOT_SEND,
        )
        self._client.outgoing.flush()
        code, mid = self._client.inner.subscribe(
            topic_filter, options=options, properties=_subscribe_properties(subscription)
        )
        self._check_sent(code, f"subscribing to {topic_filter}")
        _check_codes(await self._answer(mid, f"subscribing to {topic_filter}"), f"subscribe to {topic_filter}")

    async def unsubscribe(self, topic_filter: str) -> None:
        self._client.outgoing.flush()
        code, mid = self._client.inner.unsubscribe(topic_filter)
        self._check_sent(code, f"unsubscribing from {topic_filter}")
        await self._answer(mid, f"unsubscribing from {topic_filter}")

    def publish_soon(
        self,
        topic: str,
        payload: bytes,
        *,
        retained: bool = False,
        content_type: str = codec.CONTENT_TYPE,
    ) -> bool:
        """Publish at QoS 0 without waiting. False, and counted, when the broker does not keep up.

        Raises BusLost once the connection has ended.
        """
        if self._client.inner.socket() is None:
            raise self._lost()
        if self._client.outgoing.backlog > MAX_BACKLOG:
            self.dropped += 1
            return False
        packet = packets.write_publish(topic, payload, retained=retained, content_type=content_type)
        self._client.outgoing.put(packet)
        return True

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retained: bool = False,
        expiry_s: int | None = None,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        content_type: str = codec.CONTENT_TYPE,
    ) -> bool:
        """Publish at QoS 1 and wait for the broker's word. True if somebody was subscribed, where the broker says so.

        Raises:
            NotPermitted: the broker refused the topic.
            BusLost, BusError: the connection ended, or no answer came.
        """
        properties = _publish_properties(content_type, expiry_s, response_topic, correlation)
        self._client.outgoing.flush()
        sent = self._client.inner.publish(topic, payload, qos, retained, properties)
        self._check_sent(sent.rc, f"publishing to {topic}")
        codes = await self._answer(sent.mid, f"publishing to {topic}")
        _check_codes(codes, f"publish to {topic}")
        return codes != [_NO_SUBSCRIBER]

    async def _answer(self, mid: int | None, what: str) -> list[int]:
        # Not aiomqtt's own waiting: before Python 3.12 asyncio.wait_for, which it uses, can swallow a cancellation.
        assert mid is not None
        answer = asyncio.get_running_loop().create_future()
        self._client.answers[mid] = answer
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await asyncio.wait((answer, self._client.ended), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise BusError(f"{what}: no answer by the broker within {ANSWER_TIMEOUT_S:.0f} s") from error
        finally:
            self._client.answers.pop(mid, None)
        if not answer.done():
            raise self._lost()
        codes: list[int] = answer.result()
        return codes

    async def wait_lost(self) -> Never:
        """Wait until the connection has ended, then raise BusLost."""
        await asyncio.wait((self._client.ended,))
        raise self._lost()

    @property
    def is_lost(self) -> bool:
        return self._client.ended.done()

    def drop(self) -> None:
        """End the connection without a goodbye, so that the broker publishes the will."""
        if not self.is_lost:
            self._client.ended.set_exception(BusLost("dropped"))
        self._client.abandon()

    def _lost(self) -> BusLost:
        error = self._client.ended.exception() if self._client.ended.done() else None
        code = self._client.end_code
        sentence = _END_SENTENCES.get(code) or f"the connection to the broker ended ({error or 'closed'})"
        return BusLost(sentence, code)

    def _check_sent(self, code: int, what: str) -> None:
        if code != paho.MQTT_ERR_SUCCESS:
            if self.is_lost or code in (paho.MQTT_ERR_NO_CONN, paho.MQTT_ERR_CONN_LOST):
                raise self._lost()
            raise BusError(f"{what} failed: {paho.error_string(code)}")


TAKEN_OVER = 0x8E
_END_SENTENCES = {
    TAKEN_OVER: "somebody connected with the same name and took the session over",
    0x98: "the account was changed or removed",
    0x8B: "the broker is shutting down",
}


@contextlib.asynccontextmanager
async def connect(
    broker: Broker, *, client_id: str, on_message: OnMessage, will: Will | None = None
) -> AsyncIterator[Session]:
    """Hold one connection to the broker open.

    Raises:
        NotPermitted: user name or password is wrong.
        BusError: the broker is not there.
    """
    client = _Client(broker, client_id, on_message, will)
    try:
        await client.__aenter__()
    except aiomqtt.MqttCodeError as error:
        client.abandon()
        raise _connect_error(error, broker) from error
    except aiomqtt.MqttError as error:
        client.abandon()
        raise BusError(f"no broker at {broker.host}:{broker.port}: {error}") from error
    except BaseException:
        client.abandon()
        raise
    try:
        yield Session(client)
    finally:
        await _close(client)


async def _close(client: _Client) -> None:
    client.outgoing.flush()
    try:
        await client.__aexit__(None, None, None)
    except aiomqtt.MqttError as error:
        logger.debug("closing the connection to the broker: %s", error)
    finally:
        client.abandon()


def _connect_error(error: aiomqtt.MqttCodeError, broker: Broker) -> BusError:
    code = error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
    if code in _NOT_AUTHORIZED:
        return NotPermitted(f"the broker does not know {broker.user!r} with this password")
    return BusError(f"the broker at {broker.host}:{broker.port} refused the connection: {error}")


async def keep(
    broker: Broker,
    *,
    client_id: str,
    serve: Callable[[Session], Awaitable[None]],
    on_message: OnMessage,
    will: Will | None = None,
) -> Never:
    """Connect, run `serve(session)`, and again whenever the connection is lost, with growing, jittered waits.

    `serve` subscribes, so every connection has its subscriptions; it may return or run as long as it likes, and is
    cancelled when the connection ends.
    """
    wait_s = FIRST_WAIT_S
    failures = 0
    while True:
        try:
            async with connect(broker, client_id=client_id, on_message=on_message, will=will) as session:
                if failures:
                    logger.info("connected to the broker again after %d attempts", failures)
                wait_s, failures = FIRST_WAIT_S, 0
                await _serve_until_lost(session, serve)
        except BusError as error:
            logger.log(logging.WARNING if failures == 0 else logging.DEBUG, "broker: %s", error)
        failures += 1
        await asyncio.sleep(random.uniform(0.5, 1.0) * wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


async def _serve_until_lost(session: Session, serve: Callable[[Session], Awaitable[None]]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(session.wait_lost(), name="broker-lost")
            group.create_task(_call(serve, session), name="broker-serve")
    except BaseExceptionGroup as errors:
        ours, others = errors.split(BusError)
        if others is not None or ours is None:
            raise
        raise BusError(str(ours.exceptions[0])) from errors


async def _call(serve: Callable[[Session], Awaitable[None]], session: Session) -> None:
    await serve(session)


def _check_codes(codes: list[int], what: str) -> None:
    for code in codes:
        if code in _NOT_AUTHORIZED:
            raise NotPermitted(f"not permitted to {what}")
        if code >= _FAILURE:
            raise BusError(f"the broker refused to {what}: code {code}")


def _publish_properties(
    content_type: str, expiry_s: int | None, response_topic: str | None, correlation: bytes | None
) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = content_type
    if expiry_s is not None:
        properties.MessageExpiryInterval = expiry_s
    if response_topic is not None:
        properties.ResponseTopic = response_topic
    if correlation is not None:
        properties.CorrelationData = correlation
    return properties


def _subscribe_properties(subscription: int | None) -> Properties | None:
    if subscription is None:
        return None
    properties = Properties(PacketTypes.SUBSCRIBE)  # type: ignore[no-untyped-call]
    properties.SubscriptionIdentifier = subscription
    return properties
