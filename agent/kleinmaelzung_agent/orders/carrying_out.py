"""Orders of the server, from the first word to what became of them.

order and signature --take()--> announced      pieces --add()--> content, whole --> carried out:
    configuration   put together with this machine's [agent], checked, written, applied; on trial until it proves good
    program         handed to its updater, which tells later what became of it

Nothing is done twice and nothing is left half done, whenever the process ends: what is on disk says how to go on
(orders_held.py, trial.py).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from kleinmaelzung_agent import whole_file
from kleinmaelzung_agent.configuration import config, durations, parts
from kleinmaelzung_agent.configuration.agent_file import NotChanged
from kleinmaelzung_agent.configuration.config import Config, ConfigError
from kleinmaelzung_agent.configuration.difference import Difference
from kleinmaelzung_agent.orders import orders_held, signature
from kleinmaelzung_agent.orders.orders_held import Last, OrdersHeld, Outcome, Signed, State, Trial
from kleinmaelzung_agent.orders.program_update import ProgramUpdate
from kleinmaelzung_agent.orders.signature import SignatureError
from kleinmaelzung_agent.spool import disk
from kleinmaelzung_wire import failpoints
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import MAX_SENTENCE
from kleinmaelzung_wire.orders import Order

logger = logging.getLogger(__name__)

TRIAL_S: Final = 30.0
FUTURE_US: Final = 86_400_000_000  # what is issued later than this from now was signed by a wrong clock
SHORT: Final = 6  # characters: so short a secret is found by chance
ROOM: Final = 50_000_000  # bytes that an order leaves free for what is measured
CHANGED_HERE: Final = "the configuration was changed here while it was on trial"


class RefusedError(Exception):
    """It is not done; the text says why. `mistakes`: of a configuration, where there are several."""

    def __init__(self, sentence: str, mistakes: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.mistakes = tuple(mistakes)

    @property
    def in_one_line(self) -> str:
        return f"{self}: {'; '.join(self.mistakes)}" if self.mistakes else str(self)


class Configured(Protocol):
    """What can go on with another configuration (lifetime.py)."""

    @property
    def path(self) -> Path: ...

    @property
    def settings(self) -> Config: ...

    @property
    def is_connected(self) -> bool: ...

    async def apply(self, settings: Config) -> Difference:
        """Go on with this. After an exception it is to begin anew with the one before."""
        ...

    def begin_anew(self, settings: Config) -> None:
        """Start the whole agent again, with this."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """How much of a content is here, and what was told when it was carried out."""

    offset: int
    values: dict[str, Any]


class CarryingOut:
    """Of one run of the agent. One call at a time; none is cancelled but by the end of the run."""

    def __init__(
        self,
        agent: Configured,
        held: OrdersHeld,
        programs: ProgramUpdate,
        *,
        trial_s: float,
        now_us: Callable[[], int],
    ) -> None:
        self._agent, self._held, self._programs = agent, held, programs
        self._trial_s, self._now_us = trial_s, now_us
        self._state = State()
        self._trial: Trial | None = None
        self._trial_since_s = 0.0
        self._text: str | None = None  # of the configuration, as far as it may leave this machine
        self._sha256 = ""
        self._key = ""

    async def open(self) -> None:
        """Learn what earlier runs left."""
        try:
            await asyncio.to_thread(self._open)
            await self.look()
        except (OSError, RefusedError) as error:
            logger.warning("what is on disk of orders cannot be used: %s", error)

    def told(self) -> dict[str, Any]:
        """For the agent's status."""
        last = self._state.last
        shown = {} if last is None else {name: getattr(last, name) for name in Last.__slots__}
        return {"configuration": self._sha256, "key": self._key, "last": shown}

    async def text(self) -> tuple[str, str]:
        """The configuration without [agent], and the fingerprint of the key that is trusted. Raises RefusedError."""
        await asyncio.to_thread(self._read)
        if self._text is None:
            raise RefusedError(await asyncio.to_thread(self._why_unread))
        return self._text, self._key

    async def take(self, signed: Signed) -> Done:
        """Begin with an order, or go on where it stopped. Raises RefusedError."""
        order = await self._checked(signed)
        await self._on_disk(lambda: self._held.announce(signed, order))
        return await self._go_on(signed, order)

    async def add(self, sha256: bytes, offset: int, piece: bytes) -> Done:
        """Take the next piece of the content; the last one has the order carried out. Raises RefusedError."""
        signed = await asyncio.to_thread(self._held.announced)
        order = Order.decode(signed.order) if signed else None
        if signed is None or order is None or order.sha256 != sha256:
            raise RefusedError("no order for this content came before it: send the order first")
        size = await asyncio.to_thread(self._held.size)
        if offset != size:
            raise RefusedError(f"expected what follows byte {size}, found offset {offset}")
        if not piece or offset + len(piece) > order.size:
            raise RefusedError(f"a piece of {len(piece)} bytes at {offset} is no part of {order.size} bytes")
        await self._on_disk(lambda: self._held.append(piece))
        return await self._go_on(signed, order)

    async def look(self) -> bool:
        """See whether a trial has been passed and what became of a program; returns whether there is news."""
        before = self._state
        if self._trial is not None:
            await self._look_at_trial(self._trial)
        if (result := await asyncio.to_thread(self._programs.result)) is not None:
            await self._hear(result)
        return self._state != before

    async def reread(self) -> None:
        """The file may be another one now."""
        await asyncio.to_thread(self._read)

    # --- what comes ---------------------------------------------------------------------------------------------------

    async def _checked(self, signed: Signed) -> Order:
        """An order that may be carried out now. Raises RefusedError."""
        settings = self._agent.settings
        try:
            await asyncio.to_thread(signature.verify, settings.agent.server_key_file, signed.order, signed.signature)
            order = Order.decode(signed.order)
        except (SignatureError, WireError) as error:
            raise RefusedError(str(error)) from error
        if order.agent != settings.agent.name:
            raise RefusedError(f"this order is for agent {order.agent}, this is {settings.agent.name}")
        if order.issued <= self._state.issued.get(order.kind, 0):
            raise RefusedError(f"a {order.kind} that was ordered at that time or later was carried out already")
        if order.issued > self._now_us() + FUTURE_US:  # every later one would be refused
            raise RefusedError("it was signed more than a day ahead of this machine's clock: look at both clocks")
        if self._trial is not None:
            left = durations.show(self._trial_s)
            raise RefusedError(f"the configuration before is still on trial, for {left} with a gateway: try later")
        if order.kind == "configuration":
            await self._check_replaces(order)
        elif why := await asyncio.to_thread(self._programs.refusal):
            raise RefusedError(why)
        free = await asyncio.to_thread(disk.free_bytes, settings.agent.data)
        if free is not None and free < order.size + ROOM:
            raise RefusedError(f"there is too little room for {order.size} bytes here: {free / 1e6:.0f} MB are free")
        return order

    async def _check_replaces(self, order: Order) -> None:
        text, _ = await self.text()
        if order.replaces and order.replaces != orders_held.digest(text):
            raise RefusedError(
                "the configuration was changed since the one that this order replaces: read it again, then order anew"
            )

    async def _go_on(self, signed: Signed, order: Order) -> Done:
        size = await asyncio.to_thread(self._held.size)
        if size < order.size:
            return Done(size, {})
        if size > order.size or not await self._on_disk(lambda: self._held.is_whole(order)):
            await self._on_disk(self._held.drop)
            raise RefusedError(
                "what came is not what was announced, by its SHA-256: it is dropped, send all of it again"
            )
        failpoints.reach("agent.order_kept")
        await self._checked(signed)  # again: the content may have been on its way for a while
        if order.kind == "program":
            return Done(size, await self._hand_over(signed, order))
        return Done(size, await self._configure(order))

    # --- a configuration ----------------------------------------------------------------------------------------------

    async def _configure(self, order: Order) -> dict[str, Any]:
        path = self._agent.path
        try:
            old, new, settings = await asyncio.to_thread(self._prepared, path)
        except RefusedError as refusal:
            await self._note(order, "refused", refusal.in_one_line)
            await self._on_disk(self._held.drop)
            raise
        if new == old:
            await self._note(order, "done")
            await self._on_disk(self._held.drop)
            return Difference.between(settings, settings).values()
        trial = Trial(old=old, new=new, order=order.encode())
        await self._on_disk(lambda: self._held.try_out(trial))
        failpoints.reach("agent.order_trial")
        await self._write(path, trial)
        failpoints.reach("agent.order_written")
        self._begin_trial(trial)
        await self._note_begun(order, "on trial")
        failpoints.reach("agent.order_noted")
        difference = await self._apply(trial, settings)
        failpoints.reach("agent.order_applied")
        return difference.values()

    def _prepared(self, path: Path) -> tuple[str, str, Config]:
        """The file as it is, as it is to be, and what that means. Raises RefusedError."""
        try:
            old, content = path.read_bytes().decode(), self._held.content().decode()
            new = parts.joined(old, content)
            settings = config.read(new, path)
        except ConfigError as error:
            raise RefusedError(f"nothing was changed: {error.head}", error.mistakes) from error
        except (NotChanged, UnicodeDecodeError, OSError) as error:
            raise RefusedError(f"nothing was changed: {error}") from error
        if replace(settings.agent, spool=self._agent.settings.agent.spool) != self._agent.settings.agent:
            raise RefusedError(
                "nothing was changed: [agent] in the file is not what this agent runs with; reload first"
            )
        return old, new, settings

    async def _write(self, path: Path, trial: Trial) -> None:
        try:
            await asyncio.to_thread(replace_file, path, trial.new)
        except OSError as error:
            await self._on_disk(self._held.end_trial)
            why = f"{path} cannot be written by this agent ({error.strerror}): run deploy/install-agent again"
            raise RefusedError(why) from error

    async def _apply(self, trial: Trial, settings: Config) -> Difference:
        before = self._agent.settings
        try:
            difference = await self._agent.apply(settings)
        except Exception as error:  # whatever it is, the agent must go on as it did before
            logger.exception("the new configuration cannot be applied")
            why = f"it could not be applied: {error!r:.200}"
            await asyncio.to_thread(go_back, self._held, self._agent.path, trial, why, self._now_us())
            self._state, self._trial = await asyncio.to_thread(self._held.state), None
            self._agent.begin_anew(before)
            raise RefusedError(f"{why}; the agent begins anew with the configuration before") from error
        if not difference.is_restart:  # then this run is at its end, and the answer must not wait
            await self.reread()
        return difference

    def _begin_trial(self, trial: Trial) -> None:
        self._trial, self._trial_since_s = trial, time.monotonic()

    async def _look_at_trial(self, trial: Trial) -> None:
        failpoints.reach("agent.order_on_trial")
        if (await asyncio.to_thread(_text_of, self._agent.path)) != trial.new:
            await self._end_trial(trial, CHANGED_HERE)
        elif time.monotonic() - self._trial_since_s >= self._trial_s and self._agent.is_connected:
            await self._end_trial(trial, "")

    async def _end_trial(self, trial: Trial, reason: str) -> None:
        await self._note(Order.decode(trial.order), "done", reason)
        failpoints.reach("agent.order_passed")
        await self._on_disk(self._held.end_trial)
        self._trial = None

    # --- a program ----------------------------------------------------------------------------------------------------

    async def _hand_over(self, signed: Signed, order: Order) -> dict[str, Any]:
        await self._on_disk(lambda: self._programs.hand_over(signed, self._held.content_file))
        await self._note_begun(order, "handed to the updater")
        return {"handed_over": True}

    async def _hear(self, result: Last) -> None:
        last = self._state.last
        is_awaited = last is not None and (last.kind, last.issued, last.result) == (
            "program",
            result.issued,
            "under way",
        )
        is_news = last is None or result.time > last.time
        if is_awaited or (is_news and result.issued >= self._state.issued.get("program", 0)):
            logger.info("the program that was ordered: %s %s", result.result, result.reason)
            await self._note_last(result, is_carried_out=True)

    # --- on disk ------------------------------------------------------------------------------------------------------

    async def _note(self, order: Order, result: Outcome, reason: str = "") -> None:
        await self._note_last(Last.of(order, result, reason[:MAX_SENTENCE]), is_carried_out=result != "refused")

    async def _note_last(self, last: Last, *, is_carried_out: bool) -> None:
        state = self._state = self._state.after(replace(last, time=self._now_us()), is_carried_out=is_carried_out)
        await self._on_disk(lambda: self._held.note(state))

    async def _note_begun(self, order: Order, reason: str) -> None:
        """Of what cannot be taken back any more: a disk that does not take this must not stop it half way."""
        try:
            await self._note(order, "under way", reason)
            await self._on_disk(self._held.drop)
        except RefusedError as refusal:
            logger.warning("that an order is carried out cannot be kept: %s", refusal)

    async def _on_disk(self, work: Callable[[], Any]) -> Any:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise RefusedError(f"the disk of this agent does not allow it: {error.strerror or error}") from error

    def _open(self) -> None:
        self._state = self._held.state()
        if (trial := self._held.trial()) is not None:
            self._begin_trial(trial)
            self._adopt(Last.of(Order.decode(trial.order), "under way", "on trial"))
        elif (handed := self._programs.waiting()) is not None:
            self._adopt(Last.of(handed, "under way", "handed to the updater"))
        announced = self._held.announced()
        if announced and (order := Order.decode(announced.order)).issued <= self._state.issued.get(order.kind, 0):
            self._held.drop()
        self._read()

    def _adopt(self, last: Last) -> None:
        """Of an order that was begun when the process ended, before that was noted."""
        if last.issued > self._state.issued.get(last.kind, 0):
            self._state = self._state.after(replace(last, time=self._now_us()), is_carried_out=True)
            self._held.note(self._state)

    def _read(self) -> None:
        settings = self._agent.settings.agent
        self._key = signature.fingerprint(settings.server_key_file)
        try:
            text = parts.rest(_text_of(self._agent.path))
        except NotChanged:
            self._text = None
        else:
            is_safe = len(settings.secret) < SHORT or settings.secret not in text
            self._text = text if is_safe else None
        self._sha256 = "" if self._text is None else orders_held.digest(self._text).hex()

    def _why_unread(self) -> str:
        try:
            parts.rest(_text_of(self._agent.path))
        except NotChanged as error:
            return f"{self._agent.path}: {error}"
        return f"{self._agent.path}: the agent's secret stands outside its table [agent]"


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return ""


def replace_file(path: Path, text: str) -> None:
    """Put a configuration in the place of the one there is, for the same readers. Raises OSError."""
    path = path.resolve()  # a link to it stays one
    whole_file.write(path, text.encode(), mode=path.stat().st_mode & 0o777)


def go_back(held: OrdersHeld, path: Path, trial: Trial, why: str, now_us: int) -> None:
    """Give a configuration up that was on trial: first it is noted, last the way back is forgotten. Raises OSError."""
    last = replace(Last.of(Order.decode(trial.order), "rolled back", why[:MAX_SENTENCE]), time=now_us)
    held.note(held.state().after(last, is_carried_out=True))
    failpoints.reach("agent.order_back")
    replace_file(path, trial.old)
    held.end_trial()
    logger.error("the configuration before is back: %s", why)
