"""Sizes as people write them."""

import pytest

from kleinmaelzung_agent.configuration import sizes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1kB", 1000),
        ("256MB", 256_000_000),
        ("1.5 GB", 1_500_000_000),
        ("1KiB", 1024),
        ("256MiB", 268_435_456),
        ("0.5GiB", 536_870_912),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert sizes.parse(text) == size


@pytest.mark.parametrize("text", ["", "256", "MB", "-1MB", "1e3MB", "1mb", "1TB", "٣MB", "1MB ", "1234567890MB"])
def test_what_is_no_size_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match=r'such as "256MB" \(units: kB, MB, GB, KiB, MiB, GiB\), found'):
        sizes.parse(text)


def test_a_size_is_shown_as_it_could_be_written() -> None:
    assert [sizes.show(size) for size in (500, 1000, 1_000_000, 256_000_000, 1_500_000_000)] == [
        "0.5kB",
        "1kB",
        "1MB",
        "256MB",
        "1.5GB",
    ]
    assert sizes.parse(sizes.show(1_500_000)) == 1_500_000
