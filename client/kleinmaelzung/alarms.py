"""Alarms as people deal with them: one for each cause; and what a logger has on record.

retained statuses and alarms --grouped()--> AlarmGroups       a logger's answers --find()--> RecordedAlarms

An agent that is away is one alarm, with what was last known of its instruments below it; so is a port that is lost.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from kleinmaelzung.asking import Ask
from kleinmaelzung.paging import LOGGERS_PAGE, Listing
from kleinmaelzung_wire import alarms
from kleinmaelzung_wire.alarms import ActiveAlarms, Alarm, Level
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import AgentStatus

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentAlarm:
    """One alarm of an instrument that is active, as it is known now."""

    instrument: str
    alarm: Alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmGroup:
    """What one cause has brought about at one agent: what a person has to see to once.

    `is_offline`: the agent itself is away, and `alarms`, perhaps none, are what was last known of its instruments. Else
    `cause` is common to all, such as "port /dev/ttyUSB0 lost"; it is empty where an alarm stands for itself.
    `left_out` alarms had no room in what an agent publishes.
    """

    agent: str
    cause: str = ""
    is_offline: bool = False
    alarms: tuple[InstrumentAlarm, ...] = ()
    left_out: int = 0

    @property
    def level(self) -> Level:
        """The worst of it."""
        return "alarm" if self.is_offline or any(one.alarm.level == "alarm" for one in self.alarms) else "warning"

    @property
    def since(self) -> int | None:
        """When the first of it began (µs since 1970 UTC); None of an agent that is away, which nobody told."""
        return None if self.is_offline else min((one.alarm.since for one in self.alarms), default=None)

    @property
    def is_acknowledged(self) -> bool:
        return not self.is_offline and all(one.alarm.acknowledged for one in self.alarms)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAlarm:
    """One alarm on record.

    `highest` is the highest level it had; `cleared` is None where it has not, as far as is known. `reason` says why it
    was cleared, where that was not a value. Times in µs since 1970 UTC.
    """

    number: int
    instrument: str
    alarm: Alarm
    highest: str
    cleared: int | None
    reason: str

    @classmethod
    def from_map(cls, value: Any) -> Self:
        """From a logger's answer. Raises WireError."""
        wire = Fields(value, "alarm")
        return cls(
            number=wire.integer("number"),
            instrument=wire.text("instrument"),
            alarm=Alarm.from_map(wire.map("alarm")),
            highest=wire.text("highest"),
            cleared=wire.optional_integer("cleared"),
            reason=wire.text("reason"),
        )


_RECORDED: Final = Listing(
    request=alarms.REQUEST,
    key="alarms",
    of="of the logger",
    read=RecordedAlarm.from_map,
    number=lambda one: one.number,
    page=LOGGERS_PAGE,
)


def grouped(retained: dict[str, bytes]) -> list[AlarmGroup]:
    """One for each cause, the worst and then the oldest first. What cannot be read is left out, and the log says so."""
    offline = {topic.partition("/")[0] for topic, payload in retained.items() if _is_offline(topic, payload)}
    groups: dict[tuple[str, str], AlarmGroup] = {
        (agent, ""): AlarmGroup(agent=agent, is_offline=True) for agent in offline
    }
    for topic, payload in sorted(retained.items()):
        for key, found in _of_instrument(topic, payload, offline):
            before = groups.get(key)
            groups[key] = _joined(before, found) if before else found
    return sorted(groups.values(), key=lambda group: (group.level != "alarm", group.since or 0, group.agent))


def _is_offline(topic: str, payload: bytes) -> bool:
    if not topic.endswith("/status") or topic.count("/") != 1:
        return False
    try:
        return not AgentStatus.decode(payload).online
    except WireError as error:
        logger.warning("%s is not readable: %s", topic, error)
        return False


def _of_instrument(topic: str, payload: bytes, offline: set[str]) -> list[tuple[tuple[str, str], AlarmGroup]]:
    agent, _, rest = topic.partition("/")
    name, slash, kind = rest.partition("/")
    if not slash or kind != "alarm":
        return []
    try:
        active = ActiveAlarms.decode(payload)
    except WireError as error:
        logger.warning("%s is not readable: %s", topic, error)
        return []
    made = []
    for index, one in enumerate(active.alarms):
        left_out = active.left_out if index == 0 else 0
        cause = "" if agent in offline else one.cause
        group = AlarmGroup(
            agent=agent,
            cause=cause,
            alarms=(InstrumentAlarm(instrument=f"{agent}/{name}", alarm=one),),
            left_out=left_out,
        )
        made.append(((agent, "" if agent in offline else cause or f"\n{name}/{one.id}"), group))
    return made


def _joined(group: AlarmGroup, more: AlarmGroup) -> AlarmGroup:
    return AlarmGroup(
        agent=group.agent,
        cause=group.cause,
        is_offline=group.is_offline,
        alarms=(*group.alarms, *more.alarms),
        left_out=group.left_out + more.left_out,
    )


async def find(ask: Ask, patterns: Sequence[str], question: dict[str, Any], limit: int) -> list[RecordedAlarm]:
    """The newest of instruments under any of the patterns."""
    found = [
        one for pattern in patterns for one in await _RECORDED.newest(ask, {**question, "instrument": pattern}, limit)
    ]
    return sorted(found, key=lambda one: -one.number)[:limit]
