"""Which registers are read together: channels in, as few requests as allowed out. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from kleinmaelzung_agent.drivers.modbus.config import ModbusChannel
from kleinmaelzung_agent.drivers.modbus.requests import MAX_BITS, Space
from kleinmaelzung_agent.drivers.settings import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One request and the channels that its answer fills."""

    space: Space
    address: int
    count: int
    period: Period
    channels: tuple[ModbusChannel, ...]


def plan(channels: Iterable[ModbusChannel], *, max_gap: int, max_registers: int) -> list[Group]:
    """Channels of one kind and period whose registers lie at most `max_gap` apart are one group."""
    groups: list[Group] = []
    for channel in sorted(channels, key=lambda one: (one.space, one.period.every_s, one.period.timeout_s, one.address)):
        last = groups[-1] if groups else None
        joined = _joined(last, channel, max_gap, max_registers) if last else None
        if joined:
            groups[-1] = joined
        else:
            groups.append(_alone(channel))
    return groups


def _alone(channel: ModbusChannel) -> Group:
    return Group(
        space=channel.space,
        address=channel.address,
        count=channel.form.count,
        period=channel.period,
        channels=(channel,),
    )


def _joined(group: Group, channel: ModbusChannel, max_gap: int, max_registers: int) -> Group | None:
    end = max(group.address + group.count, channel.address + channel.form.count)
    longest = max_registers if channel.space in ("holding", "input") else min(16 * max_registers, MAX_BITS)
    is_same = (channel.space, channel.period) == (group.space, group.period)
    is_near = channel.address - (group.address + group.count) <= max_gap
    if not is_same or not is_near or end - group.address > longest:
        return None
    return Group(
        space=group.space,
        address=group.address,
        count=end - group.address,
        period=group.period,
        channels=(*group.channels, channel),
    )
