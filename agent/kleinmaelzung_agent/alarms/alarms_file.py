"""What is active, and records that may not have left the agent, in a small file beside the spool. Blocking.

    Kept --encode(), whole_file.write()--> alarms --read()--> Kept

It is written before a record leaves, with the record's frame: so what was raised is never raised again, and a run that
dies in between leaves the same frames to the next, which are stored once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kleinmaelzung_agent import checked_line, whole_file
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.alarms import Alarm
from kleinmaelzung_wire.codec import Fields, WireError

FILE_NAME: Final = "alarms"
_PIECE: Final = 50  # alarms or frames in one line: one message's size is bounded, what is active is not


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """By instrument what is active; `frames` are of records."""

    active: Mapping[str, Sequence[Alarm]] = field(default_factory=dict)
    frames: Sequence[NumberedFrame] = ()


def write(directory: Path, kept: Kept) -> None:
    """On disk when it returns; raises OSError."""
    whole_file.write(directory / FILE_NAME, encode(kept))


def read(directory: Path) -> Kept:
    """Raises OSError, or WireError for what is not as it was written."""
    try:
        return decode((directory / FILE_NAME).read_bytes())
    except FileNotFoundError:
        return Kept()


def encode(kept: Kept) -> bytes:
    """Lines with a checksum, and one at the end that counts them."""
    alarms = [[name, one.to_map()] for name, alarms in kept.active.items() for one in alarms]
    frames = [[one.instrument, one.epoch, one.number, one.time_us, one.payload] for one in kept.frames]
    lines = [_line({"alarms": alarms[at : at + _PIECE]}) for at in range(0, len(alarms), _PIECE)]
    lines += [_line({"frame": frame}) for frame in frames]
    return b"".join([*lines, _line({"lines": len(lines)})])


def decode(content: bytes) -> Kept:
    """Raises WireError."""
    *found, last = [checked_line.read(line, checked_line.HEX) for line in content.splitlines()] or [Fields({}, "file")]
    if last.integer("lines") != len(found):
        raise WireError(f"{len(found)} lines, {last.integer('lines')} were written")
    active: dict[str, list[Alarm]] = {}
    frames = []
    for line in found:
        for one in line.list("alarms", default=[]):
            name, alarm = _pair(one)
            active.setdefault(name, []).append(alarm)
        if line.get("frame") is not None:
            frames.append(_frame(line.list("frame")))
    return Kept(active=active, frames=tuple(frames))


def _line(wire: dict[str, Any]) -> bytes:
    return checked_line.made(wire, checked_line.HEX)


def _pair(value: Any) -> tuple[str, Alarm]:
    match value:
        case [str(name), alarm]:
            return topics.check_name(name, "instrument"), Alarm.from_map(alarm)
    raise WireError("alarms holds something else than [instrument, alarm]")


def _frame(value: list[Any]) -> NumberedFrame:
    match value:
        case [str(name), int(epoch), int(number), int(time_us), bytes(payload)]:
            return NumberedFrame(
                instrument=name, epoch=epoch, number=number, time_us=time_us, payload=payload, is_record=True
            )
    raise WireError("frame is not [instrument, epoch, number, time, payload]")
