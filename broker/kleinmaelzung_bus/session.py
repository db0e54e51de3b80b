"""The one way to the broker: a Session is one connection, keep() holds one up for ever.

Messages are handed to a callback as they arrive, without a task for each. Reason codes of PUBACK and SUBACK become
exceptions or results: aiomqtt drops them. A connection that ended is never used again; the next one is a new object,
because packet ids of the old one would acknowledge messages of the new.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, Never

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from kleinmaelzung_bus import packets
from kleinmaelzung_bus.client import ANSWER_TIMEOUT_S, Broker, Client, Kind, Message, OnMessage, Will
from kleinmaelzung_bus.errors import BusError, BusLost, NotPermitted
from kleinmaelzung_wire import codec, tls
from kleinmaelzung_wire.waits import Waits

__all__ = [
    "ANSWER_TIMEOUT_S",
    "Broker",
    "BusError",
    "BusLost",
    "Kind",
    "Message",
    "NotPermitted",
    "OnMessage",
    "Retained",
    "Session",
    "Will",
    "connect",
    "keep",
]

logger = logging.getLogger(__name__)

MAX_BACKLOG = 2000  # packets waiting for a broker that does not read; beyond it QoS 0 is dropped and counted
WAITS: Final = Waits(first_s=0.2, longest_s=5.0)

_NO_SUBSCRIBER = 0x10
_NOT_AUTHORIZED = (0x86, 0x87)
_FAILURE = 0x80


# Topics and payloads of what is retained under a filter, where not the broker keeps it; None where it does.
Retained = Callable[[str], Iterable[tuple[str, bytes]] | None]


class Session:
    """One connection to the broker; made by connect()."""

    def __init__(self, client: Client, retained: Retained | None = None) -> None:
        self._client = client
        self._retained = retained
        self.dropped = 0

    async def subscribe(
        self, topic_filter: str, *, qos: int = 0, retained: bool = True, subscription: int | None = None
    ) -> None:
        """Subscribe; `retained` says whether retained messages are wanted, `subscription` is an id for Message.

        Raises:
            NotPermitted: the broker refused the filter.
            BusError: it did not answer.
        """
        is_elsewhere = retained and self._retained is not None and self._retained(topic_filter) is not None
        # No session outlives its connection, so QoS 1 gives a subscriber nothing more. RabbitMQ keeps a queue for it
        # when its node dies, and then says to whoever publishes there that it failed (PUBACK 131).
        options = SubscribeOptions(
            qos=0 if self._client.kind == "rabbitmq" else qos,
            retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
            if retained and not is_elsewhere
            else SubscribeOptions.RETAIN_DO_NOT_SEND,
        )
        self._client.outgoing.flush()
        code, mid = self._client.inner.subscribe(
            topic_filter, options=options, properties=_subscribe_properties(subscription)
        )
        self._check_sent(code, f"subscribing to {topic_filter}")
        _check_codes(await self._answer(mid, f"subscribing to {topic_filter}"), f"subscribe to {topic_filter}")
        if is_elsewhere and self._retained is not None:
            properties = packets.Properties(None, None, () if subscription is None else (subscription,))
            for topic, payload in self._retained(topic_filter) or ():
                self._client.hand_over(Message(topic, payload, qos, True, properties))

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
        sent = self._client.inner.publish(topic, payload, 1, retained, properties)
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
        cause = f": {error}" if isinstance(error, OSError | BusLost) else ""  # paho's own words say nothing
        return BusLost(_END_SENTENCES.get(code, f"the connection to the broker ended{cause}"), code)

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
    broker: Broker,
    *,
    client_id: str,
    on_message: OnMessage,
    will: Will | None = None,
    retained: Retained | None = None,
) -> AsyncIterator[Session]:
    """Hold one connection to the broker open. `retained` is asked where the broker cannot keep what is retained.

    Raises:
        NotPermitted: user name or password is wrong.
        BusError: the broker is not there.
    """
    try:
        client = Client(broker, client_id, on_message, will)
    except tls.CaFileError as error:
        raise BusError(str(error)) from error
    try:
        await client.__aenter__()
    except aiomqtt.MqttCodeError as error:
        client.abandon()
        raise _connect_error(error, broker) from error
    except aiomqtt.MqttError as error:
        client.abandon()
        raise BusError(_not_reached(error, broker)) from error
    except BaseException:
        client.abandon()
        raise
    try:
        yield Session(client, retained)
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    client.outgoing.flush()
    try:
        await client.__aexit__(None, None, None)
    except aiomqtt.MqttError as error:
        logger.debug("closing the connection to the broker: %s", error)
    finally:
        client.abandon()


def _not_reached(error: aiomqtt.MqttError, broker: Broker) -> str:
    where, cause = f"{broker.host}:{broker.port}", error.__cause__ or error.__context__
    told = tls.sentence(cause, where, broker.ca_file) if broker.tls and isinstance(cause, OSError) else ""
    return told or f"no broker at {where}: {error}"


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
    retained: Retained | None = None,
) -> Never:
    """Connect, run `serve(session)`, and again whenever the connection is lost, with growing, jittered waits.

    `serve` subscribes, so every connection has its subscriptions; it may return or run as long as it likes, and is
    cancelled when the connection ends.
    """
    failures = 0
    while True:
        try:
            async with connect(
                broker, client_id=client_id, on_message=on_message, will=will, retained=retained
            ) as session:
                if failures:
                    logger.info("connected to the broker again after %d attempts", failures)
                failures = 0
                await _serve_until_lost(session, serve)
        except BusError as error:
            logger.log(logging.WARNING if failures == 0 else logging.DEBUG, "broker: %s", error)
        failures += 1
        await asyncio.sleep(WAITS.after(failures))


async def _serve_until_lost(session: Session, serve: Callable[[Session], Awaitable[None]]) -> None:
    # No TaskGroup: before Python 3.13 it swallows a cancellation that comes while a task of its fails.
    serving = asyncio.create_task(_call(serve, session), name="broker-serve")
    lost = asyncio.create_task(session.wait_lost(), name="broker-lost")
    try:
        await asyncio.wait((serving, lost), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        await asyncio.wait((lost,))
        lost.result()
    finally:
        for task in (serving, lost):
            task.cancel()
        await asyncio.wait((serving, lost))
        for task in (serving, lost):
            if not task.cancelled():
                task.exception()  # seen: one failure is told, the other came of it


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
