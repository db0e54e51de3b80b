"""The uncertainty budget of a template: a table in, dataclasses out, mistakes into its notes."""

import re
from typing import Final

from kleinmaelzung_services.calibration.templates.mistakes import each_once
from kleinmaelzung_services.calibration.templates.tables import Table
from kleinmaelzung_services.calibration.templates.template import Budget, Component, Coverage, Source
from kleinmaelzung_services.calibration.units import Unit

DISTRIBUTIONS: Final = ("normal", "rectangular", "triangular", "arcsine", "trapezoid")
TRUNCATED: Final = "t-nu_eff-truncated"

_SOURCE = re.compile(
    r"(?P<window>window)|test:(?P<test>[a-z_]+)|standard:(?P<standard>[A-Za-z][A-Za-z0-9_]*)(?:\.(?P<field>[A-Za-z][A-Za-z0-9_]*))?"
)
_FIXED_K = re.compile(r"k=([0-9]+(?:\.[0-9]+)?)")
_TESTS: Final = ("repeatability", "points")
_NUMBERS: Final = ("half_width", "u", "U", "source")


def read(table: Table | None, unit: Unit) -> Budget:
    if table is None:
        return Budget(coverage=Coverage(), components=())
    coverage = _coverage(table.table("coverage"))
    below = table.tables("component")
    components = tuple(_component(component, unit) for component in below)
    if not below:
        table.add(
            "component",
            "there is no component: a result without uncertainty is no result",
            "write [[budget.component]]",
        )
    named = [((*one.path, "name"), component.name) for one, component in zip(below, components, strict=True)]
    each_once(named, table.notes, "the budget has a component of this name already")
    table.finish()
    return Budget(coverage=coverage, components=components)


def _coverage(table: Table | None) -> Coverage:
    if table is None:
        return Coverage()
    p = table.number("p", 0.9545, above=0.0, most=0.9999)
    rule = table.text("rule", TRUNCATED)
    fixed = _FIXED_K.fullmatch(rule)
    if p < 0.5:
        table.add("p", "covers less than half", "write a share such as 0.9545")
    if not fixed and rule != TRUNCATED:
        table.add(
            "rule",
            f'expected "{TRUNCATED}" or "k=2"',
            f'write "{TRUNCATED}": k follows from p and the degrees of freedom',
        )
    k = float(fixed[1]) if fixed else None
    if k is not None and not 1 <= k <= 10:
        table.add("rule", "k is expected from 1 to 10", 'write "k=2"')
    table.finish()
    return Coverage(p=p, k=k)


def _component(table: Table, unit: Unit) -> Component:
    name = table.text("name", example="resolution")
    sensitivity = table.formula("sensitivity")
    own_unit = table.unit("unit", unit, like=None if sensitivity or "quantity" in table else unit)
    kind = table.choice("type", ("A", "B"))
    source = _source(table)
    component = Component(
        name=name,
        type=kind,
        distribution=table.choice("distribution", DISTRIBUTIONS, "normal"),
        beta=table.optional_number("beta", least=0.0, most=1.0),
        half_width=table.formula("half_width", least=0.0),
        u=table.formula("u", least=0.0),
        expanded=table.formula("U", least=0.0),
        k=table.optional_number("k", least=1.0, most=10.0),
        source=source,
        sensitivity=sensitivity,
        quantity=table.text("quantity", ""),
        unit=own_unit,
        dof=table.optional_number("dof", above=0.0),
        skip_at_zero=table.boolean("skip_at_zero", default=False),
    )
    table.finish()
    if sensitivity and "unit" not in table:
        rule = "turns a number of another unit into the measurand's, and nothing says which unit"
        table.add(
            "sensitivity", rule, f'add unit = "degC", or whatever it is; unit = "{unit.symbol}" where it is the same'
        )
    if "sensitivity" in table and "quantity" in table:
        table.add("sensitivity", "quantity is there too, by which it is computed", "leave one of the two out")
    elif "quantity" in table and "unit" not in table:
        rule = "says what the number is of, and nothing says in which unit the number is"
        table.add("quantity", rule, 'add unit = "degC", or whatever it is')
    _check_number(table)
    _check_beta(table)
    _check_type(table, component)
    return component


