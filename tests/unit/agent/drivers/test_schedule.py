"""When to ask next."""

from kleinmaelzung_agent.drivers.schedule import Schedule


def test_times_keep_to_their_grid_without_drift() -> None:
    schedule = Schedule([0.2], 100.0)
    for count in range(50):
        index, due = schedule.next()
        assert abs(due - (100 + 0.2 * count)) < 1e-6
        schedule.done(index, due + 0.13)


def test_missed_times_are_left_out() -> None:
    schedule = Schedule([1.0], 0.0)
    schedule.done(0, 7.3)
    assert schedule.next() == (0, 8.0)


def test_a_query_without_a_period_lets_the_others_have_their_turn() -> None:
    schedule = Schedule([0.0, 1.0], 0.0)
    schedule.done(0, 0.5)
    assert schedule.next() == (1, 0.0)
    schedule.done(1, 0.6)
    assert schedule.next() == (0, 0.5)
