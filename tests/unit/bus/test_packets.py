"""PUBLISH as bytes: what paho writes we read and the other way round; everything unusual is left to paho."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import _packet
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kleinmaelzung_bus import packets

TOPIC = "kleinmaelzung/pi-1/balance/data"


def read(packet: bytes) -> packets.Publish | None:
    found = packets.find_end(packet, 0)
    assert found is not None
    assert found[1] == len(packet)
    return packets.read_publish(packet, 0, *found)


def properties(**values: Any) -> bytes:
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            setattr(made, name, one)
    packed: bytes = made.pack()  # type: ignore[no-untyped-call]
    return packed


def packet(topic: bytes, after: bytes, first: int = 0x30) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + after
    return bytes([first]) + packets._number(len(body)) + body


def test_the_exact_bytes() -> None:
    written = packets.write_publish("a/b", b"xyz", retained=True, content_type="t")
    assert written == b"\x31\x0d\x00\x03a/b\x04\x03\x00\x01txyz"


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 16_383, 16_384, 131_072])
@pytest.mark.parametrize("retained", [False, True])
def test_what_we_write_paho_reads_and_we_read(size: int, retained: bool) -> None:
    written = packets.write_publish(TOPIC, b"x" * size, retained=retained, content_type="application/msgpack")
    found = packets.find_end(written, 0)
    assert found is not None
    theirs = _packet.decode_publish(written[0], written[found[0] :], MQTTProtocolVersion.MQTTv5)
    assert (theirs.topic.decode(), theirs.payload, theirs.qos, theirs.retain) == (TOPIC, b"x" * size, 0, retained)
    assert theirs.properties is not None
    assert theirs.properties.json() == {"ContentType": "application/msgpack"}  # type: ignore[no-untyped-call]
    assert read(written) == packets.Publish(TOPIC, b"x" * size, retained, packets.Properties())


def test_properties_as_paho_packs_them() -> None:
    packed = properties(
        PayloadFormatIndicator=1,
        MessageExpiryInterval=70_000,
        ContentType="application/msgpack",
        ResponseTopic="kleinmaelzung/_client/anna/1/inbox",
        CorrelationData=b"\x00\x01",
        SubscriptionIdentifier=[1, 300, 268_435_455],
    )
    expected = packets.Properties("kleinmaelzung/_client/anna/1/inbox", b"\x00\x01", (1, 300, 268_435_455))
    assert read(packet(TOPIC.encode(), packed + b"payload")) == packets.Publish(TOPIC, b"payload", False, expected)


@pytest.mark.parametrize(
    "unusual",
    {
        "QoS 1": packet(b"t", b"\x00\x01\x00x", 0x32),
        "sent again": packet(b"t", b"\x00x", 0x38),
        "another kind": b"\xd0\x00",
        "nothing in it": b"\x30\x00",
        "no topic": packet(b"", b"\x00x"),
        "topic beyond the end": b"\x30\x04\x00\x09tt",
        "no properties": packet(b"t", b""),
        "topic not UTF-8": packet(b"\xff", b"\x00x"),
        "properties beyond the end": packet(b"t", b"\x09\x03\x00"),
        "properties of many bytes": packet(b"t", b"\x80\x01" + b"\x01\x00" * 64),
        "a property of users": packet(b"t", properties(UserProperty=("a", "b"))),
        "a topic alias": packet(b"t", properties(TopicAlias=1)),
        "an unknown property": packet(b"t", b"\x02\x7f\x00"),
        "a property twice": packet(b"t", b"\x04\x01\x00\x01\x00"),
        "a property cut off": packet(b"t", b"\x04\x03\x00\x05t"),
        "a number that never ends": packet(b"t", b"\x03\x0b\xff\xff"),
        "a response topic not UTF-8": packet(b"t", b"\x04\x08\x00\x01\xff"),
    }.items(),
    ids=lambda item: item[0],
)
def test_everything_unusual_is_left_to_paho(unusual: tuple[str, bytes]) -> None:
    assert read(unusual[1]) is None


@given(st.binary(max_size=40))
def test_garbage_never_raises(body: bytes) -> None:
    read(b"\x30" + bytes([len(body)]) + body)


@given(st.binary(max_size=12))
def test_a_packet_ends_where_its_length_says_or_is_malformed(buffer: bytes) -> None:
    try:
        found = packets.find_end(buffer, 0)
    except packets.Malformed:
        assert all(byte >= 0x80 for byte in buffer[1:5])
        return
    if found is None:
        assert len(buffer) < 5
    else:
        assert found[0] <= found[1]


@pytest.mark.parametrize("topic", ["", "a/+", "a/#", "x" * 65_536])
def test_a_topic_that_cannot_be_published_to_raises(topic: str) -> None:
    with pytest.raises(ValueError, match=r"no topic|MQTT allows"):
        packets.write_publish(topic, b"", retained=False, content_type="t")
