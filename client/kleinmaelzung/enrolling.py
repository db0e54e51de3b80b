"""A code by which a machine becomes an agent, as the gateway tells it to an admin."""

from dataclasses import dataclass, field
from typing import Any, Self

from kleinmaelzung.asking import unreadable
from kleinmaelzung_wire.codec import Fields, WireError


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """`code` lets one machine become this agent, once, until `expires` (µs since 1970 UTC, by the gateway's clock)."""

    agent: str
    code: str = field(repr=False)
    expires: int

    @classmethod
    def from_map(cls, value: Any) -> Self:
        try:
            wire = Fields(value, "enrolment")
            return cls(agent=wire.text("agent"), code=wire.text("code"), expires=wire.integer("expires"))
        except WireError as error:
            raise unreadable("about an enrolment", error) from error
