"""Durations as configuration writes them, "250ms" or "30d", to seconds. Pure."""

import re
from typing import Final

EXPECTED: Final = 'a duration such as "250ms"'

_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(us|ms|s|min|h|d)", re.ASCII)


def parse(text: str) -> float:
    """`"250ms"` -> 0.25. Raises ValueError saying what a duration looks like."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"expected {EXPECTED} (units: {', '.join(_SECONDS)}), found {text!r:.40}")
    return float(found[1]) * _SECONDS[found[2]]


def show(seconds: float) -> str:
    """`0.25` -> `"250ms"`, for sentences."""
    for unit in ("d", "h"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:g}{unit}"
    return f"{seconds * 1000:g}ms" if 0 < seconds < 1 else f"{seconds:g}s"
