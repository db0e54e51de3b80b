"""How values, times and tables look to people; nothing here reads a clock or writes anywhere."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from kleinmaelzung import Corrected, Sample, Value
from kleinmaelzung_wire.messages import AgentStatus

_STEPS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def plain(text: str) -> str:
    """Text from outside with everything replaced that could move a terminal's cursor."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def value(found: Value) -> str:
    match found:
        case None:
            return "-"
        case bool():
            return "yes" if found else "no"
        case float():
            return f"{found:.12g}"  # 0.1 + 0.2 reads 0.3; no instrument measures to 13 digits
    return plain(str(found))


def shown_unit(symbol: str) -> str:
    """As people write it, where programs write it in plain letters."""
    return {"degC": "°C"}.get(symbol, symbol)


def reading(sample: Sample) -> str:
    """`weight 12.345 g`, with its quality where that is not good."""
    quality = "" if sample.quality == "good" else f" ({plain(sample.quality)})"
    unit = f" {plain(sample.unit)}" if sample.unit else ""
    return f"{sample.channel} {value(sample.value)}{unit}{quality}"


def measured(found: Corrected) -> str:
    """`12.3451 ± 0.0004 g (k = 2)`: U with two digits, the value to the same place."""
    unit = f" {plain(found.unit)}" if found.unit else ""
    if found.U <= 0:
        return f"{value(found.value)}{unit}"
    places = max(0, 1 - Decimal(repr(found.U)).adjusted())
    return f"{found.value:.{places}f} ± {found.U:.{places}f}{unit} (k = {found.k:.3g})"


def local_time(time_us: int) -> str:
    """`2026-10-02 14:03:05.123+02:00`"""
    local = datetime.fromtimestamp(time_us / 1e6, UTC).astimezone()
    return local.isoformat(sep=" ", timespec="milliseconds")


def local_second(time_us: int) -> str:
    """`2026-10-02 14:03:05+02:00`"""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).astimezone().isoformat(sep=" ")


def local_span(since_us: int, until_us: int) -> str:
    """`2026-10-02 14:03:05+02:00 to 14:04:10+02:00`, with the second date where it is another."""
    since, until = local_second(since_us), local_second(until_us)
    day, _, time = until.partition(" ")
    return f"{since} to {time if since.startswith(day) else until}"


def age(age_us: int) -> str:
    """`0.4 s`, `12 s`, `3 min`, `2 h`, `5 d`; a clock that is ahead of ours makes it `0.0 s`."""
    seconds = max(age_us, 0) / 1e6
    if seconds < 10:
        return f"{seconds:.1f} s"
    length, unit = next(step for step in _STEPS if seconds >= step[0])
    return f"{seconds // length:.0f} {unit}"


def span(seconds: float) -> str:
    """`40 s`, `5 min`, `3 h`, `12 d`, `2 years`: a length of time, not sharper than people ask for."""
    if seconds >= 2 * 365 * 86_400:
        return f"{seconds / (365 * 86_400):.0f} years"
    return age(round(seconds * 1e6))


def size(count: int) -> str:
    """`512 B`, `1.5 MB`, `120 GB`"""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} B"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Columns one under the other."""
    kept = list(rows)
    widths = [max(map(len, column)) for column in zip(*kept, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in kept)
    return "\n".join(line.rstrip() for line in lines)


def agent_condition(status: AgentStatus | None) -> str:
    if status is None:
        return "never connected"
    return "online" if status.online else "offline"
