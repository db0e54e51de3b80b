"""Paths of certificates' files, into what is asked for or a sentence for each mistake."""

import pytest

from kleinmaelzung_gateway.calibration_file import CertificateFile, wanted
from kleinmaelzung_gateway.wanted import Mistakes, NoFile


def parse(path: str) -> CertificateFile:
    return wanted(f"/calibrations/{path}", 0)


@pytest.mark.parametrize(
    ("path", "number", "file", "revision", "name"),
    [
        ("K-2026-0001.pdf", "K-2026-0001", "pdf", None, "K-2026-0001.pdf"),
        ("K-2026-0001.xml?revision=2", "K-2026-0001", "xml", 2, "K-2026-0001_2.xml"),
        ("DK.17_a.json", "DK.17_a", "json", None, "DK.17_a.json"),  # dots belong to the number
    ],
)
def test_number_kind_and_revision_choose(path: str, number: str, file: str, revision: int | None, name: str) -> None:
    found = parse(path)
    assert found == CertificateFile(number=number, file=file, revision=revision)
    assert (found.name, found.media_type) == (name, f"application/{file}")


@pytest.mark.parametrize(
    "path",
    ["", "K-1", "K-1.exe", "K-1.PDF", ".pdf", "a/b.pdf", "../K-1.pdf", "K%0d%0a.pdf", 'K".pdf', f"{'K' * 41}.pdf"],
)
def test_what_names_no_file_is_told_what_one_looks_like(path: str) -> None:
    with pytest.raises(NoFile, match="expected /calibrations/<number>"):
        parse(path)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "10001", "9" * 5000, "²", "٣"])
def test_what_is_no_revision_is_said(text: str) -> None:
    with pytest.raises(Mistakes, match="expected one such as 1"):
        parse(f"K-1.pdf?revision={text}")


def test_all_mistakes_at_once() -> None:
    with pytest.raises(Mistakes) as wrong:
        parse("K-1.pdf?revision=x&revision=y&page=1")
    assert str(wrong.value).count("\n") == 2
