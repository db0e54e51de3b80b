"""What tests of `kleinmaelzung doctor` use: what it found, by id, and parts of a system that go away and come back."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

from kleinmaelzung.commands import doctor
from kleinmaelzung.settings import Login
from kleinmaelzung_local.children import Running
from kleinmaelzung_wire.findings import Finding

LIMIT_S = 30.0


class Seen:
    """What one look found."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = findings

    def all(self, id_: str) -> list[Finding]:
        """Those with this id, or with `id name` about this."""
        wanted, _, of = id_.partition(" ")
        return [one for one in self.findings if one.id == wanted and (not of or one.of == of)]

    def __getitem__(self, id_: str) -> Finding:
        """The only one."""
        found = self.all(id_)
        assert len(found) == 1, (id_, found or self.findings)
        return found[0]

    def tells(self, id_: str, words: str) -> bool:
        """Whether a check found this, among other things perhaps: services may say different things of one database."""
        return any(words in one.found for one in self.all(id_))

    def states(self, *but: str) -> set[str]:
        return {one.state for one in self.findings if one.id not in but}

    @property
    def broken(self) -> set[str]:
        return {one.label for one in self.findings if one.state == "broken"}

    def says(self, id_: str, found: str, remedy: str, state: str = "broken") -> None:
        """Assert that a check has this state, and these words in its sentences."""
        seen = self.all(id_)
        assert any(one.state == state and found in one.found and remedy in one.remedy for one in seen), seen


async def look(login: Login) -> Seen:
    return Seen(await doctor.examine(login))


async def look_until(login: Login, is_so: Callable[[Seen], bool]) -> Seen:
    """Look again and again, until something is seen that comes a little later."""
    ends = time.monotonic() + LIMIT_S
    while True:
        seen = await look(login)
        if is_so(seen):
            return seen
        assert time.monotonic() < ends, [one for one in seen.findings if one.state != "ok"]
        await asyncio.sleep(0.05)


@asynccontextmanager
async def away(*running: Running) -> AsyncIterator[None]:
    """Programs that are not there as long as the context lasts; who keeps them alive keeps something else alive."""
    commands = [one.child.command for one in running]
    await asyncio.gather(*(_become(one, ["sleep", "infinity"]) for one in running))
    try:
        yield
    finally:
        await asyncio.gather(*(_become(*both) for both in zip(running, commands, strict=True)))
        await asyncio.gather(*(_until(one.child.is_ready) for one in running))


async def started_again(one: Running) -> None:
    await _become(one, one.child.command)


async def _become(one: Running, command: list[str]) -> None:
    before = one.pid
    assert before is not None
    one.child = replace(one.child, command=command)
    with contextlib.suppress(ProcessLookupError):
        os.kill(before, signal.SIGKILL)

    async def has_changed() -> bool:
        return one.pid != before

    await _until(has_changed)


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await is_so():
            await asyncio.sleep(0.02)


@contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
