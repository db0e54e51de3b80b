"""The part of a template that belongs to one quantity: what the instrument shows, when it is stable, how it is fitted.

A table in, dataclasses out, mistakes into its notes. The table is the whole file where there is one measurand, or one
of `[[measurand]]`. Budget and limits: budgets.py, limits.py.
"""

from typing import Final, Literal

from kleinmaelzung_services.calibration.templates import budgets, expressions, limits
from kleinmaelzung_services.calibration.templates.expressions import Expression
from kleinmaelzung_services.calibration.templates.tables import UNKNOWN, Table
from kleinmaelzung_services.calibration.templates.template import (
    Channel,
    Display,
    Fit,
    Immersion,
    Measurand,
    Sensor,
    Stability,
)
from kleinmaelzung_services.calibration.units import Unit
from kleinmaelzung_wire import topics

_DIRECTIONS: Final = ("error", "correction")
_ORDERS: Final[tuple[Literal[0], Literal[1], Literal[2]]] = (0, 1, 2)


def read(table: Table, *, is_whole_file: bool) -> Measurand:
    quantity = table.name("quantity", example="mass")
    unit = table.unit("unit")
    error_unit = table.unit("error_unit", unit, like=unit)
    name = quantity if is_whole_file else table.name("name", quantity, example="temperature")
    direction = table.stated(
        "direction",
        _DIRECTIONS,
        "which way a deviation counts is never guessed",
        'write "error" (indication - reference) or "correction" (reference - indication)',
    )
    display = _display(table.needed_table("instrument", "write [instrument] with range, resolution and channel"), unit)
    if error_unit.has_offset and unit is not UNKNOWN and error_unit.symbol != unit.symbol:
        table.add("error_unit", "is a scale with a zero of its own", f'write "K" or "mK", or "{unit.symbol}" like unit')
    return Measurand(
        name=name,
        quantity=quantity,
        unit=unit,
        error_unit=error_unit,
        direction=direction,
        display=display,
        reference=_reference(table),
        stability=_stability(
            table.needed_table("stability", "write [stability] with window_s, min_samples, max_range"), unit, display
        ),
        budget=budgets.read(table.needed_table("budget", "write [[budget.component]]: no result without U"), unit),
        acceptance=limits.read(table.table("acceptance"), unit, error_unit),
        fit=_fit(table.table("fit"), direction, display),
    )


def _display(table: Table | None, unit: Unit) -> Display:
    if table is None:
        return Display(low=0.0, high=1.0, resolution=0.1)
    low, high = _range(table)
    raw = _raw(table.table("raw"))
    display = Display(
        low=low,
        high=high,
        resolution=table.number("resolution", above=0.0, example=0.01, instead=0.0),
        channel=_channel(table, unit),
        raw=raw,
        indication=table.formula("indication"),
        stable_flag=table.text("stable_flag", ""),
        sensor=_sensor(table.table("sensor")),
        immersion=_immersion(table.table("immersion")),
    )
    if high > low and display.resolution >= high - low:
        table.add("resolution", f"is not smaller than the range {low:g} to {high:g}", "correct one of the two")
    _check_signals(table, display)
    table.finish()
    return display


def _range(table: Table) -> tuple[float, float]:
    found = [number for _, number in table.numbers("range", least=2)]
    if len(found) > 2:
        table.add("range", f"expected two numbers, found {len(found)}", "write range = [lowest, highest]")
    if len(found) != 2:
        return 0.0, 0.0
    if not found[0] < found[1]:
        table.add("range", f"{found[0]:g} is not below {found[1]:g}", "write range = [lowest, highest]")
        return 0.0, 0.0
    return found[0], found[1]


def _channel(table: Table, unit: Unit) -> Channel | None:
    channel_unit = table.unit("unit", unit, like=unit)
    if "channel" not in table:
        table.text("channel", "")
        return None
    return Channel(name=_channel_name(table, "channel"), unit=channel_unit)


def _raw(table: Table | None) -> Channel | None:
    if table is None:
        return None
    raw = Channel(name=_channel_name(table, "channel"), unit=table.unit("unit", example="mV"))
    table.finish()
    return raw


def _channel_name(table: Table, key: str) -> str:
    name = table.text(key, example="mass")
    if name and not topics.NAME.match(name):
        table.add(key, "is no name of a channel: 1 to 32 of a-z 0-9 _ -, first a letter or digit", "correct it")
    return name


