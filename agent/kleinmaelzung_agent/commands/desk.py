"""What commands need of the agent: numbers and a way for their records, the interlocks, the time. And their words."""

import uuid
from typing import Any, Final, Protocol

from kleinmaelzung_agent.commands import command_record
from kleinmaelzung_agent.commands.guards import Guard
from kleinmaelzung_agent.commands.remembered import Begun
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire import messages
from kleinmaelzung_wire.messages import Reply, Result

OURSELVES: Final = "agent"  # as a user


class Desk(Protocol):
    """Numbers records and hands them over; knows what the instruments' channels said."""

    def number(self, instrument: str, record: dict[str, Any]) -> NumberedFrame:
        """The record as a frame of the instrument, not yet on its way."""
        ...

    def hand_over(self, frame: NumberedFrame) -> None: ...

    def interlock(self, instrument: str, guard: Guard) -> str:
        """Why a command may not be sent now; empty where it may."""
        ...

    def acknowledge(self, instrument: str, id_: str, user: str, note: str) -> int:
        """An alarm by its id, or all; returns how many were not yet. Raises UnknownAlarmError."""
        ...

    def now_us(self) -> int: ...


def answer_to(begun: Begun, result: Result, reason: str, now_us: int) -> Reply:
    """The reply to a command, by the agent itself."""
    reason = reason[: messages.MAX_SENTENCE]
    return Reply(id=begun.id, name=begun.name, user=begun.user, result=result, reason=reason, time=now_us)


def our_own(instrument: str, name: str, now_us: int) -> Begun:
    """A command that nobody sent."""
    id_ = uuid.uuid4().hex
    return Begun(instrument=instrument, user=OURSELVES, id=id_, name=name, origin=OURSELVES, received=now_us)


def leave(desk: Desk, begun: Begun, reply: Reply) -> NumberedFrame:
    """Record a command at once; returns the frame."""
    frame = desk.number(begun.instrument, command_record.of(begun, reply))
    desk.hand_over(frame)
    return frame
