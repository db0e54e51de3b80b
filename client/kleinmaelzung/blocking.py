"""A connection in a thread of its own, and waiting for what it does.

a call -> Thread.wait() -> the thread's event loop -> the Lab there -> what the call returns or raises
a watch there -> Frames -> for frame in ...
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from kleinmaelzung import connecting
from kleinmaelzung.backlog import WatchSince
from kleinmaelzung.errors import NotReachable
from kleinmaelzung.lab import Lab
from kleinmaelzung.settings import Login
from kleinmaelzung.watching import Watch

T = TypeVar("T")

END_LIMIT_S: Final = 10.0


class Thread:
    """A thread whose loop keeps one connection."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._opened: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Lab]] = Future()
        self._thread = threading.Thread(target=self._run, name="kleinmaelzung", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._loop, self._leave, self.lab = self._opened.result()
        except BaseException:
            # After Ctrl-C the connection may still come: then it is left at once.
            self._opened.add_done_callback(_leave_at_once)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(END_LIMIT_S)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it in the loop; if this wait is broken off, so is that."""
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("this is the connection's own thread: it cannot wait for itself")
        if self._leave.is_set() or self._loop.is_closed():
            coroutine.close()
            raise NotReachable("the connection was closed: its `with` block was left")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except CancelledError as error:
            raise NotReachable("the connection was closed: its `with` block was left") from error
        except BaseException:
            future.cancel()
            raise

    @contextmanager
    def entered(self, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """Enter it in the loop, and leave it there, in one task."""
        inside: Future[T] = Future()
        leave = asyncio.Event()

        async def hold() -> None:
            async with manager as value:
                inside.set_result(value)
                await leave.wait()

        holding = asyncio.run_coroutine_threadsafe(hold(), self._loop)
        holding.add_done_callback(lambda done: inside.done() or inside.cancel())
        try:
            value = inside.result()
        except CancelledError:
            holding.result()  # which says why
            raise
        except BaseException:
            holding.cancel()
            raise
        try:
            yield value
        finally:
            self.call(leave.set)
            holding.result()

    def call(self, soon: Callable[[], object]) -> None:
        """Run a function in the loop, and do not wait."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(soon)

    def _run(self) -> None:
        try:
            asyncio.run(self._keep())
        except BaseException as error:  # told to who waits for the connection
            if not self._opened.done():
                self._opened.set_exception(error)

    async def _keep(self) -> None:
        leave = asyncio.Event()
        async with connecting.connect_as(self._login) as opened:
            self._opened.set_result((asyncio.get_running_loop(), leave, opened))
            await leave.wait()


def _leave_at_once(opened: "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Lab]]") -> None:
    if opened.exception() is None:
        loop, leave, _ = opened.result()
        loop.call_soon_threadsafe(leave.set)


class Frames(Generic[T]):
    """An iterator over what is watched; `missed` counts what was dropped, or with `since` what is gone.

    Leaving the loop ends the watch once nothing refers to it; `with lab.watch(...) as frames:` ends it at once.
    """

    def __init__(self, thread: Thread, watch: "Watch[T] | WatchSince") -> None:
        self._thread = thread
        self._watch: Any = watch

    @property
    def missed(self) -> int:
        missed: int = self._watch.missed
        return missed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """Return the next one. Raises Refused, NotLoggedIn."""
        found: T | _End = self._thread.wait(self._next())
        if isinstance(found, _End):
            raise StopIteration
        return found

    def close(self) -> None:
        """End the watch; a loop over it ends too, after what has come already."""
        self._thread.call(self._watch.close)

    async def _next(self) -> "T | _End":
        try:
            found: T = await anext(self._watch)
        except StopAsyncIteration:
            return _End()  # a future cannot hold StopIteration
        return found


class _End:
    pass