def _check_signals(table: Table, display: Display) -> None:
    if display.channel and display.indication:
        table.add("indication", "there is a channel for the indication too", "leave out channel, or this formula")
    elif display.indication and not display.raw:
        table.add(
            "indication", "there is no raw signal to compute it from", 'add raw = { channel = "...", unit = "mA" }'
        )
    if display.raw and not display.channel and not display.indication:
        table.add(
            "raw", "nothing says what the instrument indicates", 'add channel, or indication = "a formula of raw"'
        )


def _sensor(table: Table | None) -> Sensor | None:
    if table is None:
        return None
    sensor = Sensor(
        kind=table.text("kind", example="Pt100"),
        standard=table.text("standard", ""),
        wires=table.integer("wires", least=2, most=4) if "wires" in table else None,
        current_mA=table.optional_number("current_mA", above=0.0),
    )
    table.finish()
    return sensor


def _immersion(table: Table | None) -> Immersion | None:
    if table is None:
        return None
    used = None if table.anything("used_mm") in (None, "ask") else table.optional_number("used_mm", above=0.0)
    immersion = Immersion(min_mm=table.number("min_mm", least=0.0, example=150), used_mm=used)
    if used is not None and used < immersion.min_mm:
        table.add("used_mm", f"is less than min_mm = {immersion.min_mm:g}", "correct one of the two")
    table.finish()
    return immersion


def _reference(table: Table) -> Expression | None:
    below = table.table("reference")
    if below is None:
        return None
    if "value" not in below:
        below.add("value", "missing, expected a formula", 'write value = "balance.value*Z"')
    formula = below.formula("value")
    below.finish()
    return formula or expressions.constant(0.0)


def _stability(table: Table | None, unit: Unit, display: Display) -> Stability:
    if table is None:
        return Stability(window_s=1.0, min_samples=2, unit=unit, max_range=1.0, timeout_s=10.0, max_age_s=1.0)
    stability = Stability(
        window_s=table.number("window_s", above=0.0, most=86400, example=10),
        min_samples=table.integer("min_samples", least=2, most=1_000_000),
        unit=table.unit("unit", unit),
        max_range=table.number("max_range", above=0.0, example=display.resolution * 2 or 0.02),
        max_slope_per_s=table.optional_number("max_slope_per_s", above=0.0),
        settle_s=table.number("settle_s", 0.0, least=0.0, most=86400),
        timeout_s=table.number("timeout_s", above=0.0, most=7 * 86400, example=600),
        max_age_s=table.number("max_age_s", above=0.0, most=3600, example=5),
        sample_period_s=table.optional_number("sample_period_s", above=0.0),
        pair_max_skew_s=table.optional_number("pair_max_skew_s", above=0.0),
    )
    table.finish()
    _check_stability(table, stability, display)
    return stability


def _check_stability(table: Table, stability: Stability, display: Display) -> None:
    needed = stability.settle_s + stability.window_s
    if "timeout_s" in table and stability.timeout_s <= needed:
        table.add(
            "timeout_s", f"is not above settle_s + window_s = {needed:g} s: no window could be full", "make it longer"
        )
    if "unit" not in table and "max_range" in table and display.resolution > stability.max_range > 0:
        rule = f"is below the resolution {display.resolution:g}: one step of the last digit would forbid every window"
        table.add("max_range", rule, "make it one resolution at least, usually two")
    period = stability.sample_period_s
    if period is None:
        return
    if stability.window_s < stability.min_samples * period:
        rule = f"is shorter than min_samples x sample_period_s = {stability.min_samples * period:g} s"
        table.add("window_s", rule, "make the window longer, or min_samples smaller")
    if stability.max_age_s < period:
        table.add(
            "max_age_s",
            f"is shorter than sample_period_s = {period:g} s: every stream would be stale",
            "make it longer",
        )


def _fit(table: Table | None, direction: str, display: Display) -> Fit | None:
    if table is None:
        return None
    fit = Fit(
        order=_order(table),
        through_origin=table.boolean("through_origin", default=False),
        origin=table.number("origin", 0.0),
        weights=table.choice("weights", ("none", "uncertainty"), "none"),
        x=table.choice("x", ("indication", "reference"), "indication"),
        y=table.choice("y", ("error", "correction", "raw"), direction),
    )
    table.finish()
    if fit.through_origin and fit.order == 0:
        table.add("through_origin", "nothing is left to fit with order = 0", "leave it out, or write order = 1")
    if fit.y == "raw" and display.raw is None:
        table.add("y", "the instrument has no raw signal", 'add instrument.raw = { channel = "...", unit = "mV" }')
    return fit


def _order(table: Table) -> Literal[0, 1, 2]:
    order = table.integer("order", least=0, most=2, instead=2)
    return _ORDERS[order]
