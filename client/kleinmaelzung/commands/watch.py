"""`kleinmaelzung watch`: live samples, or those since a time and then live; one line for each time of measurement."""

import logging
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from kleinmaelzung import (
    Calibration,
    Corrected,
    Error,
    Frame,
    Lab,
    Message,
    Sample,
    Watch,
    WatchSince,
    calibrations,
    times,
)
from kleinmaelzung.commands import options, texts
from kleinmaelzung.commands.typed import WrongUsage

logger = logging.getLogger(__name__)

_TOO_SLOW: Final = "%d messages were missed: the output or the network is too slow"
_GONE: Final = "%d frames are gone; `kleinmaelzung completeness` says why"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("instrument", help="<agent>/<instrument>, + stands for any name")
    parser.add_argument("--since", metavar="T", help=f"begin with what was logged since then: {times.EXAMPLES}")
    parser.add_argument(
        "--corrected", action="store_true", help="each value as the instrument's certificate corrects it, with U"
    )
    parser.add_argument("--count", type=_positive, metavar="N", help="end after N lines")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


async def run(arguments: Namespace) -> int:
    async with options.connected(arguments) as lab:
        frames = _watch(lab, arguments.instrument, arguments.since)
        if arguments.since is None:  # of one that is gone there may be a past
            await _check_exists(lab, arguments.instrument)
        async with frames, _certificates(lab, arguments) as certificates:
            await _show(frames, certificates, arguments)
    return 0


@asynccontextmanager
async def _certificates(lab: Lab, arguments: Namespace) -> AsyncIterator["Certificates | None"]:
    """What holds of the instruments, from before the first frame is shown."""
    if not arguments.corrected:
        yield None
        return
    async with lab.messages(f"{arguments.instrument}/calibration") as messages:
        yield Certificates(messages, calibrations.in_force({one.topic: one.payload for one in await messages.begun()}))


@dataclass(frozen=True, slots=True)
class Certificates:
    """What holds now, by instrument."""

    messages: Watch[Message]
    held: dict[str, Calibration]

    def of(self, instrument: str) -> Calibration | None:
        while message := self.messages.take():
            calibrations.take(self.held, message.topic, message.payload)
        return self.held.get(instrument)


def _watch(lab: Lab, pattern: str, since: str | None) -> Watch[Frame] | WatchSince:
    try:
        return lab.watch(pattern) if since is None else lab.watch(pattern, since=since)
    except ValueError as error:
        raise WrongUsage(str(error)) from error


async def _check_exists(lab: Lab, pattern: str) -> None:
    # Waiting for a name that was misspelt would look the same as waiting for a slow instrument.
    if "+" in pattern:
        return
    known = [instrument.name for instrument in await lab.instruments()]
    if pattern not in known:
        raise Error(f"there is no instrument {pattern}; known are: {', '.join(known) or 'none'}")


async def _show(frames: Watch[Frame] | WatchSince, certificates: Certificates | None, arguments: Namespace) -> None:
    shown = missed = 0
    async for frame in frames:
        found = certificates.of(frame.instrument) if certificates else None
        for index in range(len(frame.times) if frame.channels else 0):  # a frame of records alone has no samples
            if certificates:
                shown_as = document(frame, index) | {"calibration": corrections(frame, index, found)}
                options.show(arguments, shown_as, partial(corrected_text, frame, index, found))
            else:
                options.show(arguments, document(frame, index), partial(text, frame, index))
            shown += 1
            if shown == arguments.count:
                return
        if frames.missed > missed:
            why = _GONE if isinstance(frames, WatchSince) else _TOO_SLOW
            logger.warning(why, frames.missed - missed)
            missed = frames.missed


def document(frame: Frame, index: int) -> dict[str, Any]:
    """What --json prints of the samples taken at `frame.times[index]`."""
    samples = frame.at(index)
    return {
        "instrument": frame.instrument,
        "epoch": frame.epoch,
        "number": frame.number,
        "time": frame.times[index],
        "channels": {channel: sample.value for channel, sample in samples.items()},
        "units": frame.units,
        "quality": {channel: sample.quality for channel, sample in samples.items()},
    }


def corrections(frame: Frame, index: int, found: Calibration | None) -> dict[str, Any]:
    """What --json --corrected adds, by channel: `corrected`, `U`, `k`, or `outside`, which says why not."""
    certificate = found.certificate if found else None
    return {
        channel: {"certificate": certificate, **_as_document(_correct(sample, found))}
        for channel, sample in frame.at(index).items()
    }


def _as_document(found: Corrected | str) -> dict[str, Any]:
    return {"outside": found} if isinstance(found, str) else {"corrected": found.value, "U": found.U, "k": found.k}


def _correct(sample: Sample, found: Calibration | None) -> Corrected | str:
    return "no certificate holds of it" if found is None else sample.corrected(found)


def text(frame: Frame, index: int) -> str:
    return _line(frame, index, [texts.reading(sample) for sample in frame.at(index).values()])


def corrected_text(frame: Frame, index: int, found: Calibration | None) -> str:
    """`weight 12.3453 g, corrected 12.3451 ± 0.0004 g (k = 2) by K-2026-0001`, or why not."""
    return _line(frame, index, [_corrected(sample, found) for sample in frame.at(index).values()])


def _corrected(sample: Sample, found: Calibration | None) -> str:
    corrected = _correct(sample, found)
    if isinstance(corrected, str) or found is None:
        return f"{texts.reading(sample)}, not corrected: {corrected}"
    return f"{texts.reading(sample)}, corrected {texts.measured(corrected)} by {texts.plain(found.certificate)}"


def _line(frame: Frame, index: int, samples: list[str]) -> str:
    return f"{texts.local_time(frame.times[index])}  {frame.instrument}  {', '.join(samples)}"
