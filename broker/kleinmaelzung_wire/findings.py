"""What was found by looking for faults: the document that `kleinmaelzung doctor` and the agent's --check print. Pure.

    {"ok": false, "broken": 1, "warnings": 0, "unchecked": 2,
     "checks": [{"id": "logger", "of": "logger", "state": "broken", "found": sentence, "remedy": sentence}, ...]}

`id` is one of those in docs/doctor.md; `of` is what it is about, where there are several: an agent, an instrument, a
service. Of what is not checked, `found` says why.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

State = Literal["ok", "warning", "broken", "unchecked"]

_SHOWN: Final[dict[State, str]] = {"ok": "ok", "warning": "WARNING", "broken": "BROKEN", "unchecked": "-"}
_WIDTH: Final = max(map(len, _SHOWN.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what was found in plain words and, unless all is well, what to do."""

    id: str
    state: State
    found: str
    remedy: str = ""
    of: str = ""

    @property
    def label(self) -> str:
        """`agent pi-1`, `logger-2`: what it is about, for people."""
        return self.of if self.of.startswith(self.id) else f"{self.id} {self.of}".rstrip()


def ok(id_: str, found: str, *, of: str = "") -> Finding:
    return Finding(id=id_, of=of, state="ok", found=found)


def warning(id_: str, found: str, remedy: str, *, of: str = "") -> Finding:
    """It works, but it will not for long, or not as meant."""
    return Finding(id=id_, of=of, state="warning", found=found, remedy=remedy)


def broken(id_: str, found: str, remedy: str, *, of: str = "") -> Finding:
    return Finding(id=id_, of=of, state="broken", found=found, remedy=remedy)


def unchecked(id_: str, because: str, *, of: str = "") -> Finding:
    """Nobody knows. `because` goes on after "not checked because"."""
    return Finding(id=id_, of=of, state="unchecked", found=f"not checked because {because}")


def all_unchecked(ids: Iterable[str], because: str) -> list[Finding]:
    return [unchecked(id_, because) for id_ in ids]


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether nothing is broken."""
    return all(finding.state != "broken" for finding in findings)


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """For --json."""
    count = Counter(finding.state for finding in findings)
    return {
        "ok": is_well(findings),
        "broken": count["broken"],
        "warnings": count["warning"],
        "unchecked": count["unchecked"],
        "checks": [asdict(finding) for finding in findings],
    }


def report(findings: Sequence[Finding]) -> str:
    """A line for each check, below it what to do where not all is well, and the sum."""
    width = max((len(finding.label) for finding in findings), default=0)
    return "\n".join([line for finding in findings for line in _lines(finding, width)] + ["", _sum(findings)])


def _lines(finding: Finding, width: int) -> Iterator[str]:
    yield f"{_SHOWN[finding.state]:<{_WIDTH}}  {_plain(finding.label):<{width}}  {_plain(finding.found)}"
    if finding.remedy and finding.state in ("warning", "broken"):
        yield f"{'':<{_WIDTH + width + 4}}-> {_plain(finding.remedy)}"


def _sum(findings: Sequence[Finding]) -> str:
    count = Counter(finding.state for finding in findings)
    told = (f"{count['broken']} broken", f"{count['warning']} to see to", f"{count['ok']} well")
    unchecked_ = f", {count['unchecked']} not checked" if count["unchecked"] else ""
    return f"{', '.join(told)}{unchecked_}"


def _plain(text: str) -> str:
    """Without what could move a terminal's cursor: some of it was said by an instrument or a stranger."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
