"""What the channels said last that some interlock looks at. Pure: readings in, a refusal or nothing out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from kleinmaelzung_agent.commands import interlocks
from kleinmaelzung_agent.commands.guards import Guard, Guarding
from kleinmaelzung_agent.commands.interlocks import Comparison
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.frames import Value

OLD: Final = 3  # times silent_after


class Newest:
    """Only channels that some interlock looks at: all others cost nothing."""

    def __init__(self, guarding: Mapping[str, Guarding], silent_after_s: Mapping[str, float]) -> None:
        self._silent_after_s = silent_after_s
        self._watched = _watched(guarding)
        self._values: dict[tuple[str, str], tuple[Value, str, int]] = {}

    def renew(
        self, guarding: Mapping[str, Guarding], silent_after_s: Mapping[str, float], others: Collection[str]
    ) -> None:
        """Go on with another configuration. What instruments said that are `others` now is not known any more."""
        self._silent_after_s, self._watched = silent_after_s, _watched(guarding)
        self._values = {
            (name, channel): value
            for (name, channel), value in self._values.items()
            if name not in others and channel in self._watched.get(name, ())
        }

    def take(self, instrument: str, readings: Sequence[Reading]) -> None:
        for channel in self._watched.get(instrument, ()):
            for reading in reversed(readings):
                if channel in reading.values:
                    quality = reading.quality.get(channel, "good")
                    self._values[instrument, channel] = reading.values[channel], quality, reading.taken_ns
                    break

    def refusal(self, instrument: str, guard: Guard, now_ns: int) -> str:
        """Why an instrument's command may not be sent now; empty where it may."""

        def look(comparison: Comparison) -> tuple[interlocks.Newest | None, float]:
            return self._look(comparison.instrument or instrument, comparison.channel, guard.max_age_s, now_ns)

        return next((why for lock in guard.interlocks if (why := interlocks.refusal(lock, look))), "")

    def _look(
        self, instrument: str, channel: str, max_age_s: float | None, now_ns: int
    ) -> tuple[interlocks.Newest | None, float]:
        allowed_s = OLD * self._silent_after_s.get(instrument, 0.0) if max_age_s is None else max_age_s
        known = self._values.get((instrument, channel))
        if known is None:
            return None, allowed_s
        value, quality, taken_ns = known
        return interlocks.Newest(value=value, quality=quality, age_s=(now_ns - taken_ns) / 1e9), allowed_s


def _watched(guarding: Mapping[str, Guarding]) -> dict[str, set[str]]:
    watched: dict[str, set[str]] = {}
    for name, whole in guarding.items():
        for comparison in _comparisons(whole.commands.values()):
            watched.setdefault(comparison.instrument or name, set()).add(comparison.channel)
    return watched


def _comparisons(guards: Iterable[Guard]) -> Iterable[Comparison]:
    return (comparison for guard in guards for lock in guard.interlocks for comparison in lock.comparisons)
