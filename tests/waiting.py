"""Waiting for a condition, with a limit: tests never sleep and hope."""

import asyncio
from collections.abc import Callable

# What is waited for comes within a second or two; on two cores that do other work beside it may take far longer.
LIMIT_S = 60.0


async def until(is_so: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
    """Poll until the condition holds; fails naming what was waited for."""
    try:
        async with asyncio.timeout(limit_s):
            while not is_so():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {limit_s:g} s: {what}") from None
