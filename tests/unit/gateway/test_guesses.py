"""Wrong passwords: the next attempt waits, and nobody is locked out."""

from kleinmaelzung_gateway import guesses
from kleinmaelzung_gateway.guesses import ADDRESS, MAX_KNOWN, NAME, PAIR, Guesses


def guessed(count: int, address: str = "10.0.0.1", name: str = "anna", now: float = 1000.0) -> Guesses:
    known = Guesses()
    for number in range(count):
        known.failed(address, name, f"guess {number}", now)
    return known


def test_the_first_attempt_and_one_mistake_wait_for_nothing() -> None:
    assert guessed(0).wait("10.0.0.1", "anna", 1000.0) == 0
    assert guessed(1).wait("10.0.0.1", "anna", 1000.0) == 0


def test_each_further_guess_waits_longer_up_to_a_limit() -> None:
    waits = [guessed(count).wait("10.0.0.1", "anna", 1000.0) for count in range(2, 30)]
    assert waits == sorted(waits)
    assert waits[0] > 0
    assert waits[-1] == PAIR.longest_s


def test_nobody_waits_so_long_that_the_right_password_comes_too_late() -> None:
    known = guessed(10_000)
    assert known.wait("10.0.0.1", "anna", 1000.0) <= 4.0  # clients give a login 10 s
    known.succeeded("10.0.0.1", "anna")
    assert known.wait("10.0.0.1", "anna", 1000.0) == ADDRESS.longest_s


def test_who_mistyped_and_then_logs_in_starts_afresh() -> None:
    known = guessed(5)
    known.succeeded("10.0.0.1", "anna")
    assert known.wait("10.0.0.1", "anna", 1000.0) == 0


def test_others_at_the_address_wait_only_after_many_and_elsewhere_nobody_does() -> None:
    assert guessed(10).wait("10.0.0.1", "otto", 1000.0) == 0
    assert 0 < guessed(30).wait("10.0.0.1", "otto", 1000.0) <= ADDRESS.longest_s
    assert guessed(30).wait("10.0.0.2", "otto", 1000.0) == 0


def test_one_name_guessed_from_many_addresses_waits_a_little() -> None:
    known = Guesses()
    for number in range(1000):
        known.failed(f"10.0.{number // 256}.{number % 256}", "anna", f"guess {number}", 1000.0)
    assert known.wait("10.9.9.9", "anna", 1000.0) == NAME.longest_s


def test_many_names_tried_from_one_address_wait() -> None:
    known = Guesses()
    for number in range(1000):
        known.failed("10.0.0.1", f"user{number}", "password", 1000.0)
    assert known.wait("10.0.0.1", "anna", 1000.0) == ADDRESS.longest_s


def test_a_machine_with_a_wrong_secret_does_not_slow_its_neighbours() -> None:
    known = Guesses()
    for number in range(1000):
        known.failed("10.0.0.1", "agent:pi-1", "the wrong secret", 1000.0 + number / 100)
    assert known.wait("10.0.0.1", "agent:pi-1", 1010.0) == PAIR.longest_s
    assert known.wait("10.0.0.1", "agent:pi-2", 1010.0) == 0
    assert known.wait("10.0.0.1", "anna", 1010.0) == 0


def test_failures_are_forgiven_with_time() -> None:
    known = guessed(20)
    later = 1000.0 + 10 * guesses.HALF_LIFE_S
    assert known.wait("10.0.0.1", "anna", later) == 0


def test_only_so_many_are_remembered_and_who_goes_on_is() -> None:
    known = Guesses()
    for number in range(3 * MAX_KNOWN):
        known.failed("10.0.0.1", f"user{number}", "password", 1000.0)
        assert len(known) <= MAX_KNOWN
    assert known.wait("10.0.0.1", "anna", 1000.0) == ADDRESS.longest_s


def test_no_password_is_kept() -> None:
    known = Guesses()
    known.failed("10.0.0.1", "anna", "a password that was mistyped", 1000.0)
    assert "mistyped" not in repr(known._known)
