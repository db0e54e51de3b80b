"""The socket that reads ahead and knows where packets end, over a real pair of sockets."""

import socket
from collections.abc import Iterator

import pytest

from kleinmaelzung_bus.buffered_socket import READ_AHEAD, BufferedSocket

Pair = tuple[BufferedSocket, socket.socket]

PONG = b"\xd0\x00"
THE_END = b""


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield BufferedSocket(ours), theirs


def publish(body: bytes) -> bytes:
    """A packet of any length: its header, and as many bytes as that says."""
    length, size = b"", len(body)
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return b"\x30" + length + body


def packets(buffered: BufferedSocket) -> list[bytes]:
    return [buffer[start:end] for buffer, start, _, end in buffered.read_packets()]


def test_packets_that_come_together_come_out_one_by_one(pair: Pair) -> None:
    buffered, peer = pair
    sent = [PONG, publish(b""), publish(b"x" * 127), publish(b"x" * 128), PONG]
    peer.sendall(b"".join(sent))
    assert packets(buffered) == sent


def test_byte_by_byte_a_packet_waits_for_its_last_byte(pair: Pair) -> None:
    buffered, peer = pair
    packet = publish(b"x" * 200)
    for byte in packet[:-1]:
        peer.sendall(bytes([byte]))
        assert packets(buffered) == []
    peer.sendall(packet[-1:] + PONG[:1])
    assert packets(buffered) == [packet]
    peer.sendall(PONG[1:])
    assert packets(buffered) == [PONG]


def test_where_the_body_begins_is_known(pair: Pair) -> None:
    buffered, peer = pair
    for body in (b"", b"x" * 127, b"x" * 128, b"x" * 16_384):
        peer.sendall(publish(body))
        [(buffer, _, begin, end)] = buffered.read_packets()
        assert buffer[begin:end] == body


def test_nothing_there_is_no_packet_and_no_end(pair: Pair) -> None:
    buffered, peer = pair
    assert packets(buffered) == []
    with pytest.raises(BlockingIOError):
        buffered.recv(1)
    peer.sendall(PONG)
    assert packets(buffered) == [PONG]


def test_the_end_comes_after_what_is_left_and_paho_finds_it(pair: Pair) -> None:
    buffered, peer = pair
    peer.sendall(PONG + b"\x30")
    peer.close()
    found = packets(buffered)
    while THE_END not in found:
        found += packets(buffered)
    assert found == [PONG, THE_END]
    assert [buffered.recv(1) for _ in range(2)] == [b"", b""]


def test_paho_reads_the_packet_shown_to_it_and_no_byte_more(pair: Pair) -> None:
    buffered, peer = pair
    peer.sendall(PONG + PONG)
    buffered.show(PONG)
    assert [buffered.recv(1), buffered.recv(100)] == [b"\xd0", b"\x00"]
    with pytest.raises(BlockingIOError):
        buffered.recv(1)


def test_a_length_that_never_ends_is_shown_to_paho_as_it_is(pair: Pair) -> None:
    buffered, peer = pair
    peer.sendall(b"\x30\xff\xff\xff\xff\xff")
    assert packets(buffered) == [b"\x30\xff\xff\xff\xff\xff"]


def test_no_byte_is_lost_or_doubled_over_many_buffers(pair: Pair) -> None:
    buffered, peer = pair
    peer.setblocking(False)
    wanted = [publish(bytes([number % 251]) * (number * 97 % 5000)) for number in range(200)]
    left, received = b"".join(wanted), list[bytes]()
    assert len(left) > 3 * READ_AHEAD
    while len(received) < len(wanted):
        if left:
            left = left[peer.send(left[:70_001]) :]
        received += packets(buffered)
    assert received == wanted


def test_everything_else_is_the_sockets(pair: Pair) -> None:
    buffered, peer = pair
    assert buffered.fileno() > 0
    buffered.sendall(b"back")
    assert peer.recv(10) == b"back"
