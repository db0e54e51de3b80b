"""`kleinmaelzung completeness`: of each instrument how many frames were logged, which are missing, and why."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung import Completeness, Lab, MissingFrames, MissingTime, Refused
from kleinmaelzung.commands import options, texts, times
from kleinmaelzung.commands.agent_statuses import statuses_of_agents
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.messages import AgentStatus
from kleinmaelzung_wire.rights import EVERYTHING

INDENT: Final = "    "
EXIT_CODES: Final = """\
Exit code: 0 when every frame was logged or there is a known reason why not; 1 when a frame is missing without one,
could not be stored (quarantine), or came with the number of another (conflict); 2 for wrong usage. Frames that are on
their way at this moment, or wait on their agent, are missing without a reason until they are logged.
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EXIT_CODES
    parser.add_argument(
        "pattern", nargs="?", metavar="INSTRUMENT", help="<agent>/<instrument>, + for any; all unless told"
    )
    parser.add_argument("--batch", metavar="NAME", help="instruments and times of a batch, instead")
    help_ = f"only what touches the time from here, such as {times.EXAMPLES}"
    parser.add_argument("--from", type=times.moment, dest="since", metavar="T", help=help_)
    parser.add_argument("--to", type=times.moment, dest="until", metavar="T", help="and up to here")


async def run(arguments: Namespace) -> int:
    times.check_span(arguments)
    if arguments.batch is not None and (arguments.pattern or arguments.since or arguments.until):
        raise WrongUsage("a batch has its instruments and its times: with --batch leave out both")
    async with options.connected(arguments) as lab:
        found = await _found(lab, arguments)
        pattern = arguments.pattern or EVERYTHING
        agents = _agents(await statuses_of_agents(lab), "" if arguments.batch else pattern, found)
    ok = all(one.is_explained for one in found)
    shown = {
        "ok": ok,
        "instruments": [document(one) for one in found],
        "agents": [
            {"agent": name, "online": status.online, "unlogged": status.unlogged} for name, status in agents.items()
        ],
    }
    options.show(arguments, shown, lambda: report(found, agents))
    return 0 if ok else 1


async def _found(lab: Lab, arguments: Namespace) -> list[Completeness]:
    if arguments.batch is not None:
        return await _of_batch(lab, arguments.batch)
    try:
        return await lab.completeness(arguments.pattern or EVERYTHING, since=arguments.since, until=arguments.until)
    except ValueError as error:
        raise WrongUsage(str(error)) from error


async def _of_batch(lab: Lab, name: str) -> list[Completeness]:
    """Of each instrument of a batch that this user sees, also of one that nothing was ever logged of."""
    batch = await lab.batch(name)
    found = []
    for instrument in sorted(batch.instruments):
        try:
            found += await lab.completeness(instrument, since=batch.began, until=batch.ended)
        except Refused as refused:
            if refused.code != sockets.UNKNOWN:
                raise
            found.append(Completeness.nothing(instrument))
    return found


def _agents(statuses: dict[str, AgentStatus], pattern: str, found: list[Completeness]) -> dict[str, AgentStatus]:
    wanted = {one.instrument.partition("/")[0] for one in found} | {pattern.partition("/")[0]}
    return {name: status for name, status in sorted(statuses.items()) if name in wanted or "+" in wanted}


def document(one: Completeness) -> dict[str, Any]:
    """What --json prints of one instrument."""
    return {**asdict(one), "complete": one.is_complete, "explained_all": one.is_explained}


def report(found: list[Completeness], agents: dict[str, AgentStatus]) -> str:
    """A line for each instrument, below it what is missing, and at the end what agents still have."""
    if not found:
        return "nothing has been logged yet: has an agent with instruments in its agent.toml been connected?"
    width = max(len(one.instrument) for one in found)
    lines = [line for one in found for line in _lines(one, width)]
    return "\n".join([*lines, *_waiting(agents)])


def _lines(one: Completeness, width: int) -> Iterator[str]:
    yield f"{one.instrument:<{width}}  {summary(one)}"
    for frames in one.ranges:
        yield INDENT + missing_frames(frames)
    for gap in one.gaps:
        yield INDENT + missing_time(gap)
    if one.conflicts:
        yield f"{INDENT}{_count(one.conflicts, 'frame')} came with a number that was taken; the first ones stayed"
    if frames_left := one.missing + one.quarantined - sum(frames.count for frames in one.ranges):
        yield f"{INDENT}and {_count(frames_left, 'frame')} before these"
    if one.more_gaps:
        yield f"{INDENT}and {_count(one.more_gaps, 'time')} before these in which nothing was taken"


def summary(one: Completeness) -> str:
    """`4812 of 4812, no gap` or `4800 of 4812, 99.75 %`."""
    if one.percent is None:
        return "no frames"
    counted = f"{one.received} of {one.expected}"
    if not one.is_complete:
        return f"{counted}, {one.percent:.2f} %"
    return counted if one.gaps or one.more_gaps else f"{counted}, no gap"


def missing_frames(frames: MissingFrames) -> str:
    numbers = f"frame {frames.first}" if frames.count == 1 else f"frames {frames.first} to {frames.last}"
    reason = texts.plain(frames.reason) or "not known yet"
    if frames.kind == "quarantined":
        reason = f"in quarantine, {reason}"
    return f"{numbers} of run {texts.local_second(frames.run_since)}: {reason}{_detail(frames.detail)}"


def missing_time(gap: MissingTime) -> str:
    reason = f"{texts.plain(gap.reason) or 'not known'}{_detail(gap.detail)}"
    match gap.since, gap.until:
        case int(since), None:
            return f"since {texts.local_second(since)}: {reason}"
        case None, int(until):
            return f"until {texts.local_second(until)}: {reason}"
        case int(since), int(until):
            return f"{texts.local_span(since, until)}: {reason}"
    return f"at an unknown time: {reason}"


def _detail(detail: str) -> str:
    return f" ({texts.plain(detail)})" if detail else ""


def _waiting(agents: dict[str, AgentStatus]) -> Iterator[str]:
    for name, status in agents.items():
        if status.unlogged:
            verb = "is" if status.unlogged == 1 else "are"
            yield f"{name}: {_count(status.unlogged, 'frame')} {verb} still on the agent"
        elif not status.online:
            yield f"{name}: offline, so whether it still has frames is not known here"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
