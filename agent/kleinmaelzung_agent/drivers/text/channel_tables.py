"""What a channel of a text instrument has beside what all channels have: its table to a TextChannel."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from kleinmaelzung_agent.configuration.tables import Table, shown
from kleinmaelzung_agent.drivers import codes
from kleinmaelzung_agent.drivers import formula as formulas
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.drivers.text.values import BASES, TextChannel
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Value

AnyText = TypeVar("AnyText", bound=TextChannel)

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "text": (str,),
}


def read(table: Table, common: dict[str, Any], *, make: type[AnyText], decimal: str, **own: Any) -> AnyText:
    """One channel; `own` are further fields of it."""
    made = make(
        **common,
        **own,
        decimal=decimal,
        formula=_formula(table) if "formula" in table else None,
        unit_group=table.text("unit_group", ""),
        with_unit=table.boolean("with_unit", default=False),
        base=table.choice("base", BASES, 10),
        is_signed=table.boolean("signed", default=False),
        values=_values(table, common["type"]),
        quality_group=table.text("quality_group", ""),
        quality=table.texts("quality"),
        quality_bits=codes.quality_bits(table),
        quality_base=table.choice("quality_base", BASES, 10),
    )
    _check(table, made)
    return made


def no_value(table: Table) -> dict[str, str]:
    """Words that mean no value, and the quality that they mean."""
    found = table.texts("no_value")
    for word, quality in found.items():
        if not quality:
            table.mistake("no_value", f'expected a quality for {shown(word)}, such as "overload"')
    return found


def _formula(table: Table) -> Formula | None:
    """Its names are looked at later, when the patterns are known."""
    text = table.text("formula")
    try:
        found = formulas.parse(text, _NAME.findall(text))
        if not found.names:
            table.mistake("formula", "expected names of groups in it, or it says nothing of what comes")
        return found
    except formulas.FormulaError as error:
        table.mistake("formula", str(error))
        return None


def _values(table: Table, kind: str) -> dict[str, Value]:
    below = table.table("values")
    found: dict[str, Value] = {}
    for word in below.values:
        value = below.anything(word)
        if type(value) not in _TYPES[kind] or (isinstance(value, str) and len(value) > frames.MAX_VALUE_TEXT):
            below.mistake(word, f'expected a value of type "{kind}", found {shown(value)}')
        else:
            found[word.strip()] = float(value) if kind == "number" else value
    return found


def _check(table: Table, made: TextChannel) -> None:
    if "formula" in table and made.with_unit:
        table.mistake("with_unit", "expected either a formula or this, found both")
    if "formula" in table and made.type != "number":
        table.mistake("formula", f'only a channel of type "number" has it, this one is "{made.type}"')
    for key in ("quality", "quality_bits"):
        if table.values.get(key) and not made.quality_group:
            table.mistake(key, "expected a quality_group beside it, which names the pattern's group")
    if made.quality and made.quality_bits:
        table.mistake("quality_bits", "expected either quality or quality_bits, found both")
    if "quality_base" in table and not made.quality_bits:
        table.mistake("quality_base", "expected quality_bits beside it")
    if made.base != 10 and made.type not in ("number", "integer"):
        table.mistake("base", f'only a number or an integer has it, this channel is "{made.type}"')
    if made.is_signed and made.base == 10:
        table.mistake("signed", "expected base = 16, 8 or 2 beside it: a decimal number has a sign")
    if made.with_unit and (made.type not in ("number", "integer") or made.base != 10):
        table.mistake("with_unit", "only a decimal number has it")
    if made.alarm and (made.with_unit or made.unit_group) and not made.alarm.unit:
        table.mistake("alarm", 'the unit comes with the values: expected unit = "g" or so, of the limits')
    if made.with_unit and made.unit_group:
        table.mistake("with_unit", "expected either unit_group or with_unit, found both")
