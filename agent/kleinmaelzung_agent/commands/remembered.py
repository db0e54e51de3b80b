"""Which commands this agent has begun, what became of them, and who holds an instrument: a line of a file each. Pure.

    Begun --begun_line()--> file      Reply and its record's frame --ended_line()--> file      file --read()--> Memory
    Control --lease_line()--> file

A line is a checksum and msgpack in base64: what the end of a process or a disk spoiled is no line, and the next one is
read again. Bounded: of each instrument the newest 1000 are known.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from kleinmaelzung_agent import checked_line
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import Command, Control, Reply

KEPT: Final = 1000  # of one instrument
LOST: Final = "it was begun before the agent ended; whether it was executed is not known"

Key = tuple[str, str, str]  # instrument, user, id: an id is the caller's own choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A command that the agent has taken in; `received` in µs."""

    instrument: str
    user: str
    id: str
    name: str
    origin: str
    arguments: dict[str, Any] = field(default_factory=dict)
    received: int

    @property
    def key(self) -> Key:
        return self.instrument, self.user, self.id

    @property
    def command(self) -> Command:
        """As far as its record and its reply need it."""
        return Command(id=self.id, name=self.name, user=self.user, arguments=self.arguments, timeout_us=0, sent=0)


@dataclass(slots=True)
class Kept:
    """What is known of one: nothing more than that it was begun, or its reply as bytes."""

    begun: Begun | None = None
    reply: bytes = b""
    frame: NumberedFrame | None = None  # its record, while it is not sure that this has left the agent


class Memory:
    """The newest commands of each instrument."""

    def __init__(self) -> None:
        self.leases: dict[str, Control] = {}  # of the instruments that somebody holds
        self._kept: dict[str, OrderedDict[Key, Kept]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def get(self, key: Key) -> Kept | None:
        of_instrument = self._kept.get(key[0])
        return of_instrument.get(key) if of_instrument else None

    def put(self, key: Key, kept: Kept) -> None:
        of_instrument = self._kept.setdefault(key[0], OrderedDict())
        of_instrument[key] = kept
        while len(of_instrument) > KEPT:
            of_instrument.popitem(last=False)

    def hold(self, instrument: str, control: Control) -> None:
        """Nobody holds it where the word names no user."""
        self.leases[instrument] = control
        if not control.user:
            del self.leases[instrument]

    def values(self) -> Iterator[Kept]:
        return (kept for _, kept in self.items())

    def items(self) -> Iterator[tuple[Key, Kept]]:
        for of_instrument in self._kept.values():
            yield from of_instrument.items()


def begun_line(begun: Begun) -> bytes:
    return _line({"begun": asdict(begun)})


def ended_line(key: Key, reply: bytes, frame: NumberedFrame | None) -> bytes:
    """`frame` is None where its record is known to have left the agent."""
    wire = None if frame is None else {"e": frame.epoch, "n": frame.number, "t": frame.time_us, "p": frame.payload}
    return _line({"key": list(key), "reply": reply, "frame": wire})


def lease_line(instrument: str, control: Control) -> bytes:
    return _line({"lease": instrument, "control": control.encode()})


def lines(memory: Memory, *, with_frames: bool) -> list[bytes]:
    """All of it anew, without what went before."""
    held = [lease_line(instrument, control) for instrument, control in memory.leases.items()]
    return held + [
        begun_line(kept.begun) if kept.begun else ended_line(key, kept.reply, kept.frame if with_frames else None)
        for key, kept in memory.items()
    ]


def read(content: Iterable[bytes]) -> tuple[Memory, int]:
    """What lines say, and how many of them are none."""
    memory, bad = Memory(), 0
    for line in content:
        if line.strip():
            bad += not _take(memory, line.strip())
    return memory, bad


def _line(wire: dict[str, Any]) -> bytes:
    # The line end comes first: it ends what an earlier attempt may have left half written.
    return b"\n" + checked_line.made(wire, checked_line.BASE64)


def _take(memory: Memory, line: bytes) -> bool:
    try:
        wire = checked_line.read(line, checked_line.BASE64)
        if wire.get("begun") is not None:
            begun = _begun(Fields(wire.map("begun"), "begun"))
            memory.put(begun.key, Kept(begun=begun))
        elif wire.get("lease") is not None:
            memory.hold(wire.text("lease"), Control.decode(wire.binary("control")))
        else:
            _end(memory, wire)
    except ValueError:
        return False
    return True


def _begun(wire: Fields) -> Begun:
    return Begun(
        instrument=wire.text("instrument"),
        user=wire.text("user"),
        id=wire.text("id"),
        name=wire.text("name"),
        origin=wire.text("origin"),
        arguments=wire.map("arguments"),
        received=wire.integer("received"),
    )


def _end(memory: Memory, wire: Fields) -> None:
    match wire.list("key"):
        case [str(instrument), str(user), str(id_)]:
            key = instrument, user, id_
        case _:
            raise WireError("key is no key")
    reply = wire.binary("reply")
    Reply.decode(reply)
    frame = None
    if wire.get("frame") is not None:
        of_frame = Fields(wire.map("frame"), "frame")
        frame = NumberedFrame(
            instrument=instrument,
            epoch=of_frame.integer("e"),
            number=of_frame.integer("n"),
            time_us=of_frame.integer("t"),
            payload=of_frame.binary("p"),
            is_record=True,
        )
    memory.put(key, Kept(reply=reply, frame=frame))
