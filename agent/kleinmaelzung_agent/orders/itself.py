"""The agent itself as an instrument that takes commands: its configuration, a reload, orders of the server.

Command --check(), execute()--> jobs, one after the other --> lifetime.py (reload), carrying_out.py (orders) --> Reply

It measures nothing and has no description, so no list shows it. A job that has begun goes on when its command's time is
up: a configuration is not left half applied because a caller waits no longer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Never, Protocol

from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.configuration.difference import Difference
from kleinmaelzung_agent.drivers.counters import Counters
from kleinmaelzung_agent.instruments import Gate, open_gate
from kleinmaelzung_agent.orders import orders_held
from kleinmaelzung_agent.orders.carrying_out import TRIAL_S, CarryingOut, Configured, Done, RefusedError
from kleinmaelzung_agent.orders.orders_held import Signed
from kleinmaelzung_wire import orders
from kleinmaelzung_wire.descriptions import Description
from kleinmaelzung_wire.messages import MAX_SENTENCE, Command, Reply, Result

logger = logging.getLogger(__name__)

LOOK_S: Final = 1.0  # how often it is looked whether a trial is passed and what became of a program
PIECE: Final = 32 * 1024  # bytes of the configuration in one reply
MAX_ORDER: Final = 4096
MAX_JOBS: Final = 20  # more than commands may wait (commands.MAX_RUNNING); beyond, a signal to reload is one too many
MAX_MISTAKES: Final = 12_000  # characters of a reply's value
# Each command's arguments, and what they must be; those of `configuration` may be left out.
_ARGUMENTS: Final[dict[str, dict[str, type]]] = {
    "configuration": {"offset": int},
    "reload": {},
    "order": {"order": bytes, "signature": bytes},
    "piece": {"sha256": bytes, "offset": int, "content": bytes},
}
_WORDS: Final = {int: "an integer from 0 on", bytes: "bytes"}

Job = Callable[[], Awaitable[dict[str, Any]]]


class Reloading(Configured, Protocol):
    async def reload(self) -> Difference:
        """Read the configuration again and go on with it. Raises ConfigError."""
        ...


class Itself:
    """Of one run of the agent. `tell` publishes its status."""

    name: Final = orders.ITSELF

    def __init__(self, agent: Reloading, carrying_out: CarryingOut, *, tell: Callable[[], None], look_s: float) -> None:
        self.counters = Counters()
        self._agent, self._carrying_out, self._tell, self._look_s = agent, carrying_out, tell, look_s
        self._jobs: asyncio.Queue[tuple[Job, asyncio.Future[dict[str, Any]]]] = asyncio.Queue(MAX_JOBS)
        self._is_reload_waiting = False

    def told(self) -> dict[str, Any]:
        """For the agent's status."""
        return self._carrying_out.told()

    def description(self) -> Description:
        """Never published."""
        return Description(channels=[], driver="agent")

    async def open(self) -> None:
        """Learn what earlier runs left, before anybody is told of it."""
        await self._carrying_out.open()

    async def run(self) -> Never:
        """Work off the jobs, and look around between them."""
        try:
            self._tell()
            while True:
                await self._next()
        finally:
            while not self._jobs.empty():
                _, result = self._jobs.get_nowait()
                _fail(result)

    def hang_up(self) -> None:
        """The signal to read the configuration again; what comes of it stands in the log."""
        if not self._is_reload_waiting and not self._jobs.full():
            self._is_reload_waiting = True
            self._jobs.put_nowait((self._reload, self._result()))

    def check(self, command: Command) -> str:
        """Why it can never be executed; empty where it can."""
        expected = _ARGUMENTS.get(command.name)
        if expected is None:
            return f"unknown command {command.name!r:.40}, expected {', '.join(_ARGUMENTS)}"
        arguments = dict(command.arguments)
        if command.name == "configuration":
            arguments.setdefault("offset", 0)
        if unknown := sorted(arguments.keys() - expected.keys()):
            return f"unknown argument {unknown[0]!r:.40}, expected {', '.join(expected) or 'none'}"
        for name, wanted in expected.items():
            found = arguments.get(name)
            if type(found) is not wanted or (isinstance(found, int) and found < 0):
                return f'argument "{name}" is {found!r:.60}, expected {_WORDS[wanted]}'
        if len(arguments.get("order", b"")) > MAX_ORDER or len(arguments.get("content", b"")) > orders.PIECE:
            return f"expected an order of at most {MAX_ORDER} bytes, a piece of at most {orders.PIECE}"
        return ""

    async def execute(self, command: Command, *, timeout_s: float, gate: Gate = open_gate) -> Reply:
        """Execute one command. What has begun goes on when the time is up."""
        self.counters.commands += 1
        if self._jobs.full():
            return _reply(command, "refused", "busy: too much is waiting already")
        result = self._result()
        self._jobs.put_nowait((lambda: self._work(command.name, command.arguments), result))
        try:
            return _reply(command, "done", values=await asyncio.shield(result))
        except RefusedError as refusal:
            mistakes = {"mistakes": "\n".join(refusal.mistakes)[:MAX_MISTAKES]} if refusal.mistakes else {}
            return _reply(command, "refused", str(refusal), mistakes)
        except _EndedError:
            return _reply(command, "lost", "the agent ended meanwhile; its status tells how far it came")

    # --- jobs ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def _result() -> "asyncio.Future[dict[str, Any]]":
        result: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        result.add_done_callback(_looked_at)
        return result

    async def _next(self) -> None:
        try:
            async with asyncio.timeout(self._look_s):
                job, result = await self._jobs.get()
        except TimeoutError:
            await self._look()
            return
        try:
            values = await job()
        except RefusedError as refusal:
            result.set_exception(refusal)
        except Exception as error:  # a fault here must not end the instruments
            logger.exception("fault in a command to the agent itself")
            result.set_exception(RefusedError(f"fault in the agent: {error!r:.200}"))
        except BaseException:
            _fail(result)
            raise
        else:
            result.set_result(values)
        self._tell()

    async def _look(self) -> None:
        try:
            if await self._carrying_out.look():
                self._tell()
        except RefusedError as refusal:
            logger.warning("what became of an order cannot be kept: %s", refusal)

    async def _work(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        match name:
            case "configuration":
                return await self._configuration(arguments.get("offset", 0))
            case "reload":
                return await self._reload()
            case "order":
                return _values(await self._carrying_out.take(Signed(arguments["order"], arguments["signature"])))
        return _values(await self._carrying_out.add(arguments["sha256"], arguments["offset"], arguments["content"]))

    async def _configuration(self, offset: int) -> dict[str, Any]:
        text, key = await self._carrying_out.text()
        content = text.encode()
        return {
            "piece": content[offset : offset + PIECE],
            "total": len(content),
            "sha256": orders_held.digest(text),
            "key": key,
        }

    async def _reload(self) -> dict[str, Any]:
        self._is_reload_waiting = False
        try:
            difference = await self._agent.reload()
        except ConfigError as error:
            logger.error("the configuration was not taken, everything goes on as before: %s", error)
            raise RefusedError(f"everything goes on as before: {error.head}", error.mistakes) from error
        logger.info("the configuration was read again: %s", difference)
        if not difference.is_restart:  # then this run is at its end, and the answer must not wait
            await self._carrying_out.reread()
        return dict(difference.values())


class _EndedError(Exception):
    """The run ended before the job did."""


def _fail(result: "asyncio.Future[dict[str, Any]]") -> None:
    if not result.done():
        result.set_exception(_EndedError())


def _looked_at(result: "asyncio.Future[dict[str, Any]]") -> None:
    # Whoever asked may be gone: then nobody else would.
    if not result.cancelled():
        result.exception()


def _values(done: Done) -> dict[str, Any]:
    return {"offset": done.offset, **done.values}


def _reply(command: Command, result: Result, reason: str = "", values: dict[str, Any] | None = None) -> Reply:
    reason = reason[:MAX_SENTENCE]
    return Reply(id=command.id, name=command.name, user=command.user, result=result, reason=reason, values=values or {})


__all__ = ["LOOK_S", "TRIAL_S", "Itself"]
