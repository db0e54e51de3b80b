"""What a server says about a certificate, as a finding; and the limits within which a file is read."""

from dataclasses import replace

import pytest

from kleinmaelzung import Error
from kleinmaelzung.certificates import Certificate, Known
from kleinmaelzung.commands import calibration_verify

SHA256 = "0123456789abcdef" * 4
FIRST = Certificate(
    entry=7,
    number="K-2026-0007",
    revision=1,
    issued=1_773_216_000_000_000,
    user="anna",
    item="pi-1/balance",
    sha256=SHA256,
    data_sha256=SHA256,
    verdict="pass",
    is_specimen=False,
    language="en",
    pages=5,
    replaces="",
)
SECOND = replace(FIRST, revision=2, sha256="f" * 64)


@pytest.mark.parametrize(
    ("found", "state", "sentence"),
    [
        (Known(same=FIRST, newest=FIRST), "ok", "issued by the server as K-2026-0007, revision 1, "),
        (Known(same=FIRST, newest=SECOND), "wrong", "revision 1, and replaced since by revision 2"),
        (Known(same=None, newest=SECOND), "wrong", "issued other bytes as K-2026-0007, revision 2: SHA-256 fff"),
        (Known(same=None, newest=None), "wrong", "has issued neither this file nor anything under its number"),
    ],
)  # fmt: skip
def test_what_a_server_knows_is_said(found: Known, state: str, sentence: str) -> None:
    finding = calibration_verify.judged(found)
    assert (finding["check"], finding["state"]) == ("known", state)
    assert sentence in finding["sentence"]


def go_on_for_ever() -> None:
    """As a reader of PDFs that goes on whatever happens."""
    while True:
        try:
            sum(range(1000))
        except Exception:
            continue


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_verify, "TIME_S", 0.05)
    with pytest.raises(Error, match="gave up after 0 s: no certificate takes that long"), calibration_verify.bounded():
        go_on_for_ever()


def grow_for_ever() -> None:
    kept = []
    while True:
        kept.append(b"x" * 2**24)


def test_what_takes_too_much_memory_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_verify, "MEMORY", 2**25)
    with pytest.raises(Error, match="gave up: it takes more than 32 MiB of memory"), calibration_verify.bounded():
        grow_for_ever()
