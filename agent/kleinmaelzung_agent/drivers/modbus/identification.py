"""Who a Modbus instrument is: registers that say it, by the table `identity`; mistakes are collected.

[instruments.x.identity]  read: registers by name; timeout; and for each name what is expected
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import identity, settings
from kleinmaelzung_agent.drivers.modbus import register_tables
from kleinmaelzung_agent.drivers.modbus.register_tables import Usual
from kleinmaelzung_agent.drivers.modbus.registers import Form
from kleinmaelzung_agent.drivers.modbus.requests import MAX_REGISTERS, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """One request, and what lies where in its answer."""

    space: Space
    address: int
    count: int
    timeout_s: float
    forms: Mapping[str, tuple[int, Form]]  # by name, each with its address


def read(table: Table, usual: Usual) -> tuple[Identification, dict[str, str]]:
    """What is asked, and what is expected."""
    below = table.table("read")
    found = {name: _one(below.table(name), usual) for name in below.values}
    if not found:
        table.mistake("read", 'missing, expected registers such as { serial = { input = 100, type = "uint32" } }')
    spaces = {space for space, _, _ in found.values()} or {"holding"}
    start = min((address for _, address, _ in found.values()), default=0)
    end = max((address + form.count for _, address, form in found.values()), default=1)
    if len(spaces) > 1 or end - start > MAX_REGISTERS:
        table.mistake("read", f"expected registers of one kind, at most {MAX_REGISTERS} apart: they are read at once")
    asked = Identification(
        space=next(iter(found.values()))[0] if found else "holding",
        address=start,
        count=end - start,
        timeout_s=settings.read_timeout(table, usual.period.timeout_s),
        forms={name: (address, form) for name, (_, address, form) in found.items()},
    )
    expected = identity.read_expected(table, found)
    identity.check_said(table, found, ("read", "timeout"))
    return asked, expected


def _one(table: Table, usual: Usual) -> tuple[Space, int, Form]:
    space, key = register_tables.which(table, ("holding", "input"))
    form = register_tables.form(table, usual, space)
    found = space, register_tables.address(table, usual, space, key, form.count), form
    table.finish()
    return found
