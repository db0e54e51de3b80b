import pytest

from kleinmaelzung import Corrected, Sample, Value
from kleinmaelzung.commands import texts


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.3"), (12.5, "12.5"), (3, "3"), (True, "yes"), (None, "-"), ("a\x1b[2Jb", "a\ufffd[2Jb")],
)
def test_a_value_is_readable_and_moves_no_cursor(value: Value, text: str) -> None:
    assert texts.value(value) == text


def test_a_reading_has_its_unit_and_a_quality_that_is_not_good() -> None:
    sample = Sample(time=0, channel="weight", value=1.5, unit="g", quality="unstable")
    assert texts.reading(sample) == "weight 1.5 g (unstable)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0.0 s"), (0.44, "0.4 s"), (59.9, "59 s"), (60, "1 min"), (7300, "2 h"), (200_000, "2 d")],
)
def test_an_age_has_one_unit(seconds: float, text: str) -> None:
    assert texts.age(int(seconds * 1e6)) == text


def test_a_table_has_columns() -> None:
    assert texts.table([("a", "bb", ""), ("ccc", "d", "e")]) == "a    bb\nccc  d   e"


@pytest.mark.parametrize(
    ("value", "expanded", "shown"),
    [
        (100.000123, 0.00034, "100.00012 ± 0.00034 g (k = 2)"),
        (100.000123, 0.000341, "100.00012 ± 0.00034 g (k = 2)"),
        (100.0, 0.00096, "100.00000 ± 0.00096 g (k = 2)"),
        (99.996, 12.3, "100 ± 12 g (k = 2)"),
        (5.0, 0.0, "5 g"),
    ],
)
def test_a_corrected_value_has_two_digits_of_u_and_ends_with_them(value: float, expanded: float, shown: str) -> None:
    assert texts.measured(Corrected(value=value, U=expanded, k=2.0, unit="g")) == shown


def test_a_corrected_value_without_a_unit() -> None:
    assert texts.measured(Corrected(value=7.012, U=0.02, k=2.034, unit="")) == "7.012 ± 0.020 (k = 2.03)"
