"""What a benchmark gives: our figure beside its limit, measured in the same run. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `ratio` is ours / limit, or for `latency` what is added, in ms."""

    name: str
    unit: str
    ours: float
    limit: float
    ratio: float
    goal: str
    met: bool
    details: dict[str, Any] = field(default_factory=dict)

    def to_map(self) -> dict[str, Any]:
        return asdict(self)


def compare(name: str, unit: str, ours: Sequence[float], limit: Sequence[float], goal: float, **details: Any) -> Row:
    """A row whose goal is a share of the limit; each pair of rounds ran side by side."""
    ratio = median(our / their for our, their in zip(ours, limit, strict=True))
    details |= {"rounds_ours": [round(one) for one in ours], "rounds_limit": [round(one) for one in limit]}
    return Row(
        name=name,
        unit=unit,
        ours=median(ours),
        limit=median(limit),
        ratio=ratio,
        goal=f">= {goal:g}",
        met=ratio >= goal,
        details=details,
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as text for people."""
    head = f"{'name':<20} {'ours':>12} {'limit':>12} {'ratio':>7}  {'goal':<16} met   unit"
    return "\n".join([head, *map(_line, rows)])


def _line(row: Row) -> str:
    figures = f"{_number(row.ours):>12} {_number(row.limit):>12} {row.ratio:>7.2f}"
    return f"{row.name:<20} {figures}  {row.goal:<16} {'yes' if row.met else 'NO':<5} {row.unit}"


def _number(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}".replace(",", " ")
