"""For how long what was logged is kept: variables of the environment in, Keeping out, or sentences. Pure.

KLEINMAELZUNG_KEEP_RAW=400d       samples and frames; absent: for ever
KLEINMAELZUNG_KEEP_ROLLUPS=10y    what is left of them, minute by minute; absent: for ever
KLEINMAELZUNG_COMPRESS_AFTER=30d  TimescaleDB's community edition only; absent: not
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

EXPECTED: Final = 'a time such as "400d" or "10y"'
SHORTEST: Final = timedelta(days=1)  # a day's work is not to be gone before somebody has looked at it

_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "y": timedelta(days=365)}
_TIME = re.compile(r"([0-9]{1,6}) ?([hdy])", re.ASCII)
_LONGEST: Final = timedelta(days=365 * 1000)  # a date further back is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """None: for ever, or where it is about compression, not at all."""

    raw: timedelta | None = None
    rollups: timedelta | None = None
    compress_after: timedelta | None = None

    def __str__(self) -> str:
        if self.raw is None:
            return "everything is kept"
        minutes = "for ever" if self.rollups is None else f"for {show(self.rollups)}"
        return f"samples are kept for {show(self.raw)}, minutes {minutes}, times of batches for ever"


def parse(text: str) -> timedelta:
    """`"400d"` -> 400 days. Raises ValueError saying what is expected."""
    found = _TIME.fullmatch(text)
    span = int(found[1]) * _UNITS[found[2]] if found and int(found[1]) < 1e6 else None
    if span is None or span > _LONGEST:
        raise ValueError(f"expected {EXPECTED} (units: {', '.join(_UNITS)}), found {text!r:.40}")
    return span


def show(span: timedelta) -> str:
    """For sentences."""
    unit = next(unit for unit in ("y", "d", "h") if span % _UNITS[unit] == timedelta(0))
    return f"{span // _UNITS[unit]}{unit}"


def read(environment: Mapping[str, str], prefix: str) -> tuple[Keeping, dict[str, str]]:
    """What the variables say, and a sentence for each that is wrong."""
    spans: dict[str, timedelta | None] = {}
    wrong: dict[str, str] = {}
    for key in ("KEEP_RAW", "KEEP_ROLLUPS", "COMPRESS_AFTER"):
        spans[key] = None
        if text := environment.get(prefix + key):
            try:
                spans[key] = parse(text)
            except ValueError as error:
                wrong[key] = str(error)
    raw, rollups = spans["KEEP_RAW"], spans["KEEP_ROLLUPS"]
    if raw is not None and raw < SHORTEST:
        wrong["KEEP_RAW"] = f"expected at least {show(SHORTEST)}, found {show(raw)}"
    # Where samples are, history is read from their rollups all the same.
    if not wrong and rollups is not None and (raw is None or rollups < raw):
        longer = "KEEP_RAW too" if raw is None else f"at least {show(raw)}, as long as KEEP_RAW says"
        wrong["KEEP_ROLLUPS"] = f"expected {longer}: minutes are not removed before the samples they are made of"
    return Keeping(raw=raw, rollups=rollups, compress_after=spans["COMPRESS_AFTER"]), wrong
