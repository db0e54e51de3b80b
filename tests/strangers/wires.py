"""What a stranger's instrument is connected to: a pseudo-terminal, and faults on the way. Bytes in, bytes out."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes_instruments import Pty

Fault = Callable[[bytes], bytes]  # what the instrument says, to what comes


def nothing(message: bytes) -> bytes:
    return b""


class Cut:
    """Every other message loses its end."""

    def __init__(self, seed: int) -> None:
        self._random, self._count = random.Random(seed), 0

    def __call__(self, message: bytes) -> bytes:
        self._count += 1
        return message[: self._random.randrange(len(message))] if self._count % 2 else message


class Noise:
    """Something else, about as long, of all bytes or of those that instruments use."""

    def __init__(self, seed: int, alphabet: bytes = bytes(range(256))) -> None:
        self._random, self._alphabet = random.Random(seed), alphabet

    def __call__(self, message: bytes) -> bytes:
        return bytes(self._random.choices(self._alphabet, k=len(message) + self._random.randrange(4)))


class Flipped:
    """One bit of each message is another."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, message: bytes) -> bytes:
        at, bit = self._random.randrange(len(message)), 1 << self._random.randrange(8)
        return message[:at] + bytes([message[at] ^ bit]) + message[at + 1 :]


@dataclass
class Wire:
    """One message of the instrument is one `say`."""

    pty: Pty
    fault: Fault = bytes
    said: int = 0
    asked: list[bytes] = field(default_factory=list)

    def say(self, message: bytes) -> None:
        self.said += 1
        if came := self.fault(message):
            self.pty.say(came)

    def answer(self, ends: bytes, answer: Callable[[bytes], bytes]) -> None:
        """Answer what comes up to each end; b"" is silence."""
        pending = b""

        def heard(chunk: bytes) -> None:
            nonlocal pending
            *lines, pending = (pending + chunk).split(ends)
            for line in lines:
                self.asked.append(line)
                if said := answer(line):
                    self.say(said)

        self.pty.listen(heard)

    def repeat(self, content: Callable[[], bytes], every_s: float = 0.03) -> None:
        """Say it again and again, as long as the pty is plugged in."""
        loop = asyncio.get_running_loop()

        def tick() -> None:
            if self.pty.master >= 0:
                try:
                    self.say(content())
                except BlockingIOError:
                    self.said -= 1  # nobody reads yet
                loop.call_later(every_s, tick)

        loop.call_soon(tick)
