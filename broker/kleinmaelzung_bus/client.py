"""aiomqtt's client as we need it: direct hand-over, kept reason codes, a socket that reads ahead.

In: bytes from the broker. Out: Message by a callback, answers (SUBACK, PUBACK ...) into the futures of who waits.
Ordinary messages at QoS 0 go past paho, in and out (packets.py, buffered_socket.py, outgoing.py).

This module and session.py alone import aiomqtt; the private names that are needed are in PRIVATE_NAMES, and a test sees
that they exist.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from kleinmaelzung_bus import packets
from kleinmaelzung_bus.buffered_socket import BufferedSocket
from kleinmaelzung_bus.outgoing import Outgoing
from kleinmaelzung_wire import tls

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 5.0  # for CONNACK, SUBACK and PUBACK; a healthy broker needs milliseconds
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_S = 10  # a dead broker is noticed after twice that

# Which broker it is. RabbitMQ keeps what is retained for exact topics and one node only, ends the session of who is
# refused, and holds the queues of subscriptions at QoS 1 of a dead node against everyone who publishes (session.py).
Kind = Literal["mosquitto", "rabbitmq"]

PRIVATE_NAMES: Final = {
    aiomqtt.Client: (
        *("_on_message", "_on_publish", "_on_subscribe", "_on_unsubscribe", "_on_disconnect", "_on_socket_open"),
        "_misc_loop",
    ),
    paho.Client: (
        *("_sock_recv", "_call_socket_open", "_call_socket_unregister_write"),
        *("_packet_queue", "_ssl_wrap_socket"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is and who connects; by TLS with the system's CAs, or only those in `ca_file`."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool = False
    ca_file: Path | None = None
    kind: Kind = "mosquitto"

    @classmethod
    def from_url(
        cls, url: str, *, user: str, password: str, ca_file: Path | None = None, kind: Kind = "mosquitto"
    ) -> Self:
        """From `mqtt://host:port` or, by TLS, `mqtts://host:port`. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            raise ValueError("a broker's address holds no user and no password")
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is not a broker's address, expected mqtt://host:port or mqtts://host:port")
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            user=user,
            password=password,
            tls=parts.scheme == "mqtts",
            ca_file=ca_file,
            kind=kind,
        )


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


class Client(aiomqtt.Client):
    """aiomqtt's client with direct hand-over, kept reason codes and the buffered socket."""

    def __init__(self, broker: Broker, client_id: str, on_message: OnMessage, will: Will | None) -> None:
        context = tls.client_context(broker.ca_file) if broker.tls else None
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
            tls_context=context,
        )
        if context is not None:
            self._client._ssl_wrap_socket = partial(_secured, context, broker.host)  # type: ignore[method-assign]
        self.kind = broker.kind
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
        self.hand_over(Message.from_paho(message))

    def hand_over(self, message: Message) -> None:
        """Give a message to who takes them."""
        try:
            self._hand_over(message)
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

    _on_unsubscribe = _on_subscribe

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
            # A turn later: by then aiomqtt has added the writer that it may just have put off, or it would add it to
            # whatever has the same number next.
            self._loop.call_soon(self._close_socket, sock)
        if self._disconnected.done():
            self._disconnected.exception()  # seen, so that asyncio does not complain

    def _close_socket(self, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._client._call_socket_unregister_write(sock)
            self._loop.remove_writer(sock.fileno())
            sock.close()


def _secured(context: ssl.SSLContext, host: str, sock: socket.socket) -> ssl.SSLSocket:
    """In place of paho's own, which leaves the socket open when the handshake fails."""
    secured = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        secured.settimeout(ANSWER_TIMEOUT_S)
        secured.do_handshake()
    except BaseException:
        secured.close()
        raise
    return secured


def _aiomqtt_will(will: Will | None) -> aiomqtt.Will | None:
    return aiomqtt.Will(will.topic, will.payload, qos=1, retain=True) if will else None
