"""One agent and many watchers of it, a process of their own: when did each frame reach each of them?

    python -m benchmarks.crowd '{"port": ..., "watchers": 20, "rate": 1000, ...}'

streams until its input is closed, and then prints one JSON document: delays second by second, and what was missed.
Reckoned is only at the end: it would delay what is measured.
"""

import gc
import json
import selectors
import socket
import sys
import time
from array import array
from collections import defaultdict
from statistics import quantiles
from typing import Any, Final

from benchmarks import load, peers
from benchmarks.payload import TEN_SAMPLES

DRAIN_S: Final = 5.0
PING: Final = 0x89  # the first byte of such a frame


class Socket:
    """One WebSocket's incoming side. Pings are answered: the gateway ends the connection of who is silent for 30 s."""

    def __init__(self, connected: socket.socket, size: int) -> None:
        connected.setblocking(False)
        self.connected = connected
        self.packets = 0  # of the expected size; a note that something was missed has another
        self._size = size
        self._rest = b""

    def read(self) -> int:
        """How many packets more have come."""
        if not (received := self.connected.recv(load.READ_BYTES)):
            raise ConnectionError("the gateway ended a connection")
        rest, before = self._rest + received, self.packets
        start = 0
        while (size := _frame_size(rest, start)) and start + size <= len(rest):
            if rest[start] == PING:
                self.connected.sendall(peers.websocket_pong(rest[start + 2 : start + size]))
            self.packets += size == self._size
            start += size
        self._rest = rest[start:]
        return self.packets - before


def _frame_size(data: bytes, start: int) -> int:
    """Of the WebSocket frame that begins there, its header included; 0 when not all of the header is there."""
    if len(data) < start + 4:
        return 0
    length = data[start + 1]
    return 2 + length if length < 126 else 4 + int.from_bytes(data[start + 2 : start + 4])


class Crowd:
    """Sends at a steady rate and notes each arrival."""

    def __init__(self, way: load.Way) -> None:
        self._way = way
        self._agent = Socket(way.sender, 0)
        self._watchers = [Socket(receiver, way.incoming) for receiver in way.receivers]
        self._selector = selectors.DefaultSelector()
        for each in (self._agent, *self._watchers):
            self._selector.register(each.connected, selectors.EVENT_READ, each)
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._sent_at = array("d")
        self._delays_ms: dict[int, array[float]] = defaultdict(lambda: array("f"))

    def stream(self, rate: float) -> dict[str, Any]:
        """Until the input is closed; then wait a while for what is under way."""
        started = time.monotonic()
        is_over = False
        while not is_over:
            due = started + len(self._sent_at) / rate
            if (now := time.monotonic()) >= due:
                self._sent_at.append(now)
                self._way.sender.sendall(self._way.outgoing)
            is_over = self._read(max(0.0, due - now))
        self._selector.unregister(sys.stdin)
        ends = time.monotonic() + DRAIN_S
        while self._missed() and time.monotonic() < ends:
            self._read(0.1)
        return {"frames": len(self._sent_at), "missed": self._missed(), "seconds": self._seconds()}

    def _read(self, wait_s: float) -> bool:
        """Whether the input was closed."""
        for key, _ in self._selector.select(wait_s):
            if not isinstance(key.data, Socket):
                return True
            if count := key.data.read():
                self._note(key.data.packets - count, key.data.packets)
        return False

    def _note(self, first: int, after_last: int) -> None:
        now = time.monotonic()
        delays = self._delays_ms[int(now)]
        delays.extend((now - self._sent_at[number]) * 1000 for number in range(first, after_last))

    def _missed(self) -> int:
        """Frames over all watchers."""
        return sum(abs(len(self._sent_at) - watcher.packets) for watcher in self._watchers)

    def _seconds(self) -> list[dict[str, float]]:
        """Of each whole second of the monotonic clock; the first and the last are cut."""
        return [_second(at, self._delays_ms[at]) for at in sorted(self._delays_ms)[1:-1]]


def _second(at: int, delays_ms: "array[float]") -> dict[str, float]:
    cuts = quantiles(delays_ms, n=100)
    return {"at": at, "p50": cuts[49], "p99": cuts[98], "worst": max(delays_ms)}


if __name__ == "__main__":
    gc.disable()
    given = json.loads(sys.argv[1])
    found = Crowd(load.websockets_way(given, given["watchers"], TEN_SAMPLES)).stream(given["rate"])
    print(json.dumps(found))
