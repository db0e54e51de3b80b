"""The load generator, a process of its own: sends one packet again and again, and counts what arrives.

    python -m benchmarks.load stream|fanout|latency|latency-mqtt|drain '{"port": ..., ...}'   ->   one line of JSON

All packets of a run have the same size, so counting them is counting bytes.
"""

import json
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from benchmarks import peers, processes
from benchmarks.payload import PAYLOAD

READ_BYTES = 1 << 18
DATA_TOPIC = "kleinmaelzung/pi-1/balance/data"
DRAIN_S = 5.0
LOGINS_AT_ONCE = 20


@dataclass
class Way:
    """From one sender to all receivers; `incoming` is the size of what each receives for one `outgoing`."""

    sender: socket.socket
    receivers: list[socket.socket]
    outgoing: bytes
    incoming: int


def websockets_way(given: dict[str, Any], watchers: int, payload: bytes = PAYLOAD) -> Way:
    agent = peers.open_agent(given["port"], "pi-1", given["secret"])
    with ThreadPoolExecutor(LOGINS_AT_ONCE) as pool:
        receivers = list(pool.map(lambda _: _open_watcher(given), range(watchers)))
    outgoing = peers.websocket_message("publish", "balance/data", payload)
    agent.sendall(outgoing)
    sizes = {peers.expect(receiver, "message")[0] for receiver in receivers}
    return Way(agent, receivers, outgoing, sizes.pop())


def _open_watcher(given: dict[str, Any]) -> socket.socket:
    return peers.open_watcher(given["port"], "anna", given["password"], "pi-1/balance/data")


def mqtt_way(given: dict[str, Any]) -> Way:
    sender = peers.open_mqtt(given["mqtt"], "agent:pi-2", given["secret"], "bench-out")
    receiver = peers.open_mqtt(given["mqtt"], "anna", given["password"], "bench-in")
    topic = DATA_TOPIC.replace("pi-1", "pi-2")
    peers.subscribe_mqtt(receiver, topic)
    outgoing = peers.mqtt_message(topic, PAYLOAD)
    return Way(sender, [receiver], outgoing, len(outgoing))


class Receivers:
    """Counts what has arrived, in packets over all receivers."""

    def __init__(self, way: Way) -> None:
        self._selector = selectors.DefaultSelector()
        self._incoming = way.incoming
        self._bytes = 0
        for receiver in way.receivers:
            receiver.setblocking(False)
            self._selector.register(receiver, selectors.EVENT_READ)

    @property
    def packets(self) -> int:
        return self._bytes // self._incoming

    def read(self, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            assert isinstance(key.fileobj, socket.socket)
            received = key.fileobj.recv(READ_BYTES)
            if not received:
                raise ConnectionError("a receiver was disconnected")
            self._bytes += len(received)


def pump(way: Way, seconds: float, window: int) -> dict[str, float]:
    """Send as fast as it arrives, with at most `window` packets under way."""
    receivers, sent, each = Receivers(way), 0, len(way.receivers)
    started = time.perf_counter()
    ends = started + seconds
    while time.perf_counter() < ends:
        room = window - (sent - receivers.packets // each)
        if room > window // 4:  # in bunches: a call for each packet would measure the generator
            way.sender.sendall(way.outgoing * room)
            sent += room
        receivers.read(1.0)
    while receivers.packets < sent * each and time.perf_counter() < ends + DRAIN_S:
        receivers.read(0.1)
    return {"arrived": receivers.packets, "lost": sent * each - receivers.packets, "s": time.perf_counter() - started}


def pace(way: Way, seconds: float, rate: float) -> dict[str, float]:
    """Send at a steady rate; how long each took, in ms."""
    receivers, sent_at = Receivers(way), deque[float]()
    took_ms: list[float] = []
    started = time.perf_counter()
    due, count = started, 0
    while len(took_ms) < seconds * rate and time.perf_counter() < started + seconds + DRAIN_S:
        if (now := time.perf_counter()) >= due and count < seconds * rate:
            sent_at.append(now)
            way.sender.sendall(way.outgoing)
            count += 1
            due = started + count / rate
        receivers.read(max(0.0, due - time.perf_counter()) if count < seconds * rate else 0.1)
        now = time.perf_counter()
        while len(took_ms) < receivers.packets:
            took_ms.append((now - sent_at.popleft()) * 1000)
    cuts = quantiles(took_ms, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "lost": count - len(took_ms)}


def fanout(given: dict[str, Any]) -> dict[str, float]:
    way = websockets_way(given, given["watchers"])
    before = processes.cpu_s(given["process"])
    pumped = pump(way, given["seconds"], window=20)
    return {**pumped, "cpu_s": processes.cpu_s(given["process"]) - before}


def drain(given: dict[str, Any]) -> dict[str, float]:
    """Be the clients of a server that sends until it closes."""
    opened = [peers.open_websocket(given["port"], "/", "anna", "") for _ in range(given["watchers"])]
    receivers = Receivers(Way(opened[0], opened, b"", 1))
    try:
        while True:
            receivers.read(1.0)
    except OSError:
        return {"arrived": receivers.packets}


RUNS: dict[str, Callable[[dict[str, Any]], dict[str, float]]] = {
    "stream": lambda given: pump(websockets_way(given, 1), given["seconds"], window=400),
    "fanout": fanout,
    "latency": lambda given: pace(websockets_way(given, 1), given["seconds"], given["rate"]),
    "latency-mqtt": lambda given: pace(mqtt_way(given), given["seconds"], given["rate"]),
    "drain": drain,
}

if __name__ == "__main__":
    print(json.dumps(RUNS[sys.argv[1]](json.loads(sys.argv[2]))))
