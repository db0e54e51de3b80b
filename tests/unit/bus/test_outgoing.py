"""What leaves at QoS 0: together, in order, and through paho's queue when the broker does not read."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any, cast

import paho.mqtt.client as paho
import pytest

from kleinmaelzung_bus.outgoing import MAX_TOGETHER, Outgoing


class Client:
    """As much of paho's client as matters: a socket, and the queue of what could not be sent."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._out_packet: list[bytes] = []

    def socket(self) -> socket.socket:
        return self._sock

    def _packet_queue(self, command: int, packet: bytes, mid: int, qos: int, info: Any) -> None:
        self._out_packet.append(packet)


Ends = tuple[Client, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.settimeout(5)
        yield Client(ours), theirs


def outgoing(client: Client) -> Outgoing:
    return Outgoing(cast(paho.Client, client))


async def test_one_turn_of_the_loop_is_one_write(ends: Ends) -> None:
    client, peer = ends
    way = outgoing(client)
    for packet in (b"one", b"two", b"three"):
        way.put(packet)
    peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.recv(100)
    await asyncio.sleep(0)
    assert peer.recv(100) == b"onetwothree"
    assert way.backlog == 0


async def test_much_does_not_wait_for_the_turn_to_end(ends: Ends) -> None:
    client, peer = ends
    outgoing(client).put(b"x" * (MAX_TOGETHER + 1))
    assert peer.recv(100)


async def test_what_the_socket_does_not_take_waits_packet_by_packet_and_in_order(ends: Ends) -> None:
    client, peer = ends
    way = outgoing(client)
    packets = [bytes([number]) * 30_000 for number in range(40)]
    for packet in packets:
        way.put(packet)
    way.flush()
    assert 1 < way.backlog < 40
    received = b""
    while len(received) < sum(map(len, packets)) - sum(map(len, client._out_packet)):
        received += peer.recv(1 << 20)
    way.put(b"later")  # there is room again, and still it waits behind the others
    way.flush()
    assert received + b"".join(client._out_packet) == b"".join(packets) + b"later"


async def test_nothing_leaves_after_the_connection_has_ended(ends: Ends) -> None:
    client, _ = ends
    way = outgoing(client)
    way.put(b"x")
    client._sock.close()
    way.flush()
    assert way.backlog == 0
