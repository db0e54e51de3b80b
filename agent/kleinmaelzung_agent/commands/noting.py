"""A command that never went to an instrument: its id and reply into the file, and only then its record on its way.

A record that left before could become one of two: a run after a kill -9, which does not find the id, makes another.
"""

import asyncio

from kleinmaelzung_agent.commands import command_record
from kleinmaelzung_agent.commands.command_file import CommandFile
from kleinmaelzung_agent.commands.desk import Desk
from kleinmaelzung_agent.commands.remembered import Begun
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire.messages import Reply


class Noting:
    """Holds the records that wait for the disk: as many as the file lets wait, others go at once."""

    def __init__(self, file: CommandFile, desk: Desk) -> None:
        self._file, self._desk = file, desk
        self._waiting: dict[asyncio.Future[None], NumberedFrame] = {}

    @property
    def waiting(self) -> list["asyncio.Future[None]"]:
        return list(self._waiting)

    def leave(self, begun: Begun, reply: Reply) -> None:
        """Note what became of it, and record that."""
        frame = self._desk.number(begun.instrument, command_record.of(begun, reply))
        noting = self._file.note(begun.key, command_record.kept(reply).encode(), frame)
        if noting is None:
            self._desk.hand_over(frame)
        else:
            self._waiting[noting] = frame
            noting.add_done_callback(self._go)

    def settle(self) -> None:
        """Let go of all that wait: the agent ends, and the disk does not answer."""
        for noting in self.waiting:
            self._go(noting)

    def _go(self, noting: "asyncio.Future[None]") -> None:
        if frame := self._waiting.pop(noting, None):
            self._desk.hand_over(frame)
