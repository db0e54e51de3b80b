"""`kleinmaelzung watch`: live samples, or those since a time and then live; one line for each time of measurement."""

import logging
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from functools import partial
from typing import Any, Final

from kleinmaelzung import Error, Frame, Lab, Watch, WatchSince, times
from kleinmaelzung.commands import options, texts
from kleinmaelzung.commands.typed import WrongUsage

logger = logging.getLogger(__name__)

_TOO_SLOW: Final = "%d messages were missed: the output or the network is too slow"
_GONE: Final = "%d frames are gone; `kleinmaelzung completeness` says why"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("instrument", help="<agent>/<instrument>, + stands for any name")
    parser.add_argument("--since", metavar="T", help=f"begin with what was logged since then: {times.EXAMPLES}")
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
        async with frames:
            await _show(frames, arguments)
    return 0


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


async def _show(frames: Watch[Frame] | WatchSince, arguments: Namespace) -> None:
    shown = missed = 0
    async for frame in frames:
        for index in range(len(frame.times) if frame.channels else 0):  # a frame of records alone has no samples
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


def text(frame: Frame, index: int) -> str:
    samples = ", ".join(texts.reading(sample) for sample in frame.at(index).values())
    return f"{texts.local_time(frame.times[index])}  {frame.instrument}  {samples}"
