"""Asking services: which are there, what of a pattern this user may ask about, and who is asked when one is away.

role ("logger", "history", ...) --> the services that have it --> ask the first that can answer
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from kleinmaelzung import columns, completeness, history, link
from kleinmaelzung.asking import Ask, unreadable
from kleinmaelzung.columns import History
from kleinmaelzung.errors import ConnectionLost, NotReachable, Refused
from kleinmaelzung.history import Wanted
from kleinmaelzung.link import Link
from kleinmaelzung.watching import Message
from kleinmaelzung_wire import codec, sockets, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import ServiceStatus
from kleinmaelzung_wire.rights import Rights, narrowed

T = TypeVar("T")

RETAINED_LIMIT: Final = 20_000  # as many as the gateway sends
REPLY_GRACE_S: Final = 5.0  # the gateway says "timeout" itself; this is for a gateway that says nothing
_NOBODY: Final = {
    "logger": "there is no logger at the moment, and only a logger knows: start it",
    "history": "there is no history service at the moment: start kleinmaelzung-history",
    "batches": "there is no service of batches at the moment: start kleinmaelzung-batches",
    "calibration": "there is no calibration service at the moment: start kleinmaelzung-calibration",
}


class Desk:
    """Services as they are reached over one link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def retained(self, pattern: str) -> dict[str, bytes]:
        try:
            async with asyncio.timeout(link.ANSWER_LIMIT_S):
                async with self._link.watch(pattern, as_it_is, RETAINED_LIMIT) as messages:
                    found = await messages.begun()
        except TimeoutError as error:
            raise ConnectionLost(f"the server did not answer within {link.ANSWER_LIMIT_S:g} s") from error
        # What is live came meanwhile.
        retained = (message for message in found if message.topic.rpartition("/")[2] in link.RETAINED)
        return {message.topic: message.payload for message in retained if message.payload}

    async def request(self, service: str, name: str, timeout_s: float, body: dict[str, Any]) -> Any:
        try:
            topics.check_name(service, "service")
            codec.pack(body)
        except WireError as error:
            raise ValueError(str(error)) from error
        question, options = {**body, "request": name}, {"timeout": timeout_s}
        return await self._link.ask("request", service, question, options, limit_s=timeout_s + REPLY_GRACE_S)

    async def services(self, role: str) -> list[str]:
        found = []
        for topic, payload in (await self.retained(f"{topics.SERVICE}/+/status")).items():
            with suppress(WireError):
                status = ServiceStatus.decode(payload)
                if status.role == role and status.online:
                    found.append((not status.healthy, topic.split("/")[1]))
        return [name for _, name in sorted(found)]

    async def by_one(self, role: str, ask: Callable[[Ask], Awaitable[T]], timeout_s: float) -> T:
        """What the first service says that has this role and can answer. Raises Refused where none can."""
        none = Refused(_NOBODY[role], sockets.UNAVAILABLE)
        for service in await self.services(role):
            try:
                return await ask(self._asking(service, timeout_s))
            except Refused as refused:
                if refused.code != sockets.UNAVAILABLE:
                    raise
                none = refused  # another one may be there, or see its database
        raise none

    def _asking(self, service: str, timeout_s: float) -> Ask:
        return lambda name, question: self.request(service, name, timeout_s, question)

    async def rights(self) -> Rights | None:
        told = await self._link.ask("rights")
        try:
            return Rights.from_map(told) if told is not None else None
        except WireError as error:
            raise unreadable("about rights", error) from error

    async def granted(self, pattern: str) -> list[str]:
        """What of a pattern this user may ask about; a pattern that nothing is known of goes as it is."""
        check_pattern(pattern)
        known = await self.rights() if topics.ANY in pattern else None
        return (known and narrowed(pattern, known.instruments)) or [pattern]

    async def history(self, patterns: Sequence[str], wanted: Wanted, timeout_s: float) -> History:
        """What was measured by one instrument, or by several on one grid. Raises ValueError where there is none."""
        for pattern in patterns:
            check_pattern(pattern)
        is_one = len(patterns) == 1 and topics.ANY not in patterns[0]
        if not is_one and (wanted.points is None or wanted.since is None):
            raise ValueError("several instruments line up only on a grid: give points=2000 or so, and since")

        async def read(ask: Ask) -> History:
            if is_one:
                return await history.read(ask, patterns[0], wanted)
            found = await self.named(ask, patterns)
            if not found:
                raise Refused(f"nothing of {', '.join(patterns)} has ever been logged", sockets.UNKNOWN)
            return columns.together([await history.read(ask, name, wanted) for name in found])

        return await self.by_one("history", read, timeout_s)

    async def named(self, ask: Ask, patterns: Iterable[str]) -> list[str]:
        """Instruments by name: those named, and of a pattern those of which something was logged."""
        found: list[str] = []
        for pattern in patterns:
            is_name = topics.ANY not in pattern
            found += [pattern] if is_name else await history.latest(ask, await self.granted(pattern))
        return list(dict.fromkeys(found))


class HistoryDesk:
    """What a watch with a past asks (backlog.Log): always the same service, and another when something went wrong."""

    def __init__(self, desk: Desk, timeout_s: float) -> None:
        self._desk = desk
        self._timeout_s = timeout_s
        self._service: str | None = None

    async def instruments(self, pattern: str) -> list[str]:
        return await self._desk.named(self._ask_any, [pattern])

    async def ask(self, name: str, question: dict[str, Any], service: str | None = None) -> tuple[Any, str]:
        try:
            asked = service or self._service or await self._find()
            return await self._desk.request(asked, name, self._timeout_s, question), asked
        except (ConnectionLost, NotReachable, Refused):
            self._service = None
            raise

    async def _find(self) -> str:
        found = await self._desk.services("history")
        if not found:
            raise Refused(_NOBODY["history"], sockets.UNAVAILABLE)
        self._service = found[0]
        return found[0]

    async def _ask_any(self, name: str, question: dict[str, Any]) -> Any:
        return (await self.ask(name, question))[0]

    async def completeness(self, instrument: str) -> list[completeness.Completeness]:
        question = {"from": None, "to": None}
        return await self._desk.by_one(
            "logger", lambda ask: completeness.find(ask, [instrument], question), self._timeout_s
        )


def check_pattern(pattern: str) -> None:
    """Raise ValueError for what is no `<agent>/<instrument>`."""
    try:
        agent, _, instrument = pattern.partition("/")
        for name in {agent, instrument} - {topics.ANY}:
            topics.check_name(name, "agent or instrument")
    except WireError as error:
        raise ValueError(str(error)) from error


def as_it_is(message: Message) -> Message:
    return message
