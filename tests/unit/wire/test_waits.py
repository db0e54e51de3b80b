from kleinmaelzung_wire.waits import Waits

WAITS = Waits(first_s=0.5, longest_s=10.0)


def test_waits_double_and_end_at_the_longest() -> None:
    for failures, longest in ((1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 10.0), (10_000, 10.0)):
        waits = [WAITS.after(failures) for _ in range(200)]
        assert longest / 2 <= min(waits) <= max(waits) <= longest


def test_waits_differ_so_that_not_everyone_comes_back_at_once() -> None:
    assert len({WAITS.after(3) for _ in range(20)}) > 1
