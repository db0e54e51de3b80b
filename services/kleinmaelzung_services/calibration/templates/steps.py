"""The tests of a template, `[[test]]`: tables in, dataclasses out, mistakes into their notes.

Points are listed upwards, whatever the order in which they are run, so that a list has one reading.
"""

import itertools
import re
from collections.abc import Callable
from typing import Final

from kleinmaelzung_services.calibration.templates import parts
from kleinmaelzung_services.calibration.templates.mistakes import hint, shown
from kleinmaelzung_services.calibration.templates.tables import Table
from kleinmaelzung_services.calibration.templates.template import (
    CheckPoint,
    Eccentricity,
    Measurand,
    Order,
    Points,
    Repeatability,
    Test,
    Uniformity,
)

LONGEST_RECORD_S: Final = 7 * 86400
_ORDERS: Final[tuple[Order, ...]] = ("up", "down", "up-down")
_RANDOM = re.compile(r"random\(([0-9]{1,9})\)")

_Measurands = tuple[Measurand, ...]


def read(root: Table, measurands: _Measurands) -> tuple[tuple[Table, Test], ...]:
    """Return the tests, each with its table for what is checked later."""
    below = root.tables("test")
    return tuple((table, test) for table in below if (test := _test(table, measurands)) is not None)


def _test(table: Table, measurands: _Measurands) -> Test | None:
    kind = table.anything("kind")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        rule = f"expected one of {', '.join(shown(name) for name in _READERS)}"
        missing = "missing, " if kind is None else ""
        table.add("kind", missing + rule, hint(str(kind), _READERS) or "write one of these")
        return None
    test = reader(table, measurands)
    table.finish()
    return test if test.measurand else None  # what it measures is not known


def _points(table: Table, measurands: _Measurands) -> Points:
    order, seed = _order(table)
    return Points(
        measurand=parts.measurand(table, measurands),
        title=table.text("title", ""),
        points=_ascending(table, "points"),
        order=order,
        seed=seed,
        repeats=table.integer("repeats", 1, least=1, most=1000),
        return_to_zero=table.boolean("return_to_zero", default=False),
        tolerance=table.optional_number("point_tolerance", above=0.0),
        conditions=_conditions(table, measurands),
    )


def _repeatability(table: Table, measurands: _Measurands) -> Repeatability:
    return Repeatability(
        measurand=parts.measurand(table, measurands),
        title=table.text("title", ""),
        point=_point(table),
        repeats=table.integer("repeats", least=1, most=1000),
        return_to_zero=table.boolean("return_to_zero", default=False),
    )


def _eccentricity(table: Table, measurands: _Measurands) -> Eccentricity:
    return Eccentricity(
        measurand=parts.measurand(table, measurands),
        title=table.text("title", ""),
        point=_point(table),
        positions=table.texts("positions", least=2),
    )


def _uniformity(table: Table, measurands: _Measurands) -> Uniformity:
    return Uniformity(
        measurand=parts.measurand(table, measurands),
        title=table.text("title", ""),
        points=_ascending(table, "points"),
        positions=table.texts("positions", least=2),
        record_s=table.number("record_s", above=0.0, most=LONGEST_RECORD_S, example=1800),
        conditions=_conditions(table, measurands),
    )


def _check_point(table: Table, measurands: _Measurands) -> CheckPoint:
    compare = table.needed_table("compare_with_first", "write compare_with_first = { max_shift = 0.02 }")
    shift = compare.number("max_shift", above=0.0, example=0.02) if compare else 1.0
    if compare:
        compare.finish()
    return CheckPoint(
        measurand=parts.measurand(table, measurands),
        title=table.text("title", ""),
        point=_point(table),
        max_shift=shift,
    )


_READERS: Final[dict[str, Callable[[Table, _Measurands], Test]]] = {
    "points": _points,
    "repeatability": _repeatability,
    "eccentricity": _eccentricity,
    "uniformity": _uniformity,
    "check_point": _check_point,
}


def _order(table: Table) -> tuple[Order, int | None]:
    text = table.text("order", "up")
    if found := _RANDOM.fullmatch(text):
        return "random", int(found[1])
    for order in _ORDERS:
        if text == order:
            return order, None
    if "order" in table and isinstance(table.values["order"], str):
        remedy = hint(text, _ORDERS) or "a random order has its seed with it, so that it can be run again"
        table.add("order", 'expected "up", "down", "up-down" or "random(7)"', remedy)
    return "up-down", None  # with it all names are known, so that no formula is blamed


def _point(table: Table) -> float:
    """`point`, or `load` as they say of balances."""
    if "load" in table and "point" in table:
        table.add("load", "there is point already, which is the same", "leave one out")
    table.anything("point")
    table.anything("load")
    return table.number("load" if "load" in table else "point", example=100)


def _ascending(table: Table, key: str) -> tuple[float, ...]:
    found = table.numbers(key)
    for (_, before), (index, point) in itertools.pairwise(found):
        place = (*table.path, key, index)
        if point == before or point in [other for at, other in found if at < index]:
            table.notes.add(
                place, "is there twice", "leave one out; repeats = 2 measures each point twice", found=point
            )
        elif point < before:
            rule = f"is below the one before it, {before:g}"
            table.notes.add(place, rule, "list the points upwards; order says how they are run", found=point)
    return tuple(point for _, point in found)


def _conditions(table: Table, measurands: _Measurands) -> tuple[tuple[str, float], ...]:
    """`at = { humidity = 50 }`: set points of the other measurands meanwhile."""
    below = table.table("at")
    if below is None:
        return ()
    own = table.values.get("measurand")
    others = [one for one in measurands if one.name != own and one.name in below]
    found = tuple((one.name, below.number(one.name, example=one.display.low)) for one in others)
    for one, (_, value) in zip(others, found, strict=True):
        if not one.display.low <= value <= one.display.high:
            rule = f"is outside the range {one.display.low:g} to {one.display.high:g} of {one.name}"
            below.add(one.name, rule, "correct it, or the range")
    below.finish()
    return found
