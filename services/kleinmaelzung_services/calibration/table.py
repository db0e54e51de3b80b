"""Numbers out of a CSV file that people made: bytes in, columns of numbers out. Refusals name line and column. Pure.

A header line, then a line a point; separated by commas, semicolons or tabs. Empty lines and lines that begin with # are
skipped. A decimal comma is understood where no comma separates; 1,234 could be 1234 as well and is refused, unless it
is told that the comma is decimal.
"""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kleinmaelzung_services.calibration.errors import CalibrationError

Decimal = Literal["point", "comma"]
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 1_000_000
_DELIMITERS: Final = (";", "\t", ",")  # the first one that is there: commas may be decimal, and stand in titles
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WITH_COMMA: Final = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?|[+-]?[0-9]+,(?:[eE][+-]?[0-9]+)?")
_AMBIGUOUS: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The columns that were asked for, by name; `lines` says in which line of the file each row is."""

    columns: dict[str, list[float]]
    lines: list[int]


def read(content: bytes, wanted: Sequence[str], *, decimal: Decimal | None = None) -> Table:
    """The wanted columns of a CSV file."""
    rows = _rows(_text(content))
    line, header, delimiter = _header(rows)
    places = {name: _place(header, name, line) for name in wanted}
    columns: dict[str, list[float]] = {name: [] for name in wanted}
    lines = list[int]()
    for line, cells in _cells(rows, delimiter):
        _check_length(cells, header, line, delimiter)
        for name, place in places.items():
            columns[name].append(_number(cells[place], f"line {line}, column {name}", delimiter, decimal))
        lines.append(line)
        if len(lines) > MAX_ROWS:
            raise CalibrationError(
                "the number of lines", len(lines), f"{MAX_ROWS} are read at most", "average the points"
            )
    if not lines:
        raise CalibrationError("the file", "empty below its header", "it needs a line for each point", "add the points")
    return Table(columns=columns, lines=lines)


def check_positive(table: Table, name: str) -> None:
    """Refuse a column of weights or uncertainties that is not above zero throughout."""
    for line, value in zip(table.lines, table.columns[name], strict=True):
        if value <= 0:
            rule = "it must be above zero"
            raise CalibrationError(f"line {line}, column {name}", value, rule, "remove a point that is not to count")


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise CalibrationError(
            "the file", f"{len(content)} bytes", f"{MAX_BYTES} are read at most", "average the points"
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CalibrationError("the file", "UTF-16", "it must be UTF-8", "save it as CSV UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte {content[error.start]:#04x}"
        raise CalibrationError(f"line {line}", found, "the file must be UTF-8", "save it as CSV UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CalibrationError(f"line {line}", "a zero byte", "the file must be text", "save it as CSV UTF-8")
    return text


def _rows(text: str) -> Iterator[tuple[int, str]]:
    """Each line that says something, with its number."""
    for line, row in enumerate(io.StringIO(text, newline=None), start=1):
        plain = row.strip()
        if plain.strip(',; \t"') and not plain.startswith("#"):
            yield line, row.rstrip("\n")


def _header(rows: Iterator[tuple[int, str]]) -> tuple[int, list[str], str]:
    line, text = next(rows, (1, ""))
    if not text:
        raise CalibrationError(
            "the file", "empty", "its first line names the columns", "begin with x,y and a line a point"
        )
    delimiter = next((sign for sign in _DELIMITERS if sign in text.strip()), "")
    if not delimiter:
        rule = "commas, semicolons or tabs separate the columns"
        raise CalibrationError(f"line {line}", text.strip(), rule, "begin with a header such as x,y")
    header = [name.strip() for name in _split(text, delimiter, line)]
    if all(_NUMBER.fullmatch(name.replace(",", ".")) for name in header):
        raise CalibrationError(
            f"line {line}", text, "the first line names the columns", "put a header such as x,y above it"
        )
    for name in header:
        if name and header.count(name) > 1:
            raise CalibrationError(
                f"line {line}, column {name}", "there twice", "each has a name of its own", "rename one"
            )
    return line, header, delimiter


def _place(header: list[str], name: str, line: int) -> int:
    """X and Y are found as x and y; of other columns the case may mean something: u is not U."""
    if name in header:
        return header.index(name)
    if name in ("x", "y") and name.upper() in header:
        return header.index(name.upper())
    there = ", ".join(filter(None, header))
    raise CalibrationError(
        f"line {line}, column {name}", "missing", f"the header names {there}", "add it or rename one"
    )


def _cells(rows: Iterator[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for line, text in rows:
        yield line, [cell.strip() for cell in _split(text, delimiter, line)]


def _split(text: str, delimiter: str, line: int) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise CalibrationError(f"line {line}", text, f"its quotes do not fit ({error})", "correct the quotes") from None


def _check_length(cells: list[str], header: list[str], line: int, delimiter: str) -> None:
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()  # spreadsheets leave separators at the end
    if len(cells) == len(header):
        return
    comma = len(cells) > len(header) and delimiter == ","
    remedy = "write decimals with a point, or separate with semicolons" if comma else "give each column its value"
    rule = f"the header names {len(header)}"
    raise CalibrationError(
        f"line {line}, column {min(len(cells), len(header)) + 1}", f"one of {len(cells)}", rule, remedy
    )


def _number(cell: str, where: str, delimiter: str, decimal: Decimal | None) -> float:
    if not cell:
        raise CalibrationError(where, "empty", "a point needs every value", "fill it in, or remove the line")
    if not _NUMBER.fullmatch(plain := _with_point(cell, where, delimiter, decimal)):
        remedy = "write a plain number such as 1.25 or 1.25e-3, or remove the line"
        raise CalibrationError(where, cell, "it must be a number", remedy)
    number = float(plain)
    if not math.isfinite(number) or (
        number == 0 and any(digit in "123456789" for digit in plain.lower().partition("e")[0])
    ):
        raise CalibrationError(where, cell, "no such number can be calculated with", "choose a unit nearer to 1")
    return number


def _with_point(cell: str, where: str, delimiter: str, decimal: Decimal | None) -> str:
    if decimal == "comma":
        if "." in cell:
            raise CalibrationError(where, cell, "the decimal sign was said to be a comma", "write it with a comma")
        return cell.replace(",", ".") if _WITH_COMMA.fullmatch(cell) else cell
    if "," not in cell:
        return cell
    if decimal == "point" or delimiter == "," or not _WITH_COMMA.fullmatch(cell):
        raise CalibrationError(
            where, cell, "decimals have a point", "write it with a point and nothing between thousands"
        )
    if _AMBIGUOUS.fullmatch(cell):
        rule = f"it may be {cell.replace(',', '.')} or {cell.replace(',', '')}"
        raise CalibrationError(where, cell, rule, "write it with a point, or say --decimal comma")
    return cell.replace(",", ".")
