"""What the gateway counts, and how Prometheus reads it (text format 0.0.4)."""

from dataclasses import dataclass


@dataclass(slots=True)
class Metrics:
    """Counters since the start."""

    from_agents: int = 0
    commands: int = 0
    refused_commands: int = 0
    unrecorded: int = 0
    requests: int = 0
    refused_logins: int = 0
    refused_messages: int = 0
    missed: int = 0
    dropped: int = 0


def render(values: dict[str, tuple[str, str, int]]) -> str:
    """`{name: (type, help, value)}` as Prometheus wants it."""
    lines = []
    for name, (kind, what, value) in values.items():
        full = f"kleinmaelzung_gateway_{name}"
        lines += [f"# HELP {full} {what}", f"# TYPE {full} {kind}", f"{full} {value:d}"]
    return "\n".join(lines) + "\n"


def render_by_filter(name: str, what: str, values: dict[str, int]) -> str:
    """One gauge with a value for each topic filter; filters are names and +, so nothing needs escaping."""
    full = f"kleinmaelzung_gateway_{name}"
    lines = [f"# HELP {full} {what}", f"# TYPE {full} gauge"]
    lines += [f'{full}{{filter="{topic_filter}"}} {value}' for topic_filter, value in sorted(values.items())]
    return "\n".join(lines) + "\n"
