"""Calls that block, in a thread: one at a time, each with a time limit, so that one that hangs holds up nobody else.

A call that has hung cannot be ended. The next ones of the same worker are not begun before it ends by itself; until
then they fail after their own limit. Not asyncio's executor: a call that hangs would keep the program from ending.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_Job = Callable[[], None]


class HungError(TimeoutError):
    """A call did not end within its limit: this one where `is_begun`, else one before it."""

    def __init__(self, *, is_begun: bool) -> None:
        super().__init__()
        self.is_begun = is_begun


class Worker:
    """A thread while somebody uses it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = asyncio.Lock()
        self._users = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()  # one call, and what leave() left
        self._running: asyncio.Future[Any] | None = None
        self._is_abandoned = False  # whether nobody waits any more for what runs

    @contextmanager
    def used(self) -> Iterator[None]:
        """Calls are made within this."""
        if not self._users:
            self._jobs = queue.SimpleQueue()
            threading.Thread(target=_work, args=(self._jobs,), name=self._name, daemon=True).start()
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._jobs.put(None)

    def leave(self, job: _Job) -> None:
        """Have something done after what runs, without waiting for it. It must not raise."""
        self._jobs.put(job)

    async def call(self, work: Callable[[], T], limit_s: float) -> T:
        """What `work` returns or raises. Raises TimeoutError while others are at work, HungError where one hangs."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        result.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may wait for it any more
        try:
            async with asyncio.timeout(limit_s), self._lock:
                if self._running and not self._running.done():
                    await asyncio.wait([self._running])
                self._running, self._is_abandoned = result, False
                self._jobs.put(lambda: _settle(loop, result, work))
                return await asyncio.shield(result)
        except TimeoutError as error:
            if result.done():  # it is the call's own: OSError with ETIMEDOUT is one
                raise
            is_begun = self._running is result
            if is_begun or self._is_hung():
                raise HungError(is_begun=is_begun) from error
            raise
        finally:
            self._is_abandoned |= self._running is result and not result.done()

    def _is_hung(self) -> bool:
        return self._is_abandoned and self._running is not None and not self._running.done()


def _work(jobs: "queue.SimpleQueue[_Job | None]") -> None:
    while job := jobs.get():
        job()


def _settle(loop: asyncio.AbstractEventLoop, result: "asyncio.Future[T]", work: Callable[[], T]) -> None:
    try:
        found = work()
    except Exception as error:  # whatever it is, it belongs to who waits for the result
        raised = error
        _post(loop, lambda: result.set_exception(raised))
    else:
        _post(loop, lambda: result.set_result(found))


def _post(loop: asyncio.AbstractEventLoop, settle: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(settle)