def _check_number(table: Table) -> None:
    given = [key for key in _NUMBERS if key in table]
    if not given:
        rule = "no number: one of half_width, u, U with k, or source is needed"
        table.notes.add(table.path, rule, 'write half_width = "d/2", or source = "standard:..."')
    for key in given[1:]:
        table.add(key, f"there is {given[0]} already, and a component has one number", "leave one out")
    if "U" in table and "k" not in table:
        table.add("U", "there is no k: without it U says nothing about u", "add k = 2, as the certificate says")
    if "k" in table and "U" not in table:
        table.add("k", "belongs to U, which is not there", "leave it out, or write U instead")
    if "half_width" in table and table.values.get("distribution", "normal") == "normal":
        place = "distribution" if "distribution" in table else "half_width"
        table.add(
            place,
            "a normal distribution has no half-width",
            'write distribution = "rectangular", or u instead of half_width',
        )


def _check_beta(table: Table) -> None:
    is_trapezoid = table.values.get("distribution") == "trapezoid"
    if is_trapezoid and "beta" not in table:
        table.add("beta", "missing: a trapezoid has a top", "add beta = top over base, 0 is a triangle, 1 a rectangle")
    if "beta" in table and not is_trapezoid:
        table.add("beta", "belongs to a trapezoid", 'leave it out, or write distribution = "trapezoid"')


def _check_type(table: Table, component: Component) -> None:
    source = component.source
    kind = table.values.get("type")
    if kind == "A":
        if source is None and "source" not in table and not (component.u and component.dof):
            rule = "type A is what was observed: nothing says where, or with how many degrees of freedom"
            table.add("type", rule, 'add source = "test:repeatability" or "window", or write u with dof, or type = "B"')
        if component.distribution != "normal":
            table.add(
                "distribution", "type A is evaluated from readings, as normal", 'leave it out, or write type = "B"'
            )
        if source and source.kind == "standard":
            table.add("source", "a certificate is no own observation", 'write type = "B"')
    elif kind == "B" and source and source.kind != "standard":
        table.add("source", "readings are evaluated as type A", 'write type = "A"')


def _source(table: Table) -> Source | None:
    of = table.choice("of", ("single", "mean"), "single")
    means = table.choice("as", ("half_width", "u"), "u") if "as" in table else None
    if "source" not in table:
        table.text("source", "")
        for key in ("of", "as"):
            if key in table:
                table.add(key, "belongs to source, which is not there", "leave it out")
        return None
    text = table.text("source", example="standard:reference")
    found = _SOURCE.fullmatch(text)
    if not found:
        if text:
            rule = (
                'expected "test:repeatability", "test:points", "standard:<role>", "standard:<role>.<field>" or "window"'
            )
            table.add("source", rule, "correct it")
        return None
    if found["window"]:
        return Source(kind="window")
    if found["test"]:
        if found["test"] not in _TESTS:
            remedy = "read what other tests found by name in half_width: ecc_max, hysteresis_max, uniformity_max"
            table.add("source", f"expected test:{' or test:'.join(_TESTS)}", remedy)
            return None
        return Source(kind="test", name=found["test"], of=of)
    return _of_standard(table, found["standard"], found["field"] or "", means)


def _of_standard(table: Table, role: str, field: str, means: str | None) -> Source:
    """The number of a field is a standard uncertainty or a half-width: by `as`, or by how its name begins."""
    if not field:
        if means:
            table.add("as", "without a field it is U and k of the certificate", "leave it out")
        return Source(kind="standard", name=role)
    by_name = "u" if field.startswith("u_") else "half_width" if field.startswith("a_") else None
    if means is None and by_name is None:
        rule = f"nothing says whether {field} is a standard uncertainty or a half-width"
        table.add("source", rule, 'add as = "u" or as = "half_width"')
    if (means or by_name) == "half_width" and table.values.get("distribution", "normal") == "normal":
        table.add("source", "a half-width needs a distribution that has one", 'add distribution = "rectangular"')
    return Source(
        kind="standard", name=role, field=field, means="half_width" if (means or by_name) == "half_width" else "u"
    )
