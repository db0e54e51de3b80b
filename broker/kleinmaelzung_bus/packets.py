"""MQTT 5 PUBLISH at QoS 0 as bytes, in and out: what nearly all traffic is. Pure.

paho builds two large dictionaries for each received message and looks through all 27 properties for each one sent:
40 µs of the 60 that a message costs. Only what is ordinary is read here. Everything else, and everything malformed,
is left to paho, which also says what is wrong with it.
Format: MQTT 5.0, 2.2.2 and 3.3.
"""

import functools
from typing import Final, NamedTuple

_PUBLISH: Final = 0x30
_RETAINED: Final = 0x01
_LONGEST: Final = 0xFFFF
_CONTINUES: Final = 0x80

# Property: size of its value, None for one that begins with its length.
_EXPIRY, _CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION, _SUBSCRIPTION = 0x02, 0x03, 0x08, 0x09, 0x0B
_SIZES: Final = {0x01: 1, _EXPIRY: 4, _CONTENT_TYPE: None, _RESPONSE_TOPIC: None, _CORRELATION: None}


class Malformed(Exception):
    """These bytes are no packet."""


class Properties(NamedTuple):
    """What we use of a message's properties."""

    response_topic: str | None = None
    correlation: bytes | None = None
    subscriptions: tuple[int, ...] = ()


class Publish(NamedTuple):
    topic: str
    payload: bytes
    retained: bool
    properties: Properties


def find_end(buffer: bytes, start: int) -> tuple[int, int] | None:
    """Where the packet's body begins and ends; None if not even its length is here. Raises Malformed."""
    length = shift = 0
    for position in range(start + 1, min(start + 5, len(buffer))):
        byte = buffer[position]
        length |= (byte & 0x7F) << shift
        if byte < _CONTINUES:
            return position + 1, position + 1 + length
        shift += 7
    if shift == 28:
        raise Malformed("a length of more than four bytes")
    return None


def read_publish(buffer: bytes, start: int, body: int, end: int) -> Publish | None:
    """The ordinary PUBLISH at QoS 0 in buffer[start:end]; None for any other packet."""
    if buffer[start] & ~_RETAINED != _PUBLISH or end - body < 3:
        return None
    topic_end = body + 2 + (buffer[body] << 8 | buffer[body + 1])
    if topic_end >= end or topic_end == body + 2 or (length := buffer[topic_end]) >= _CONTINUES:
        return None
    payload_start = topic_end + 1 + length
    if payload_start > end:
        return None
    properties = _read_properties(buffer[topic_end + 1 : payload_start])
    if properties is None:
        return None
    try:
        topic = buffer[body + 2 : topic_end].decode()
    except UnicodeDecodeError:
        return None
    return Publish(topic, buffer[payload_start:end], bool(buffer[start] & _RETAINED), properties)


@functools.lru_cache(maxsize=1024)  # the same few, message after message
def _read_properties(raw: bytes) -> Properties | None:
    values: dict[int, bytes] = {}
    subscriptions: list[int] = []
    position = 0
    try:
        while position < len(raw):
            kind, position = raw[position], position + 1
            if kind == _SUBSCRIPTION:
                number, position = _read_number(raw, position)
                subscriptions.append(number)
                continue
            start, position = _find_value(raw, kind, position)
            if kind in values or position > len(raw):
                return None
            values[kind] = raw[start:position]
        topic = values.get(_RESPONSE_TOPIC)
        response_topic = None if topic is None else topic.decode()
    except (IndexError, KeyError, UnicodeDecodeError):
        return None
    return Properties(response_topic, values.get(_CORRELATION), tuple(subscriptions))


def _find_value(raw: bytes, kind: int, position: int) -> tuple[int, int]:
    size = _SIZES[kind]
    if size is not None:
        return position, position + size
    start = position + 2
    return start, start + (raw[position] << 8 | raw[position + 1])


def _read_number(raw: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte, position = raw[position], position + 1
        number |= (byte & 0x7F) << shift
        if byte < _CONTINUES:
            return number, position
        shift += 7


def write_publish(topic: str, payload: bytes, *, retained: bool, content_type: str) -> bytes:
    """A PUBLISH at QoS 0. Raises ValueError for a topic that cannot be published to."""
    head = _head(topic, content_type)
    first = _PUBLISH | retained
    return b"".join((bytes((first,)), _number(len(head) + len(payload)), head, payload))


@functools.lru_cache(maxsize=4096)
def _head(topic: str, content_type: str) -> bytes:
    """What follows the length: topic and properties."""
    if not topic or "+" in topic or "#" in topic:
        raise ValueError(f"{topic!r:.100} is no topic to publish to")
    properties = bytes((_CONTENT_TYPE,)) + _text(content_type)
    return _text(topic) + _number(len(properties)) + properties


def _text(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > _LONGEST:
        raise ValueError(f"a text of {len(encoded)} bytes, MQTT allows {_LONGEST}")
    return len(encoded).to_bytes(2, "big") + encoded


@functools.lru_cache(maxsize=1024)
def _number(number: int) -> bytes:
    digits = bytearray()
    while number >= _CONTINUES:
        digits.append(number & 0x7F | _CONTINUES)
        number >>= 7
    digits.append(number)
    return bytes(digits)
