"""A released version never changes: the register tells an edit from a repeat and from a new version."""

import pytest

from kleinmaelzung_services.calibration.templates import release as template_release
from kleinmaelzung_services.calibration.templates.release import Release, ReleaseError

ONE, OTHER = "1" * 64, "2" * 64
KNOWN = template_release.register(f"# released\n\n{ONE}  BAL-200  3\n{OTHER}  PT100  1\n")


def release(version: int, sha256: str = ONE, id_: str = "BAL-200") -> Release:
    return Release(id=id_, version=version, sha256=sha256)


def test_a_register_is_read_and_written() -> None:
    assert set(KNOWN) == {("BAL-200", 3), ("PT100", 1)}
    assert template_release.register(template_release.show(KNOWN)) == KNOWN


def test_an_edit_of_a_released_version_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"BAL-200 version 3: .* a released version never changes"):
        template_release.released(KNOWN, release(3, OTHER))


def test_the_same_release_again_changes_nothing() -> None:
    assert template_release.released(KNOWN, release(3)) == KNOWN


def test_a_new_version_is_added_and_the_old_one_stays() -> None:
    more = template_release.released(KNOWN, release(4, OTHER))
    assert more["BAL-200", 4].sha256 == OTHER
    assert more["BAL-200", 3].sha256 == ONE
    assert ("BAL-200", 4) not in KNOWN


def test_a_version_below_the_newest_is_refused() -> None:
    with pytest.raises(ReleaseError, match="version 3 is released already, and versions count up"):
        template_release.released(KNOWN, release(2, OTHER))


def test_the_same_content_may_have_two_ids() -> None:
    assert template_release.why_not(KNOWN, release(1, ONE, "MINE")) == ""


def test_the_next_version_is_one_more() -> None:
    assert template_release.next_version(KNOWN, "BAL-200") == 4
    assert template_release.next_version(KNOWN, "MINE") == 1


@pytest.mark.parametrize(
    "line",
    [
        f"{ONE} BAL-200 3",
        f"{ONE}  BAL-200",
        f"{ONE}  BAL 200  3",
        f"{ONE}  BAL-200  0",
        f"{ONE[:-1]}  BAL-200  3",
        f"{ONE[:-1]}G  BAL-200  3",
    ],
)
def test_a_damaged_register_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ReleaseError, match="line 2 of the register"):
        template_release.register(f"# first\n{line}\n")


def test_a_register_that_holds_a_version_twice_is_refused() -> None:
    with pytest.raises(ReleaseError, match="never changes"):
        template_release.register(f"{ONE}  BAL-200  3\n{OTHER}  BAL-200  3\n")
