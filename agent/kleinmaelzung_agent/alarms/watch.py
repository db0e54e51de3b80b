"""One channel's values against its limits: a value and its time in, a level of each kind out. Pure.

Comparator    one limit, on or off, with hysteresis and delay
Extreme       the least (or greatest) value within a span, in bounded memory, for how much a value has risen
Watch         one kind of alarm: a limit for the warning, one for the alarm

Time is monotonic ns. What is not known (no number, not good, of another unit) counts as the worst: it neither ends an
alarm nor lets a delay pass that would end one; a delay that would raise one goes on.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.alarms.limits import Limits, Rate
from kleinmaelzung_wire.alarms import Kind, Level

STEPS: Final = 512  # of a span: values closer than a step count as one


class Comparator:
    """On while an amount is beyond its limit. Both ways only after `delay_ns`."""

    def __init__(self, limit: float, *, hysteresis: float, delay_ns: int) -> None:
        self.is_on = False
        self.limit = limit
        self._hysteresis, self._delay_ns = hysteresis, delay_ns
        self._changing_since: int | None = None

    def take(self, amount: float, now_ns: int) -> bool:
        """Note an amount; returns whether it is beyond the limit."""
        self.wait(now_ns)
        is_beyond = amount > (self.limit - self._hysteresis if self.is_on else self.limit)
        if is_beyond == self.is_on:
            self._changing_since = None
            return is_beyond
        if self._changing_since is None:
            self._changing_since = now_ns
        if now_ns - self._changing_since >= self._delay_ns:
            self.is_on, self._changing_since = is_beyond, None
        return is_beyond

    def miss(self, now_ns: int) -> None:
        """Note that there is no amount."""
        self.wait(now_ns)
        if self.is_on:
            self._changing_since = None

    def wait(self, now_ns: int) -> None:
        """Note that time passes: what was beyond, and has not come back, is."""
        since = self._changing_since
        if not self.is_on and since is not None and now_ns - since >= self._delay_ns:
            self.is_on, self._changing_since = True, None


class Extreme:
    """The least of what was taken within a span; of negated values the greatest."""

    def __init__(self, span_ns: int) -> None:
        self._span_ns, self._step_ns = span_ns, span_ns // STEPS
        self._rising: deque[tuple[int, float]] = deque()  # each larger and later than the one before: at most STEPS

    def take(self, value: float, now_ns: int) -> float:
        """Note a value; returns the least within the span, this one too."""
        kept = self._rising
        while kept and now_ns - kept[0][0] > self._span_ns:
            kept.popleft()
        while kept and kept[-1][1] >= value:
            kept.pop()
        if not kept or now_ns - kept[-1][0] >= self._step_ns:
            kept.append((now_ns, value))
        return kept[0][1]


@dataclass(frozen=True, slots=True)
class Found:
    """What is judged of a kind: its level, empty where all is well, and the limit of that."""

    level: Level | None
    limit: float


class Watch:
    """One kind. `amount` makes of a value and its time what is compared; limits are in the amount's sense."""

    def __init__(
        self,
        kind: Kind,
        comparators: dict[Level, Comparator],
        amount: Callable[[float, int], float],
        sign: float = 1.0,
    ) -> None:
        self.kind = kind
        self._warning, self._alarm = comparators.get("warning"), comparators.get("alarm")
        self._all = tuple(comparators.values())
        self._amount, self._sign = amount, sign

    def take(self, value: float, now_ns: int) -> bool:
        """Note a value; returns whether it is beyond some limit, as far as hysteresis goes."""
        amount, is_beyond = self._amount(value, now_ns), False
        for one in self._all:
            is_beyond |= one.take(amount, now_ns)
        return is_beyond

    def miss(self, now_ns: int) -> None:
        for one in self._all:
            one.miss(now_ns)

    def wait(self, now_ns: int) -> None:
        for one in self._all:
            one.wait(now_ns)

    def restore(self, level: Level) -> None:
        """Go on with what an earlier run, or configuration, had raised."""
        if self._warning:
            self._warning.is_on = True
        if self._alarm and (level == "alarm" or not self._warning):
            self._alarm.is_on = True

    @property
    def found(self) -> Found:
        if self._alarm and self._alarm.is_on:
            return Found("alarm", self._sign * self._alarm.limit)
        if self._warning and self._warning.is_on:
            return Found("warning", self._sign * self._warning.limit)
        return WELL


WELL: Final = Found(None, 0.0)


def watches(limits: Limits) -> list[Watch]:
    """One for each kind that a channel's limits speak of."""
    return list(_watches(limits))


def _watches(limits: Limits) -> Iterator[Watch]:
    def compare(limit: float) -> Comparator:
        return Comparator(limit, hysteresis=limits.hysteresis, delay_ns=round(limits.delay_s * 1e9))

    def both(sign: float, warning: float | None, alarm: float | None) -> dict[Level, Comparator]:
        levels: dict[Level, float | None] = {"warning": warning, "alarm": alarm}
        return {level: compare(sign * limit) for level, limit in levels.items() if limit is not None}

    if high := both(1.0, limits.high_warning, limits.high_alarm):
        yield Watch("high", high, lambda value, _: value)
    if low := both(-1.0, limits.low_warning, limits.low_alarm):
        yield Watch("low", low, lambda value, _: -value, -1.0)
    if limits.rise:
        yield Watch("rise", {limits.rise.level: compare(limits.rise.limit)}, _risen(limits.rise, 1.0))
    if limits.fall:
        yield Watch("fall", {limits.fall.level: compare(limits.fall.limit)}, _risen(limits.fall, -1.0))


def _risen(rate: Rate, sign: float) -> Callable[[float, int], float]:
    """How much more a value is than the least within the span; with the sign -1 how much less than the greatest."""
    least = Extreme(round(rate.span_s * 1e9))
    return lambda value, now_ns: sign * value - least.take(sign * value, now_ns)
