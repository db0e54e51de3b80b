"""docs/doctor.md names every check that there is, and no other."""

import re
from pathlib import Path

import pytest

from kleinmaelzung.commands import doctor
from kleinmaelzung.commands.checks.services import ROLES

ROOT = Path(__file__).parents[3]
MADE = re.compile(r'(?:ok|warning|broken|unchecked|make)\(\s*"([a-z-]+)"')
CHECKED = re.compile(r'_broken\(\s*(?:id_, |"([a-z-]+)")')


def made(*sources: str) -> set[str]:
    text = "".join((ROOT / source).read_text() for source in sources)
    return {found for found in [*MADE.findall(text), *CHECKED.findall(text)] if found}


def documented(title: str) -> set[str]:
    section = (ROOT / "docs/doctor.md").read_text().split(f"## What `{title}` checks", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"`([a-z-]+)`", "".join(re.findall(r"(?m)^\| (`[^|]*) \|", section))))


def test_every_check_of_the_doctor_is_explained() -> None:
    sources = [f"client/kleinmaelzung/commands/checks/{path.name}" for path in _checks()]
    in_code = made("client/kleinmaelzung/commands/doctor.py", *sources) | set(ROLES)
    assert documented("kleinmaelzung doctor") == in_code
    assert in_code >= {*doctor.AFTER_SERVER, *doctor.AFTER_SOCKET, *doctor.AFTER_LOGIN}


def _checks() -> list[Path]:
    return sorted((ROOT / "client/kleinmaelzung/commands/checks").glob("*.py"))


def test_every_check_of_an_agent_is_explained() -> None:
    in_code = made("agent/kleinmaelzung_agent/check.py", "agent/kleinmaelzung_agent/check_ports.py")
    assert documented("kleinmaelzung-agent --check") == in_code


@pytest.mark.parametrize("found", ['findings.ok("a-b", x)', '_broken("c", "d")', 'make("agent-spool", y)'])
def test_ids_are_found_in_code(found: str) -> None:
    assert MADE.search(found) or CHECKED.search(found)
