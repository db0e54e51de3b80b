"""Instruments that count: each value they send is the next number, written down, so that none can vanish unseen.

    stream    sends `N 123` at its rate from the moment it was told GO, as long as an agent is connected
    polled    answers `N 123` to each `R?`
    commanded a polled one that executes each `SET 7`, writes that down, and says `OK 7` a moment later

    python -m tests.faults.instruments DIRECTORY '{"pi-1/stream-1": 100, "pi-1/polled-1": 0}'

The number is a stream's rate in Hz, 0 is polled or commanded. All live in one process that no fault touches. It prints
the TCP ports as one line of JSON; DIRECTORY gets the log (truth.py) and a socket for `ask`: `counts` tells the last
number of each, `halt` ends the sending and brings the log to the disk.
"""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final, TextIO

from tests.faults import truth

LOG: Final = "truth.log"
SOCKET: Final = "instruments.socket"
ASK_S: Final = 10.0
EXECUTE_S: Final = 0.1  # so that what breaks often does so between a command and its answer


class Instrument:
    """Counts. A new connection takes over from an old one."""

    def __init__(self, name: str, rate_hz: float, log: TextIO) -> None:
        self.name = name
        self.count = 0
        self.is_halted = False
        self._rate_hz = rate_hz
        self._log = log
        self._connections = 0
        self._wire: _Wire | None = None
        self._timer: asyncio.TimerHandle | None = None

    def opened(self, wire: "_Wire") -> int:
        self._connections += 1
        self._wire = wire
        self._log.write(truth.opened(self.name, self._connections, time.monotonic_ns()))
        return self._connections

    def closed(self, wire: "_Wire") -> None:
        self._log.write(truth.closed(self.name, wire.number, time.monotonic_ns()))
        if self._wire is wire:
            self._wire = None
            self._stop_stream()

    def asked(self, line: bytes, wire: "_Wire") -> None:
        if line.startswith(b"SET ") and line[4:].isdigit():
            self._execute(int(line[4:]), wire)
        elif line == b"R?":
            self._send()
        elif line == b"GO" and self._timer is None:
            self._stream(asyncio.get_running_loop().time())

    def _execute(self, number: int, wire: "_Wire") -> None:
        self._log.write(truth.executed(self.name, number, wire.number, time.monotonic_ns()))
        asyncio.get_running_loop().call_later(EXECUTE_S, wire.transport.write, b"OK %d\r\n" % number)

    def _stream(self, due: float) -> None:
        self._send()
        loop = asyncio.get_running_loop()
        due = max(due + 1 / self._rate_hz, loop.time())
        self._timer = loop.call_at(due, self._stream, due)

    def _stop_stream(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self) -> None:
        if self._wire is None or self.is_halted:
            return
        self.count += 1
        self._log.write(truth.sent(self.name, self.count, self._wire.number, time.monotonic_ns()))
        self._wire.transport.write(b"N %d\r\n" % self.count)


class _Wire(asyncio.Protocol):
    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._pending = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.number = self._instrument.opened(self)

    def data_received(self, chunk: bytes) -> None:
        *asked, self._pending = (self._pending + chunk).split(b"\r\n")
        for line in asked:
            self._instrument.asked(line, self)

    def connection_lost(self, error: Exception | None) -> None:
        self._instrument.closed(self)


async def ask(directory: Path, question: str) -> dict[str, int]:
    """Ask the running instruments: `counts` or `halt`; both answer with the last count of each."""
    async with asyncio.timeout(ASK_S):
        reader, writer = await asyncio.open_unix_connection(directory / SOCKET)
        writer.write(f"{question}\n".encode())
        answer: dict[str, int] = json.loads(await reader.readline())
        writer.close()
    return answer


async def _serve(directory: Path, rates_hz: dict[str, float]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with (directory / LOG).open("a") as log:
        every = [Instrument(name, rate_hz, log) for name, rate_hz in rates_hz.items()]

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            question = await reader.readline()
            for instrument in every:
                instrument.is_halted |= question == b"halt\n"
            log.flush()
            writer.write(json.dumps({one.name: one.count for one in every}).encode() + b"\n")
            writer.close()

        print(json.dumps({one.name: await _listen(one) for one in every}), flush=True)
        async with await asyncio.start_unix_server(answer, directory / SOCKET):
            await stop.wait()


async def _listen(instrument: Instrument) -> int:
    server = await asyncio.get_running_loop().create_server(lambda: _Wire(instrument), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return port


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), json.loads(sys.argv[2])))
