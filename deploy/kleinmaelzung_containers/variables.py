"""deploy/.env as text: what people wrote in it stays, and a variable of ours is changed where it stands."""

import re
from collections.abc import Mapping

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*\Z")

HEAD = """\
# What this installation chose. All variables: docs/deployment.md. After a change: deploy/install
"""


def read(text: str) -> dict[str, str]:
    """The variables, without quotes; of a name that comes twice the last."""
    found = {}
    for line in text.splitlines():
        if match := _LINE.match(line):
            found[match[1]] = _unquoted(match[2])
    return found


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.sub(r"\s+#.*", "", value)


def changed(text: str, values: Mapping[str, str]) -> str:
    """The text with these values: in place where a variable stands already, at the end where not."""
    present = read(text)
    to_set = {name: value for name, value in values.items() if present.get(name) != value}
    lines = []
    for line in text.splitlines() or HEAD.splitlines():
        match = _LINE.match(line)
        lines.append(f"{match[1]}={to_set[match[1]]}" if match and match[1] in to_set else line)
    lines += [f"{name}={value}" for name, value in to_set.items() if name not in present]
    return "\n".join(lines) + "\n"
