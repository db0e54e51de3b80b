"""Instruments of configurations: for each a driver, and what keeps it going."""

from collections.abc import Callable, Mapping

from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.driven import DrivenInstrument
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument, Sink


def make(name: str, config: InstrumentConfig, sink: Sink, places: Places | None = None) -> Instrument:
    """One instrument; those with the same `places` can share a port."""
    return DrivenInstrument(name, config, registry.make(config, places or Places()), sink)


def spared(wanted: Mapping[str, InstrumentConfig]) -> frozenset[str]:
    """Ports where nobody else looks for its instrument: whose own cannot say who it is."""
    return frozenset(one.place for one in wanted.values() if one.identity is None)


def make_all(
    wanted: Mapping[str, InstrumentConfig], share: Callable[[], Places] = Places
) -> Callable[[Sink], dict[str, Instrument]]:
    """What makes the instruments of one agent; `share` makes what they have together."""

    def made(sink: Sink) -> dict[str, Instrument]:
        places = share()
        places.ports.spared = spared(wanted)
        return {name: make(name, config, sink, places) for name, config in wanted.items()}

    return made
