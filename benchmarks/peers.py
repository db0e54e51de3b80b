"""The cheapest possible peers: WebSocket and MQTT 3.1.1 on plain sockets, so that what is measured is the other side.

They are written by hand and know only what the benchmarks send: one thread, blocking set-up, whole packets.
"""

import base64
import os
import socket
import struct

import msgpack

TIMEOUT_S = 10.0


def _connect(port: int) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _receive(connected: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        if not (more := connected.recv(size - len(received))):
            raise ConnectionError("the connection ended")
        received += more
    return received


# WebSocket


def open_websocket(port: int, path: str, name: str, password: str) -> socket.socket:
    """Shake hands; the caller reads the welcome."""
    connected = _connect(port)
    login = base64.b64encode(f"{name}:{password}".encode()).decode()
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: kleinmaelzung.v1+msgpack\r\nAuthorization: Basic {login}\r\n\r\n"
    )
    connected.sendall(request.encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += _receive(connected, 1)
    if b" 101 " not in answer.split(b"\r\n")[0]:
        raise ConnectionError(answer.decode())
    return connected


def websocket_message(*message: object) -> bytes:
    """A client's frame. Its mask is zero: the server has the same work, and the bytes can be made beforehand."""
    body: bytes = msgpack.packb(message)
    length = bytes([0x80 | len(body)]) if len(body) < 126 else struct.pack(">BH", 0x80 | 126, len(body))
    return b"\x82" + length + bytes(4) + body


def websocket_pong(payload: bytes) -> bytes:
    return bytes([0x8A, 0x80 | len(payload)]) + bytes(4) + payload


def receive_websocket(connected: socket.socket) -> tuple[int, list[object]]:
    """The size of one frame, and the message in it."""
    header = _receive(connected, 2)
    length = header[1]
    if length == 126:
        header += _receive(connected, 2)
        (length,) = struct.unpack(">H", header[2:])
    return len(header) + length, msgpack.unpackb(_receive(connected, length))


def expect(connected: socket.socket, kind: str) -> tuple[int, list[object]]:
    """Skip to a message of one kind."""
    while True:
        size, message = receive_websocket(connected)
        if message[0] == kind:
            return size, message


def open_agent(port: int, name: str, secret: str) -> socket.socket:
    agent = open_websocket(port, "/agent", name, secret)
    expect(agent, "welcome")
    return agent


def open_watcher(port: int, user: str, password: str, pattern: str) -> socket.socket:
    watcher = open_websocket(port, "/client", user, password)
    expect(watcher, "welcome")
    watcher.sendall(websocket_message("watch", 1, pattern))
    expect(watcher, "done")
    return watcher


# MQTT


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)[0], rest % 128
        length += bytes([digit | (0x80 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


def open_mqtt(port: int, user: str, password: str, client_id: str) -> socket.socket:
    connected = _connect(port)
    body = _text("MQTT") + struct.pack(">BBH", 4, 0xC2, 60) + _text(client_id) + _text(user) + _text(password)
    connected.sendall(_packet(0x10, body))
    if (answer := _receive(connected, 4))[3] != 0:
        raise ConnectionError(f"CONNACK {answer.hex()}")
    return connected


def subscribe_mqtt(connected: socket.socket, topic: str) -> None:
    connected.sendall(_packet(0x82, b"\0\1" + _text(topic) + b"\0"))
    if (answer := _receive(connected, 5))[4] != 0:
        raise ConnectionError(f"SUBACK {answer.hex()}")


def mqtt_message(topic: str, payload: bytes) -> bytes:
    """PUBLISH at QoS 0; what the subscriber receives is the same bytes."""
    return _packet(0x30, _text(topic) + payload)
