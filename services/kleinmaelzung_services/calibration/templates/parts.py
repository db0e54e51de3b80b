"""What a template says beside its measurands and tests: standards, room, preparation, inputs, results, interval.

Tables in, dataclasses out, mistakes into their notes.
"""

from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates import expressions
from kleinmaelzung_services.calibration.templates.mistakes import each_once
from kleinmaelzung_services.calibration.templates.tables import NAME, NAME_RULE, RESERVED, Table
from kleinmaelzung_services.calibration.templates.template import (
    Ambient,
    Input,
    Interval,
    Measurand,
    Preload,
    Preparation,
    Result,
    Standard,
)
from kleinmaelzung_wire import topics

# The conditions of a room, and a unit of their kind.
AMBIENT: Final = {"temperature": "degC", "humidity": "%RH", "pressure": "hPa"}


def standards(root: Table, measurands: tuple[Measurand, ...]) -> tuple[Standard, ...]:
    below = root.tables("standards")
    if not below:
        root.add(
            "standards", "no standard: nothing ties the result to the SI", 'write [[standards]] with role = "reference"'
        )
    found = tuple(_standard(table, measurands) for table in below)
    roles = [((*table.path, "role"), standard.role) for table, standard in zip(below, found, strict=True)]
    each_once(roles, root.notes, "another standard has this role already")
    return found


def _standard(table: Table, measurands: tuple[Measurand, ...]) -> Standard:
    role = table.name("role", example="reference")
    needs = table.texts("needs")
    for index, field in enumerate(needs):
        if not NAME.fullmatch(field) or field in RESERVED:
            table.notes.add((*table.path, "needs", index), NAME_RULE, 'write one such as "u_stability"', found=field)
    channel = table.text("channel", "")
    if channel and not topics.NAME.match(channel):
        table.add("channel", "is no name of a channel: 1 to 32 of a-z 0-9 _ -, first a letter or digit", "correct it")
    standard = Standard(
        role=role,
        kind=table.text("kind", example="thermometer"),
        classes=table.texts("class"),
        channel=channel,
        unit=table.unit("unit") if "unit" in table else None,
        measurand=table.choice("measurand", [one.name for one in measurands]) if "measurand" in table else "",
        one_per_position=table.boolean("one_per_position", default=False),
        max_U_ratio=table.optional_number("max_U_ratio", above=0.0, most=1.0),
        needs=needs,
    )
    table.finish()
    return standard


def environment(root: Table) -> tuple[Ambient, ...]:
    table = root.table("environment")
    if table is None:
        return ()
    found = tuple(_ambient(below, name) for name in AMBIENT if (below := table.table(name)) is not None)
    table.finish()
    return found


def _ambient(table: Table, name: str) -> Ambient:
    usual = units.find(AMBIENT[name])
    ambient = Ambient(
        name=name,
        sensor=table.choice("sensor", ("required", "optional")),
        unit=table.unit("unit", like=usual, example=usual.symbol),
        low=table.optional_number("min"),
        high=table.optional_number("max"),
        max_change_per_h=table.optional_number("max_change_per_h", above=0.0),
    )
    table.finish()
    _check_order(table, ambient.low, ambient.high)
    if ambient.sensor == "optional" and "sensor" in table and ambient.max_change_per_h:
        table.add("max_change_per_h", "cannot be watched without a sensor", 'write sensor = "required"')
    return ambient


def _check_order(table: Table, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and not low < high:
        table.add("min", f"is not below max = {high:g}", "correct one of the two")


def preparation(root: Table) -> Preparation:
    table = root.table("prepare")
    if table is None:
        return Preparation()
    found = Preparation(checks=table.texts("checks"), preload=_preload(table.table("preload")))
    table.finish()
    return found


def _preload(table: Table | None) -> Preload | None:
    if table is None:
        return None
    preload = Preload(
        load=table.number("load", above=0.0, example=200), times=table.integer("times", 1, least=1, most=20)
    )
    table.finish()
    return preload


def inputs(root: Table) -> tuple[Input, ...]:
    below = root.tables("input")
    found = tuple(_input(table) for table in below)
    names = [((*table.path, "name"), one.name) for table, one in zip(below, found, strict=True)]
    each_once(names, root.notes, "another input has this name already")
    return found


def _input(table: Table) -> Input:
    question = table.text("ask", "")
    found = Input(
        name=table.name("name", example="t_water"),
        unit=table.unit("unit", example="degC"),
        meaning=question or table.text("meaning", ""),
        ask=bool(question),
        value=table.formula("value"),
        low=table.optional_number("min"),
        high=table.optional_number("max"),
    )
    table.finish()
    _check_order(table, found.low, found.high)
    if ("ask" in table) == ("value" in table):
        rule = "both ask and value" if "ask" in table else "neither ask nor value"
        remedy = 'write ask = "what the operator reads", or value = a number or formula'
        table.notes.add(table.path, rule, remedy)
    return found


def results(root: Table, measurands: tuple[Measurand, ...]) -> tuple[Result, ...]:
    below = root.tables("result")
    found = tuple(_result(table, measurands) for table in below)
    names = [((*table.path, "name"), one.name) for table, one in zip(below, found, strict=True)]
    each_once(names, root.notes, "another result has this name already")
    return found


def _result(table: Table, measurands: tuple[Measurand, ...]) -> Result:
    name = table.text("name", example="slope")
    value = table.formula("value")
    if "value" not in table:
        table.add("value", "missing, expected a formula", 'write value = "fit.slope"')
    lower, upper = table.optional_number("lower"), table.optional_number("upper")
    found = Result(
        name=name,
        measurand=measurand(table, measurands),
        unit=table.unit("unit"),
        value=value or expressions.constant(0.0),
        lower=lower,
        upper=upper,
    )
    table.finish()
    if lower is not None and upper is not None and not lower < upper:
        table.add("lower", f"is not below upper = {upper:g}", "correct one of the two")
    return found


def measurand(table: Table, measurands: tuple[Measurand, ...]) -> str:
    """Which of several measurands this belongs to, empty after a mistake; it must be said where there are several."""
    names = [one.name for one in measurands]
    if len(names) == 1 and "measurand" not in table:
        table.text("measurand", "")
        return names[0]
    chosen = table.choice("measurand", names)
    return str(chosen) if table.values.get("measurand") in names else ""


def interval(root: Table) -> Interval | None:
    table = root.table("interval")
    if table is None:
        return None
    found = Interval(
        months=table.integer("months", least=1, most=240),
        print_on_certificate=table.boolean("print_on_certificate", default=False),
    )
    table.finish()
    return found
