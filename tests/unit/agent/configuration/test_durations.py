"""Durations as people write them."""

import pytest

from kleinmaelzung_agent.configuration import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("5s", 5.0), ("1.5 min", 90.0), ("1h", 3600.0), ("365d", 31_536_000.0), ("0ms", 0.0)],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert durations.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1 fortnight", "5 S", "1e3s"])
def test_what_is_no_duration_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match=r'expected a duration such as "250ms" \(units: us, ms, s, min, h, d\), found'):
        durations.parse(text)


def test_a_duration_is_shown_as_it_could_be_written() -> None:
    shown = [durations.show(seconds) for seconds in (0, 0.25, 5, 90, 3600, 365 * 86400)]
    assert shown == ["0s", "250ms", "5s", "90s", "1h", "365d"]
