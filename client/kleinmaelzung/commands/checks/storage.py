"""For how long the database's disk will do: a logger's answer to `storage` in, one finding out. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from kleinmaelzung.commands import texts
from kleinmaelzung_wire import findings
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.findings import Finding

FEW_DAYS: Final = 30.0
NO_DAYS: Final = 3.0
LITTLE_ROOM: Final = 100_000_000
SHOWN: Final = 3  # tables, those that grow most
_REMEDY: Final = "give the database more room, or keep less: docs/deployment.md"


def forecast(answer: Any) -> Finding:
    """Raises WireError for an answer that is none."""
    wire = Fields(answer, "storage")
    size, free = wire.integer("bytes"), wire.get("free")
    per_day, days = wire.get("per_day"), wire.get("days")
    found = f"{texts.size(size)}, {_growth(per_day, wire.get('tables'))}"
    if not isinstance(free, int):
        return findings.ok("storage", f"{found}; how much room its disk has is not known to the logger")
    room = f"{found}; {texts.size(free)} are free"
    if not isinstance(days, int | float):
        room += ", enough for all that is kept" if isinstance(per_day, int) else ""
        return findings.warning("storage", room, _REMEDY) if free < LITTLE_ROOM else findings.ok("storage", room)
    room += f", enough for {texts.span(days * 86_400)}"
    if days < NO_DAYS:
        return findings.broken("storage", room, _REMEDY)
    return findings.warning("storage", room, _REMEDY) if days < FEW_DAYS else findings.ok("storage", room)


def _growth(per_day: Any, tables: Any) -> str:
    if not isinstance(per_day, int):
        return "too new to say how fast it grows"
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise WireError("storage.tables is no list of maps")
    by_growth = sorted(tables, key=lambda table: -(table.get("per_day") or 0))
    most = ", ".join(f"{one.get('name')} {texts.size(one['per_day'])}" for one in by_growth[:SHOWN] if one["per_day"])
    return f"growing by {texts.size(per_day)} a day" + (f" ({most})" if most else "")
