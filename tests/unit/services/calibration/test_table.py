"""CSV files as people make them, and each refusal with its line and column."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration import table
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.table import Decimal


def columns(text: str | bytes, *, decimal: Decimal | None = None) -> tuple[list[float], list[float]]:
    content = text if isinstance(text, bytes) else text.encode()
    found = table.read(content, ["x", "y"], decimal=decimal).columns
    return found["x"], found["y"]


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2.5\n-3e1,.4\n",
        "x;y\n1;2.5\n-3e1;.4",
        "x;y\n1;2,5\n-30;0,4\n",
        "\ufeffx,y\r\n1,2.5\r\n-30,0.4\r\n",
        "x,y\r1,2.5\r-30,0.4\r",
        "# made by hand\n\nx , y\n 1 , 2.5 \n\n# between\n,\n-30,+0.4\n\n",
        '"x","y"\n"1","2.5"\n"-30","0.4"\n',
        "name,y,u,x\na,2.5,?,1\nb,0.4,,-30\n",
        "x,y\n1,2.5,,\n-30,0.4,\n",
        "x,y,\n1,2.5,\n-30,0.4,\n",
        "X,Y\n1,2.5\n-30,0.4\n",
        "X,x,y\n7,1,2.5\n7,-30,0.4\n",
        "x\ty\n1\t2.5\n-30\t0,4\n",
    ],
)
def test_the_same_two_points(text: str) -> None:
    assert columns(text) == ([1, -30], [2.5, 0.4])


def test_the_case_of_other_columns_means_something() -> None:
    """U is an expanded uncertainty: taken for u, all would be wrong by k."""
    with pytest.raises(CalibrationError, match="line 1, column u is missing, but the header names x, y, U"):
        table.read(b"x,y,U\n1,2,3\n", ["u"])


def test_lines_are_those_of_the_file() -> None:
    assert table.read(b"# c\nx,y\n\n1,2\n\n3,4\n", ["x", "y"]).lines == [4, 6]


def test_the_comma_can_be_said_to_be_decimal() -> None:
    assert columns("x;y\n1,234;2\n-1;4,5e1\n", decimal="comma") == ([1.234, -1], [2, 45])


@pytest.mark.parametrize("cell", ["1,2", "-0,171", "0,123", "1234,567", "1,2345", ",5", "7,"])
def test_a_decimal_comma_that_can_be_nothing_else_is_understood(cell: str) -> None:
    assert columns(f"x;y\n{cell};1\n")[0] == [float(cell.replace(",", "."))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty, but its first line names the columns"),
        ("# only\n\n", "the file is empty"),
        ("x,y\n", "the file is empty below its header"),
        ("1,2\n3,4\n", "line 1 is 1,2, but the first line names the columns: put a header such as x,y above it"),
        ("x y\n1 2\n", "line 1 is x y, but commas, semicolons or tabs separate the columns"),
        ("x\n1\n", "line 1 is x, but commas, semicolons or tabs"),
        ("x,z\n1,2\n", "line 1, column y is missing, but the header names x, z"),
        ("xx,y\n1,2\n", "line 1, column x is missing"),
        ("x,y,x\n1,2,3\n", "line 1, column x is there twice"),
        ("x,y\n1,2\n3\n", "line 3, column 2 is one of 1, but the header names 2"),
        ("x,y\n1,2\n1,5,2\n", "line 3, column 3 is one of 3, but the header names 2: write decimals with a point"),
        ("x,y\n1,\n", "line 2, column y is empty"),
        ("x,y\n\n1,abc\n", "line 3, column y is abc, but it must be a number"),
        ("x,y\n1,nan\n", "line 2, column y is nan"),
        ("x,y\ninf,1\n", "line 2, column x is inf"),
        ("x,y\n1_000,1\n", "line 2, column x is 1_000"),
        ("x,y\n1 000,1\n", "line 2, column x is 1 000"),
        ("x,y\n\u22125,1\n", "line 2, column x is \u22125"),
        ("x,y\n\uff11,1\n", "line 2, column x is \uff11"),
        ("x,y\n0x10,1\n", "line 2, column x is 0x10"),
        ("x,y\n1e400,1\n", "line 2, column x is 1e400, but no such number can be calculated with"),
        ("x,y\n1e-400,1\n", "line 2, column x is 1e-400"),
        (
            "x;y\n1,234;1\n",
            "line 2, column x is 1,234, but it may be 1.234 or 1234: write it with a point, or say --dec",
        ),
        ("x;y\n1.234,5;1\n", "line 2, column x is 1.234,5, but decimals have a point"),
        ('x,y\n"1,5",1\n', "line 2, column x is 1,5, but decimals have a point"),
        ('x,y\n"1,1\n', "line 2 is .*, but its quotes do not fit"),
        ("x;y\n1;2\n3;4,5.6\n", "line 3, column y is 4,5.6"),
        (b"x,y\n1,2\n3,\xe4\n", "line 3 is byte 0xe4, but the file must be UTF-8"),
        (b"\xff\xfex\x00", "the file is UTF-16"),
        (b"x,y\n1,\x002\n", "line 2 is a zero byte"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str | bytes, said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        columns(text)


def test_a_point_is_refused_where_the_comma_is_decimal() -> None:
    with pytest.raises(CalibrationError, match=r"line 2, column x is 1.5, but the decimal sign was said to be a comma"):
        columns("x;y\n1.5;1\n", decimal="comma")


@pytest.mark.parametrize("weight", ["0", "-1"])
def test_weights_are_above_zero(weight: str) -> None:
    found = table.read(f"x,y,w\n1,2,3\n4,5,{weight}\n".encode(), ["w"])
    with pytest.raises(CalibrationError, match=r"line 3, column w is .*, but it must be above zero"):
        table.check_positive(found, "w")


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(CalibrationError):
        found = table.read(b"x,y\n" + content, ["x", "y"])
        assert len(found.columns["x"]) == len(found.columns["y"]) == len(found.lines)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1, 1)), min_size=1, max_size=9))
def test_every_float_survives(points: list[tuple[float, float]]) -> None:
    text = "x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in points)
    assert columns(text) == ([x for x, _ in points], [y for _, y in points])
