"""Publications at QoS 0 on their way out: those of one turn of the event loop leave with one system call.

paho makes a call, a lock, two objects of properties and a callback for each. Here they bypass it while the broker
reads; when it does not, they join paho's queue, so that nothing overtakes and the backlog is counted in packets.
"""

import asyncio
import ssl
from typing import Any, Final

import paho.mqtt.client as paho

MAX_TOGETHER: Final = 64 * 1024  # bytes held back at most; more would not fit into the socket anyway
_NO_COMMAND: Final = 0  # paho calls back for a PUBLISH; these need no answer


class Outgoing:
    """The way out of one connection. Whoever sends by paho itself calls `flush` first."""

    def __init__(self, client: paho.Client) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._packets: list[bytes] = []
        self._bytes = 0

    @property
    def backlog(self) -> int:
        """Packets that wait for a broker that does not read."""
        return len(self._client._out_packet)

    def put(self, packet: bytes) -> None:
        """Send a packet in this turn of the event loop or right after it."""
        if not self._packets:
            self._loop.call_soon(self.flush)
        self._packets.append(packet)
        self._bytes += len(packet)
        if self._bytes > MAX_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Send now what was put."""
        waiting, self._packets, self._bytes = self._packets, [], 0
        sock = self._client.socket()
        if not waiting or sock is None or sock.fileno() < 0:
            return  # the connection has ended: nothing more leaves
        together = b"".join(waiting)
        try:
            sent = 0 if self.backlog else _send(sock, together)
        except ssl.SSLWantWriteError:  # TLS wants the very same bytes again, so they must not come apart
            self._client._packet_queue(_NO_COMMAND, together, 0, 0, None)
            return
        for packet in waiting:
            if sent < len(packet):
                self._client._packet_queue(_NO_COMMAND, packet[sent:], 0, 0, None)
            sent = max(0, sent - len(packet))


def _send(sock: Any, packets: bytes) -> int:
    try:
        sent: int = sock.send(packets)
    except ssl.SSLWantWriteError:
        raise
    except OSError:  # not now, or never again: paho's next attempt finds out which
        return 0
    return sent
