"""Sizes as configuration writes them, "256MB" or "1GiB", to bytes. Pure."""

import re
from typing import Final

EXPECTED: Final = 'a size such as "256MB"'

_BYTES: Final = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(kB|MB|GB|KiB|MiB|GiB)", re.ASCII)


def parse(text: str) -> int:
    """`"256MB"` -> 256000000. Raises ValueError saying what a size looks like."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError(f"expected {EXPECTED} (units: {', '.join(_BYTES)}), found {text!r:.40}")
    return round(float(found[1]) * _BYTES[found[2]])


def show(size: int) -> str:
    """`256000000` -> `"256MB"`, for sentences."""
    unit = next((unit for unit in ("GB", "MB", "kB") if size >= _BYTES[unit]), "kB")
    return f"{size / _BYTES[unit]:g}{unit}"
