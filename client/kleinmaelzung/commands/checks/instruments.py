"""Whether instruments can be read, and if not, which of port, line, power and pattern is to blame. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from kleinmaelzung import Instrument, Sample
from kleinmaelzung.commands import texts
from kleinmaelzung_wire import findings, remedies
from kleinmaelzung_wire.findings import Finding

DAY_US: Final = 86_400_000_000


def instrument(found: Instrument, now_us: int) -> Finding:
    """One cause, one fault: what is behind an agent that is away is not checked."""
    agent = found.name.partition("/")[0]
    if not found.is_online:
        return findings.unchecked("instrument", f"agent {agent} is not there", of=found.name)
    newest = max((sample.time for sample in found.latest.values()), default=None)
    value = f"newest value {texts.age(now_us - newest)} old" if newest else "no value yet"
    reason = found.state.reason if found.state else ""
    match found.condition:
        case "connected":
            return findings.ok("instrument", f"connected, {value}", of=found.name)
        case "searching":
            told, remedy = reason or "its port is being opened", remedies.for_port(reason)
        case "silent":
            told, remedy = f"the port is open, and nothing comes: {reason}", remedies.OFF
        case "error":
            told, remedy = reason, remedies.for_lines(reason)
        case _:
            told, remedy = "its agent has said nothing about it", "look at the agent's log"
    return findings.broken("instrument", f"{told}, {value}", remedy, of=found.name)


def units(instruments: Iterable[Instrument], logged: Mapping[str, list[Sample]], now_us: int) -> Iterator[Finding]:
    """Whether each channel comes in one unit: a key pressed at a balance makes another series of its values."""
    changed = [*_unlike_described(instruments), *_lately_changed(logged, now_us)]
    for name, told in dict(reversed(changed)).items():
        remedy = "set the unit at the instrument, or `unit` in agent.toml; values of both units are kept apart"
        yield findings.warning("unit", told, remedy, of=name)
    if not changed:
        yield findings.ok("unit", "each channel has kept its unit for a day")


def _unlike_described(instruments: Iterable[Instrument]) -> Iterator[tuple[str, str]]:
    for found in instruments:
        expected = {channel.name: channel.unit for channel in (found.description.channels if found.description else [])}
        for name, sample in found.latest.items():
            if expected.get(name) and sample.unit and sample.unit != expected[name]:
                yield found.name, f"{name} comes in {sample.unit}, expected is {expected[name]}"


def _lately_changed(logged: Mapping[str, list[Sample]], now_us: int) -> Iterator[tuple[str, str]]:
    for instrument_, samples in sorted(logged.items()):
        newest: dict[str, Sample] = {}
        for sample in sorted(samples, key=lambda one: one.time):
            before = newest.get(sample.channel)
            if before and before.unit != sample.unit and now_us - before.time < DAY_US:
                was = f"{before.unit or 'no unit'} until {texts.age(now_us - before.time)} ago"
                yield instrument_, f"{sample.channel} comes in {sample.unit or 'no unit'}, and came in {was}"
            newest[sample.channel] = sample
