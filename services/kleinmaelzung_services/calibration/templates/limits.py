"""Acceptance limits of a template and the rule that decides: a table in, dataclasses out, mistakes into its notes."""

import math
from typing import Any, Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates import expressions
from kleinmaelzung_services.calibration.templates.expressions import ExpressionError
from kleinmaelzung_services.calibration.templates.tables import Table
from kleinmaelzung_services.calibration.templates.template import Acceptance, Limit, Rule
from kleinmaelzung_services.calibration.units import Unit

BASES: Final = ("nominal", "indication", "span")
# As templates say it, and as decisions are made by.
RULES: Final[dict[str, Rule]] = {"simple": "simple", "guard_band": "guard", "non_binary": "nonbinary"}
MAX_GUARD_FACTOR: Final = 5.0


def read(table: Table | None, unit: Unit, error_unit: Unit) -> Acceptance | None:
    """Return None where no conformity is stated."""
    if table is None:
        return None
    basis = table.stated(
        "basis",
        BASES,
        "a limit must say where on the scale, and of what, it counts",
        f"write one of {', '.join(BASES)}",
    )
    rule = table.stated(
        "rule",
        RULES,
        "how a decision is made is agreed before the run (ISO/IEC 17025:2017, 7.8.6)",
        f"write one of {', '.join(RULES)}",
    )
    acceptance = Acceptance(
        limits=_limits(table, unit, error_unit, basis),
        basis=basis,
        rule=RULES[rule],
        guard_factor=_guard_factor(table, rule),
        agreed_with_customer=table.boolean("agreed_with_customer", default=False),
    )
    table.finish()
    return acceptance


def _limits(table: Table, unit: Unit, error_unit: Unit, basis: str) -> tuple[Limit, ...]:
    below = table.tables("limit")
    if not below and "limit" not in table:
        table.add(
            "limit", "missing, expected a list of tables", "write limit = [{ upto = 50, abs = 0.5 }, { abs = 1.0 }]"
        )
    elif not below:
        table.add("limit", "the list is empty", "write limit = [{ abs = 1.0 }], or leave [acceptance] out")
    limits: list[Limit] = []
    for index, one in enumerate(below):
        before = limits[-1].upto if limits and limits[-1].upto < math.inf else -math.inf
        limits.append(_limit(one, before, is_last=index == len(below) - 1, units_of=(unit, error_unit), basis=basis))
    return tuple(limits)


def _limit(table: Table, before: float, *, is_last: bool, units_of: tuple[Unit, Unit], basis: str) -> Limit:
    unit, error_unit = units_of
    above, upto = _reach(table, before, is_last=is_last)
    relative = table.number("rel", 0.0, above=0.0, most=1.0) if "rel" in table else 0.0
    own = table.unit("unit", error_unit, like=error_unit)
    lower, upper = (_converted(bound, own, error_unit) for bound in _bounds(table, has_relative=relative > 0))
    if "of" in table and table.choice("of", BASES) != basis:
        table.add("of", f'acceptance.basis says "{basis}"', "leave one out")
    if relative and unit.has_offset and basis != "span":
        rule = f"a share of a value in {unit.symbol} depends on where that scale has its zero"
        table.add("rel", rule, 'write abs, or basis = "span"')
    table.finish()
    return Limit(above=above, upto=upto, lower=lower, upper=upper, relative=relative)


def _reach(table: Table, before: float, *, is_last: bool) -> tuple[float, float]:
    above = table.optional_number("above")
    upto = table.optional_number("upto")
    if above is not None and math.isfinite(before) and above != before:
        what = "a gap" if above > before else "an overlap"
        table.add("above", f"{what}: the limit before ends at {before:g}", f"write above = {before:g}, or leave it out")
    if "upto" not in table and not is_last:
        table.add("upto", "missing: only the last limit may do without", "write upto = the highest value it holds for")
    start = before if above is None else above
    if upto is not None and upto <= start:
        table.add("upto", f"is not above {start:g}, where this limit begins", "list the limits upwards")
    return start, math.inf if upto is None else upto


def _bounds(table: Table, *, has_relative: bool) -> tuple[float | None, float | None]:
    absolute = table.optional_number("abs", above=0.0)
    lower, upper = table.optional_number("lower"), table.optional_number("upper")
    if "abs" in table:
        for key in ("lower", "upper"):
            if key in table:
                table.add(key, "there is abs already", "write abs for a limit on both sides, or lower and upper")
        return (None, None) if absolute is None else (-absolute, absolute)
    if has_relative:
        if lower is not None or upper is not None:
            table.add("rel", "goes with abs only", "leave lower and upper out")
        return 0.0, 0.0
    if not {"lower", "upper", "rel"} & set(table.values):
        table.notes.add(table.path, "has no limit", "add abs, rel, or lower and upper")
    if lower is not None and upper is not None and lower >= upper:
        table.add("lower", f"is not below upper = {upper:g}", "correct one of the two")
    return lower, upper


def _converted(bound: float | None, unit: Unit, into: Unit) -> float | None:
    return bound if bound is None or not units.are_alike(unit, into) else units.convert_difference(bound, unit, into)


def _guard_factor(table: Table, rule: str) -> float:
    """`w = "0.83*U"` as 0.83."""
    value: Any = table.values.get("w")
    formula = table.formula("w")
    if "w" not in table and rule != "simple":
        table.add("w", f"missing: {rule} needs a guard band", 'write w = "1.0*U"')
    if formula is None:
        return 0.0
    if table.values.get("rule") == "simple" and value != 0:
        table.add("w", "simple acceptance has no guard band", 'leave it out, or write rule = "guard_band"')
    if others := ", ".join(sorted(formula.names - {"U"})):
        table.add("w", f"a guard band is a multiple of U, {others} is not known here", 'write w = "1.0*U"')
        return 0.0
    return _multiple_of_U(table, formula)


def _multiple_of_U(table: Table, formula: expressions.Expression) -> float:  # noqa: N802 - U is not u
    try:
        once, twice = (expressions.evaluate(formula, {"U": number}) for number in (1.0, 2.0))
    except ExpressionError as error:
        table.add("w", str(error), 'write w = "1.0*U"')
        return 0.0
    if not math.isclose(twice, 2 * once, rel_tol=1e-9, abs_tol=1e-12):
        table.add("w", "a guard band is a multiple of U", 'write w = "1.0*U"')
    elif not 0 <= once <= MAX_GUARD_FACTOR:
        table.add("w", f"is {once:g} times U, expected 0 to {MAX_GUARD_FACTOR:g}", 'write w = "1.0*U"')
    return once
