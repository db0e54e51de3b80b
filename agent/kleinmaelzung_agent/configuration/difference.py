"""What is different between two configurations of an agent: which instruments must be stopped or started. Pure."""

from dataclasses import dataclass
from typing import Self

from kleinmaelzung_agent.configuration.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Names of instruments; `is_restart`: what is about the whole agent is different, so all of it starts anew."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    is_restart: bool = False

    @classmethod
    def between(cls, old: Config, new: Config) -> Self:
        before, after = old.instruments, new.instruments
        both = [name for name in after if name in before]
        return cls(
            added=tuple(name for name in after if name not in before),
            removed=tuple(name for name in before if name not in after),
            changed=tuple(name for name in both if after[name] != before[name]),
            unchanged=tuple(name for name in both if after[name] == before[name]),
            is_restart=old.agent != new.agent,
        )

    def __str__(self) -> str:
        told = [f"{word} {', '.join(names)}" for word, names in self._lists() if names and word != "unchanged"]
        told += ["the agent begins anew"] if self.is_restart else []
        return "; ".join(told) or "nothing is different"

    def values(self) -> dict[str, str | bool]:
        """As a reply tells it."""
        return {word: ",".join(names) for word, names in self._lists()} | {"restarted": self.is_restart}

    def _lists(self) -> list[tuple[str, tuple[str, ...]]]:
        return [
            ("added", self.added),
            ("removed", self.removed),
            ("changed", self.changed),
            ("unchanged", self.unchanged),
        ]
