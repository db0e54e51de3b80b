"""Makes a Fault of the schedule happen to the laboratory, for as long as it says, and undoes it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.faults.laboratory import Laboratory
from tests.faults.schedule import Fault


@dataclass(slots=True, kw_only=True)
class Happened:
    """A fault as it was: times are ns of the monotonic clock."""

    fault: Fault
    begun_ns: int
    ended_ns: int
    recovered_ns: int | None = None


async def happen(laboratory: Laboratory, fault: Fault) -> Happened:
    """Let it begin, last and end; returns once it has ended, recovered or not."""
    begun_ns = time.monotonic_ns()
    async with _broken(laboratory, fault):
        await asyncio.sleep(fault.lasts_s)
        ended_ns = time.monotonic_ns()
    return Happened(fault=fault, begun_ns=begun_ns, ended_ns=ended_ns)


@asynccontextmanager
async def _broken(laboratory: Laboratory, fault: Fault) -> AsyncIterator[None]:
    begin, mend = _ways(laboratory, fault)
    await begin()
    try:
        yield
    finally:
        await mend()


Way = Callable[[], Awaitable[None]]


def _ways(laboratory: Laboratory, fault: Fault) -> tuple[Way, Way]:
    match fault.kind.split():
        case "kill", _:
            part = laboratory.part(fault.target)
            return part.kill, part.start_again
        case "stop", _:
            part = laboratory.part(fault.target)
            return part.stop, part.start_again
        case "freeze", _:
            part = laboratory.part(fault.target)
            return _soon(part.freeze), _soon(part.thaw)
        case "forget", _:
            return lambda: _forget(laboratory), laboratory.parts["broker"].start_again
        case "cut", _:
            return laboratory.apart.cut, laboratory.apart.mend
        case "reset", _:
            return laboratory.apart.reset, laboratory.apart.mend
        case "fill", _:
            agent = laboratory.agents[fault.target]
            return _soon(agent.fill_disk), _soon(agent.empty_disk)
        case "clock", way:
            agent = laboratory.agents[fault.target]
            offset = "+1h" if way == "forward" else "-1h"
            return _soon(lambda: agent.set_clock(offset)), _soon(lambda: agent.set_clock("+0"))
    raise ValueError(f"no such fault: {fault.kind}")


async def _forget(laboratory: Laboratory) -> None:
    await laboratory.parts["broker"].kill()
    laboratory.forget_broker()


def _soon(call: Callable[[], None]) -> Way:
    async def way() -> None:
        call()

    return way
