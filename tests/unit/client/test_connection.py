from itertools import islice

from kleinmaelzung import connection


def test_waits_grow_to_ten_seconds_and_no_further() -> None:
    longest = list(islice(connection.waits(jitter=lambda: 1.0), 8))
    assert longest == [0.6, 1.2, 2.4, 4.8, 9.6, 10.0, 10.0, 10.0]


def test_waits_are_never_shorter_than_the_first() -> None:
    assert set(islice(connection.waits(jitter=lambda: 0.0), 5)) == {0.3}
