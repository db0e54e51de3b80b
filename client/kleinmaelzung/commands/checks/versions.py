"""Whether the versions of all parts fit together. Pure.

Another number is no fault: what travels is named by a version of its own, and unknown keys are ignored. So an agent
may be upgraded later than the server; a part of another major version may not fit at all.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from kleinmaelzung_wire import findings
from kleinmaelzung_wire.findings import Finding

AGENT: Final = "agent "
_UPDATE: Final = "install the same version everywhere, the server first"


def versions(gateway: str, others: Mapping[str, str]) -> Finding:
    """`others` by what they are, such as `agent pi-1`; an empty version is not told."""
    apart = [(name, version) for name, version in sorted(others.items()) if version and version != gateway]
    told = f"the gateway has {gateway}; " + ", ".join(_grouped(dict(apart)))
    agents = [name.removeprefix(AGENT) for name, _ in apart if name.startswith(AGENT)]
    remedy = f"{_UPDATE}; agents from here: kleinmaelzung agent update {' '.join(agents)}" if agents else _UPDATE
    if any(_major(version) != _major(gateway) for _, version in apart):
        return findings.broken("version", told, remedy)
    if apart:
        return findings.warning("version", f"{told}: they work together", remedy)
    return findings.ok("version", f"{gateway} everywhere")


def _grouped(apart: Mapping[str, str]) -> Iterator[str]:
    for version in sorted(set(apart.values())):
        yield f"{', '.join(name for name, one in apart.items() if one == version)} {version}"


def _major(version: str) -> str:
    return version.partition(".")[0]
