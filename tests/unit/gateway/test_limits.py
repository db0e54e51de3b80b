"""Buckets and places: how much one may take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_gateway.limits import Bucket, Places, counted_as


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    bucket = Bucket(rate=2, burst=3)
    assert [bucket.take(100.0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(100.0) == 0.5
    assert bucket.take(101.0) == 0  # one came too early, one is there again
    assert bucket.take(1000.0) == 0
    assert [bucket.take(1000.0) for _ in range(3)] == [0, 0, 0.5]  # no more than the burst is kept


def test_who_waits_as_told_always_goes_at_the_rate() -> None:
    bucket, now = Bucket(rate=10, burst=1), 5.0
    for _ in range(100):
        now += bucket.take(now)
    assert now == pytest.approx(5.0 + 99 / 10, abs=0.11)


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=60))
def test_a_bucket_never_gives_more_than_burst_and_rate(steps: list[float]) -> None:
    bucket, now, given_out = Bucket(rate=3, burst=5), 0.0, 0
    for step in steps:
        now += step
        given_out += bucket.take(now) == 0
    assert given_out <= 5 + 3 * now + 1e-6


def test_places_are_counted_for_all_and_for_each_address() -> None:
    places = Places(total=3, for_one=2)
    assert [places.enter("a"), places.enter("a"), places.enter("a")] == [True, True, False]
    assert places.is_full_for("a")
    assert [places.enter("b"), places.enter("c")] == [True, False]
    assert not places.is_full_for("c")
    places.leave("a")
    assert places.enter("c")


def test_nothing_is_kept_of_who_has_left_or_never_came_in() -> None:
    places = Places(total=1, for_one=1)
    for number in range(100):
        assert places.enter(f"address {number}")
        assert not places.enter("another")
        assert not places.is_full_for("another")
        places.leave(f"address {number}")
    assert (places.taken, dict(places.by_address)) == (0, {})


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_address_is_counted_with_its_network(address: str, name: str) -> None:
    assert counted_as(address) == name
