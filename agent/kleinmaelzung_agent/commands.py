"""Commands in, replies out: each id is executed once, at most 16 at a time for one instrument.

    payload of <instrument>/command --receive()--> a task --instrument.execute()--> answer(tail, payload, options)

An id that comes again is answered with what the first one gave.
"""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from kleinmaelzung_agent.instruments import Instrument
from kleinmaelzung_wire import codec, messages
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import Command, Reply

logger = logging.getLogger(__name__)

MAX_RUNNING: Final = 16  # per instrument: they wait for one port anyway
REMEMBERED: Final = 1000
# An instrument keeps its own time limit; beyond it by this much, it is answered for.
GRACE_S: Final = 1.0

_CommandKey = tuple[str, str, str]  # instrument, user, id: an id is the caller's own choice
Answer = Callable[[str, bytes, dict[str, Any]], None]


class Commands:
    """Executes in the task group given, which outlives connections: what has begun is finished and answered."""

    def __init__(self, instruments: Mapping[str, Instrument], answer: Answer, now_us: Callable[[], int]) -> None:
        self._instruments, self._answer, self._now_us = instruments, answer, now_us
        self._running: Counter[str] = Counter()
        self._results: OrderedDict[_CommandKey, asyncio.Future[Reply]] = OrderedDict()

    def receive(self, instrument: str, payload: bytes, options: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        """Take in one command; its answer comes by `answer`."""
        options = {key: options[key] for key in ("response", "correlation") if key in options}
        try:
            command = Command.decode(payload)
        except WireError as error:
            self._refuse_unreadable(instrument, payload, options, str(error))
            return
        key = (instrument, command.user, command.id)
        known = self._results.get(key)
        if known is None:
            known = self._remember(key)
            self._begin(instrument, command, known, tasks)
        known.add_done_callback(lambda result: self._send(instrument, result, options))

    def _begin(
        self, instrument: str, command: Command, result: asyncio.Future[Reply], tasks: asyncio.TaskGroup
    ) -> None:
        target = self._instruments.get(instrument)
        if target is None:
            result.set_result(
                self._reply(command, "refused", f"there is no instrument {instrument!r:.60} at this agent")
            )
        elif self._running[instrument] >= MAX_RUNNING:
            result.set_result(self._reply(command, "refused", f"busy: {MAX_RUNNING} commands are waiting already"))
        else:
            self._running[instrument] += 1
            tasks.create_task(self._execute(instrument, target, command, result), name=f"command {instrument}")

    async def _execute(
        self, name: str, instrument: Instrument, command: Command, result: asyncio.Future[Reply]
    ) -> None:
        began_ns = time.monotonic_ns()
        timeout_s = command.timeout_us / 1e6
        try:
            async with asyncio.timeout(timeout_s + GRACE_S):
                reply = await instrument.execute(command, timeout_s=timeout_s)
            reply.encode()  # what cannot be sent is the driver's fault too
        except TimeoutError:
            reply = self._reply(command, "timeout", f"no answer within {timeout_s:g} s")
        except Exception as error:  # a fault in a driver must not end the other instruments
            logger.exception("%s: command %s failed", name, command.name)
            reply = self._reply(command, "failed", f"fault in the driver: {error!r:.200}")
        finally:
            self._running[name] -= 1
        took_us = reply.took_us or (time.monotonic_ns() - began_ns) // 1000
        result.set_result(replace(reply, took_us=took_us, time=reply.time or self._now_us()))

    def _reply(self, command: Command, result: messages.Result, reason: str) -> Reply:
        return Reply(
            id=command.id, name=command.name, user=command.user, result=result, reason=reason, time=self._now_us()
        )

    def _refuse_unreadable(self, instrument: str, payload: bytes, options: dict[str, Any], why: str) -> None:
        logger.warning("%s: a command that cannot be read: %s", instrument, why)
        fields = _texts(payload)
        if "id" in fields:
            name, user = fields.get("name", ""), fields.get("user", "")
            reply = Reply(id=fields["id"], name=name, user=user, result="refused", reason=why[: messages.MAX_SENTENCE])
            self._answer(f"{instrument}/reply", replace(reply, time=self._now_us()).encode(), options)

    def _remember(self, key: _CommandKey) -> "asyncio.Future[Reply]":
        while len(self._results) >= REMEMBERED:
            self._results.popitem(last=False)
        return self._results.setdefault(key, asyncio.get_running_loop().create_future())

    def _send(self, instrument: str, result: "asyncio.Future[Reply]", options: dict[str, Any]) -> None:
        if not result.cancelled():
            self._answer(f"{instrument}/reply", result.result().encode(), options)


def _texts(payload: bytes) -> dict[str, str]:
    """What is text of reasonable length in a command that is otherwise wrong."""
    try:
        fields = codec.unpack(payload)
    except WireError:
        return {}
    if not isinstance(fields, dict):
        return {}
    return {key: value for key, value in fields.items() if isinstance(value, str) and len(value) <= messages.MAX_ID}
