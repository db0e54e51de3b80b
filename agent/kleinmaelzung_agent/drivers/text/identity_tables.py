"""The table `[identity]` of an instrument that speaks in lines: what it is asked, and what it must say of itself.

[instruments.x.identity]  send, pattern, timeout, and for each of the pattern's groups what is expected
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_agent.configuration.tables import REQUIRED, Table
from kleinmaelzung_agent.drivers import identity, settings
from kleinmaelzung_agent.drivers.text import pattern_tables

_OWN: Final = ("send", "pattern", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Who are you?"""

    send: str
    pattern: re.Pattern[str]
    timeout_s: float


def read(table: Table, *, send: Any = REQUIRED, pattern: str = "", is_usual: bool = False) -> dict[str, Any]:
    """The fields `identity` and `inquiry` of a TextConfig. With `is_usual` it is asked without being told to."""
    if "identity" not in table and not is_usual:
        return {"identity": None, "inquiry": None}
    below = table.table("identity")
    usual = re.compile(pattern) if pattern and "pattern" not in below else None
    inquiry = Inquiry(
        send=below.text("send", send),
        pattern=usual or pattern_tables.regex(below, "pattern"),
        timeout_s=settings.read_timeout(below),
    )
    said = list(inquiry.pattern.groupindex)
    expected = identity.read_expected(below, said)
    identity.check_said(below, said, _OWN)
    return {"identity": expected, "inquiry": inquiry}
