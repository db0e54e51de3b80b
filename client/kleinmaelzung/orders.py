"""What is said of orders to agents: an agent's configuration, and what became of what it was told. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import AgentStatus
from kleinmaelzung_wire.orders import Kind

UNDER_WAY: Final = "under way"
ROLLED_BACK: Final = "rolled back"
REFUSED: Final = "refused"
DONE: Final = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfiguration:
    """An agent's agent.toml without its table [agent], which never leaves its machine. `sha256` (hex) is the text's.

    `key` is the fingerprint of the server key that this agent trusts; empty: none.
    """

    agent: str
    text: str
    sha256: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationPiece:
    """A piece of a configuration's text, of `total` bytes in all."""

    content: bytes
    total: int
    sha256: bytes
    key: str

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """From a reply. Raises WireError."""
        wire = Fields(dict(values), "reply.values")
        content, sha256 = wire.binary("piece"), wire.binary("sha256")
        return cls(content=content, total=wire.integer("total"), sha256=sha256, key=wire.text("key", default=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What a configuration changed: instruments by name. `is_restarted`: all of them, the agent began anew."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    is_restarted: bool = False

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """From a reply. Raises WireError."""
        wire = Fields(dict(values), "reply.values")
        return cls(
            added=_names(wire.text("added", default="")),
            removed=_names(wire.text("removed", default="")),
            changed=_names(wire.text("changed", default="")),
            unchanged=_names(wire.text("unchanged", default="")),
            is_restarted=wire.boolean("restarted", default=False),
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for word in text.split(",") if (name := word.strip()))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcome:
    """What became of an order: `done`, `refused`, `rolled back`, or still `under way`; `reason` says why.

    `issued` and `time` are in µs since 1970 UTC, `sha256` (hex) is that of what it was about, `version` what the agent
    runs now.
    """

    agent: str
    kind: Kind
    issued: int
    sha256: str
    result: str
    reason: str = ""
    time: int = 0
    version: str = ""


def last_of(agent: str, status: AgentStatus) -> OrderOutcome | None:
    """What an agent says of its last order; None where there was none, or nobody can read it."""
    told = status.orders.get("last")
    if not told:
        return None
    try:
        wire = Fields(told, "orders.last")
        kind: Kind = codec.one_of(wire.text("kind"), Kind, "orders.last.kind")
        return OrderOutcome(
            agent=agent,
            kind=kind,
            issued=wire.integer("issued"),
            sha256=wire.text("sha256", default=""),
            result=wire.text("result"),
            reason=wire.text("reason", default=""),
            time=wire.integer("time", default=0),
            version=status.version,
        )
    except WireError:
        return None
