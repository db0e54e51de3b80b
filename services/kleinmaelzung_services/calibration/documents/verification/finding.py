"""What verifying a certificate says: one check, how it went, and a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`open` is what was not asked or cannot be told, and does not make the certificate a bad one."""

    check: str
    state: Literal["ok", "wrong", "open"]
    sentence: str


def is_well(findings: Iterable[Finding]) -> bool:
    return all(one.state != "wrong" for one in findings)
