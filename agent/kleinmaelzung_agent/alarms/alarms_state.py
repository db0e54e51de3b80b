"""The alarms of one instrument: readings, what its driver says and the time in, records of what happened out. Pure.

    take(readings), said(condition), tick(now) --> [Record: raised, level, cleared]      acknowledge() --> [Record]

Each alarm has an id of its own and is raised once: an instrument that is started again, or whose configuration changes,
goes on with what was active. An acknowledgement stands until the alarm clears, or becomes worse.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from kleinmaelzung_agent.alarms.limits import Alarming, Limits
from kleinmaelzung_agent.alarms.watch import Found, Watch, watches
from kleinmaelzung_agent.instruments import Reading
from kleinmaelzung_wire.alarms import ALL, MAX_DETAIL, Acknowledged, Alarm, Happening, Kind, Record
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Condition

BEGAN_ANEW: Final = "it was active when the agent ended, and not any more when it was read again"
CHANGED: Final = "it was active under the configuration before, and not any more under this one"
NO_LIMIT: Final = "its limit is no longer in the configuration"
NO_INSTRUMENT: Final = "the instrument is no longer in the configuration"
NOTHING: Final = "nothing has come yet"

Key = tuple[str, Kind]  # channel, and what is wrong with it
WHOLE: Final = ""  # in place of a channel


class UnknownAlarmError(ValueError):
    """There is no such alarm; the text is a sentence."""


class Watched:
    """One instrument. `at_us` makes of monotonic ns a time, `make_id` names alarms."""

    def __init__(
        self,
        alarming: Alarming,
        now_ns: int,
        *,
        at_us: Callable[[int], int],
        make_id: Callable[[], str],
    ) -> None:
        self._at_us, self._make_id = at_us, make_id
        self._place, self._bus = alarming.place, alarming.bus
        self._channels = {name: _Channel(name, limits, now_ns) for name, limits in alarming.channels.items()}
        self._whole = _Silence(alarming.silence_s, now_ns)
        self._active: dict[Key, Alarm] = {}
        self._restored: dict[Key, str] = {}  # not seen again yet, and what to say if they never are
        self._cause = self._reason = ""
        self._ticking = [one for one in self._channels.values() if one.needs_time]

    @property
    def active(self) -> list[Alarm]:
        return list(self._active.values())

    @property
    def is_watching(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self._channels) or self._whole.is_watched

    def restore(self, alarms: Iterable[Alarm], why: str, now_ns: int) -> list[Record]:
        """Go on with alarms of before; `why` is said of those that turn out to be over; one without a limit is."""
        cleared = []
        for alarm in alarms:
            key = alarm.channel, alarm.kind
            if self._resume(alarm):
                self._active[key] = alarm
                self._restored[key] = why
            else:
                cleared.append(self._record("cleared", now_ns, alarm, NO_LIMIT))
        return cleared

    def take(self, readings: Sequence[Reading]) -> list[Record]:
        """Judge what was read."""
        happened: list[Record] = []
        for reading in readings:
            if self._whole.is_watched:
                happened += self._settle_whole(reading)
            for name, channel in self._channels.items():
                if name in reading.values:
                    happened += self._judge(channel, reading)
        return happened

    def said(self, condition: Condition, reason: str) -> bool:
        """Note what the driver says of the instrument; returns whether an active alarm has another cause by that."""
        lost = self._lost(reason) if condition == "searching" else ""
        self._cause = f"port {lost} lost"[:MAX_DETAIL] if lost else ""
        self._reason = "" if condition == "connected" else reason
        changed = False
        for key, alarm in self._active.items():
            if alarm.kind == "silence" and condition != "connected":
                told = replace(alarm, cause=self._cause, detail=self._reason[:MAX_DETAIL])
                changed |= told != alarm
                self._active[key] = told
        return changed

    def _lost(self, reason: str) -> str:
        """Its place, or the whole bus that this is on."""
        of_bus = bool(self._bus) and reason.startswith((f"{self._bus} ", f"{self._bus}:"))
        return self._bus if of_bus and not reason.startswith(self._place) else self._place

    def tick(self, now_ns: int) -> list[Record]:
        """Judge what time alone has brought."""
        happened = self._settle_silence(WHOLE, self._whole.wait(now_ns), now_ns)
        for channel in self._ticking:
            for watch in channel.watches:
                watch.wait(now_ns)
                happened += self._settle(channel, watch, now_ns)
            happened += self._settle_silence(channel.name, channel.silence.wait(now_ns), now_ns)
        return happened

    def acknowledge(self, id_: str, user: str, note: str, now_us: int) -> list[Record]:
        """Of one alarm by its id, or of all. What is acknowledged stays as it was. Raises UnknownAlarmError."""
        meant = [key for key, alarm in self._active.items() if id_ in (ALL, alarm.id)]
        if not meant and id_ != ALL:
            raise UnknownAlarmError(f"there is no active alarm {id_!r:.60} at this instrument: it may have cleared")
        happened = []
        for key in meant:
            if self._active[key].acknowledged is None:
                acknowledged = Acknowledged(user=user, time=now_us, note=note)
                self._active[key] = alarm = replace(self._active[key], acknowledged=acknowledged)
                happened.append(Record(event="acknowledged", time=now_us, alarm=alarm))
        return happened

    def end(self, why: str, now_ns: int) -> list[Record]:
        """Nothing watches it any more."""
        ended, self._active = self.active, {}
        return [self._record("cleared", now_ns, alarm, why) for alarm in ended]

    def _settle_whole(self, reading: Reading) -> list[Record]:
        if any(not _why_not_good(name, reading) for name in reading.values):
            self._whole.good(reading.taken_ns)
        else:
            self._whole.miss(next((_why_not_good(name, reading) for name in reading.values), NOTHING))
        return self._settle_silence(WHOLE, self._whole, reading.taken_ns)

    # --- channels -----------------------------------------------------------------------------------------------------

    def _judge(self, channel: "_Channel", reading: Reading) -> Iterator[Record]:
        now_ns, name = reading.taken_ns, channel.name
        if why := channel.why_unusable(reading):
            channel.silence.miss(why)
            for watch in channel.watches:
                watch.miss(now_ns)
                yield from self._settle(channel, watch, now_ns)
            return
        value = reading.values[name]
        if isinstance(value, int | float):
            channel.newest = float(value)
            for watch in channel.watches:
                if watch.take(channel.newest, now_ns):
                    self._restored.pop((name, watch.kind), None)
                yield from self._settle(channel, watch, now_ns)
        yield from self._settle_silence(name, channel.silence.good(now_ns), now_ns)

    def _settle(self, channel: "_Channel", watch: Watch, now_ns: int) -> Iterator[Record]:
        """Tell what is different now from what is active."""
        found, key = watch.found, (channel.name, watch.kind)
        alarm = self._active.get(key)
        if found.level is None:
            if alarm is not None:
                yield self._clear(key, now_ns)
        elif alarm is None:
            made = self._make(key, found, now_ns)
            self._active[key] = replace(made, value=channel.newest, unit=channel.limits.unit)
            yield self._record("raised", now_ns, self._active[key])
        elif alarm.level != found.level:
            kept = None if found.level == "alarm" else alarm.acknowledged
            alarm = replace(alarm, level=found.level, limit=found.limit, value=channel.newest, acknowledged=kept)
            self._active[key] = alarm
            yield self._record("level", now_ns, alarm)

    def _settle_silence(self, name: str, silence: "_Silence", now_ns: int) -> list[Record]:
        key: Key = name, "silence"
        if silence.is_on == (key in self._active):
            return []
        if not silence.is_on:
            return [self._clear(key, now_ns)]
        made = self._make(key, Found("alarm", silence.limit_s), now_ns)
        detail = self._reason or silence.why
        self._active[key] = replace(made, unit="s", cause=self._cause, detail=detail[:MAX_DETAIL])
        return [self._record("raised", now_ns, self._active[key])]

    def _make(self, key: Key, found: Found, now_ns: int) -> Alarm:
        assert found.level, "what is well is no alarm"
        channel, kind = key
        return Alarm(
            id=self._make_id(),
            channel=channel,
            kind=kind,
            level=found.level,
            since=self._at_us(now_ns),
            limit=found.limit,
        )

    def _clear(self, key: Key, now_ns: int) -> Record:
        return self._record("cleared", now_ns, self._active.pop(key), self._restored.pop(key, ""))

    def _record(self, event: Happening, now_ns: int, alarm: Alarm, reason: str = "") -> Record:
        return Record(event=event, time=self._at_us(now_ns), alarm=alarm, reason=reason)

    # --- what was before ----------------------------------------------------------------------------------------------

    def _resume(self, alarm: Alarm) -> bool:
        """Whether there still is a limit that it may be beyond."""
        channel = self._channels.get(alarm.channel)
        if alarm.kind == "silence":
            silence = channel.silence if channel else self._whole if alarm.channel == WHOLE else None
            return silence is not None and silence.restore()
        watch = next((one for one in channel.watches if one.kind == alarm.kind), None) if channel else None
        if watch:
            watch.restore(alarm.level)
        return watch is not None


class _Channel:
    """What is known of a channel that is watched."""

    def __init__(self, name: str, limits: Limits, now_ns: int) -> None:
        self.name, self.limits = name, limits
        self.newest: float | None = None
        self.watches = watches(limits)
        self.silence = _Silence(limits.silence_s, now_ns)
        self.needs_time = limits.delay_s > 0 or limits.silence_s is not None

    def why_unusable(self, reading: Reading) -> str:
        """Why a value cannot be compared with the limits; empty where it can."""
        if why := _why_not_good(self.name, reading):
            return why
        if not self.watches:
            return ""
        value, unit = reading.values[self.name], reading.units.get(self.name, "")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{self.name} is no number"
        if unit != self.limits.unit:
            return f"{self.name} comes in {unit or 'no unit'}, its limits are in {self.limits.unit or 'no unit'}"
        return ""


class _Silence:
    """Whether nothing good has come for too long; `limit_s` is 0 where that is not watched."""

    def __init__(self, limit_s: float | None, now_ns: int) -> None:
        self.is_on = False
        self.is_watched = limit_s is not None
        self.limit_s = limit_s or 0.0
        self.why = NOTHING
        self._limit_ns, self._good_ns = round(self.limit_s * 1e9), now_ns

    def good(self, now_ns: int) -> "_Silence":
        self.is_on, self.why, self._good_ns = False, "", max(self._good_ns, now_ns)
        return self

    def miss(self, why: str) -> None:
        self.why = why

    def wait(self, now_ns: int) -> "_Silence":
        self.is_on |= self.is_watched and now_ns - self._good_ns >= self._limit_ns
        return self

    def restore(self) -> bool:
        self.is_on = self.is_watched
        return self.is_watched


def _why_not_good(name: str, reading: Reading) -> str:
    value = reading.values[name]
    if value is None:
        return f"{name} has no value: {reading.quality.get(name, 'none came')}"
    if (quality := reading.quality.get(name, "good")) != "good":
        return f"the quality of {name} is {quality}"
    return "" if _is_finite(value) else f"{name} is {value}"


def _is_finite(value: Value) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
