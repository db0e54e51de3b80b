"""Tables on paper: rows stay whole, headings come again on the next page, decimal signs stand in line.

A row is broken in one case only: when it is higher than a page.
"""

from dataclasses import dataclass, replace
from typing import Final

from kleinmaelzung_services.calibration.documents import numerals
from kleinmaelzung_services.calibration.documents.blocks import Column, Table
from kleinmaelzung_services.calibration.documents.paper import BODY, LEFT, WIDTH, Paper

CELL_PT: Final = 8.0
_SMALL_PT: Final = 6.0  # a SHA-256 in one piece still leaves half of the width
_LINE: Final = 3.8 / CELL_PT  # mm of a line for each point of its type
_PAD_X, _PAD_Y = 1.2, 1.0
_SHADE: Final = 232  # light enough to read in a copy of a copy
KEEP_MM: Final = 60.0  # smaller tables are not divided
_END: Final = 2  # rows that stand above what must stay with the end of a table


@dataclass(frozen=True, slots=True)
class _Row:
    """Its cells, each wrapped to lines."""

    cells: tuple[tuple[str, ...], ...]
    height: float
    is_marked: bool = False
    is_joined: bool = False


@dataclass(frozen=True, slots=True)
class _Laid:
    """A table with its measures: `before` and `after` are the widest parts of a column's numbers."""

    columns: tuple[Column, ...]
    widths: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    heading: _Row | None
    rows: tuple[_Row, ...]
    size_pt: float

    @property
    def heading_mm(self) -> float:
        return self.heading.height if self.heading else 0.0


def height_mm(paper: Paper, table: Table) -> float:
    laid = _lay(paper, table)
    return laid.heading_mm + sum(row.height for row in laid.rows)


def least_mm(paper: Paper, table: Table) -> float:
    """How much room it needs to begin."""
    laid = _lay(paper, table)
    whole = laid.heading_mm + sum(row.height for row in laid.rows)
    return whole if whole <= KEEP_MM else laid.heading_mm + sum(row.height for row in laid.rows[:2])


def draw(paper: Paper, table: Table, below_mm: float = 0.0) -> None:
    """`below_mm`: what must stand on the page on which it ends."""
    laid = _lay(paper, table)
    is_begun = False
    for number, row in enumerate(laid.rows):
        needed = _needed_mm(laid, number, below_mm)
        if needed + (0.0 if is_begun else laid.heading_mm) > paper.room + 1e-6:
            paper.add_page()
            is_begun = False
        if not is_begun and laid.heading:
            _draw_row(paper, laid, laid.heading, is_heading=True)
        is_begun = True
        _draw_row(paper, laid, row)
    paper.set_xy(LEFT, paper.get_y() + 2.0)


def _needed_mm(laid: _Laid, number: int, below_mm: float) -> float:
    """The row, what is joined to it, for the last rows what stands below too; itself where no page holds that.

    The last row is joined to the one above it: alone on the next page it would be taken for a table of its own.
    """
    last, end = number, len(laid.rows) - 1
    while last < end and (laid.rows[last].is_joined or last + 1 == end):
        last += 1
    needed = sum(row.height for row in laid.rows[number : last + 1])
    if below_mm and last > end - _END:
        needed = sum(row.height for row in laid.rows[number:]) + below_mm
    return needed if needed + laid.heading_mm <= BODY else laid.rows[number].height


def _lay(paper: Paper, table: Table) -> _Laid:
    known = paper.measured.tables
    if id(table) not in known:
        known[id(table)] = _measure(paper, table)
    found: _Laid = known[id(table)]
    return found


def _measure(paper: Paper, table: Table) -> _Laid:
    shares = sum(column.share for column in table.columns)
    widths = tuple(WIDTH * column.share / shares for column in table.columns)
    titles, size_pt = tuple(column.title for column in table.columns), _SMALL_PT if table.is_small else CELL_PT
    heading = _row(paper, titles, widths, tuple(True for _ in widths), 0.0, size_pt) if any(titles) else None
    highest = BODY - (heading.height if heading else 0.0)
    bold = tuple(column.is_label for column in table.columns)
    rows = tuple(
        part
        for number, texts in enumerate(table.rows)
        for row in [_row(paper, texts, widths, bold, table.row_mm, size_pt)]
        for part in _parted(
            replace(row, is_marked=number in table.marked, is_joined=number in table.joined), highest, size_pt
        )
    )  # fmt: skip
    parts = [_parts(paper, table, number, size_pt) for number in range(len(table.columns))]
    return _Laid(
        columns=table.columns,
        widths=widths,
        before=tuple(before for before, _ in parts),
        after=tuple(after for _, after in parts),
        heading=heading,
        rows=rows,
        size_pt=size_pt,
    )


def _row(
    paper: Paper,
    texts: tuple[str, ...],
    widths: tuple[float, ...],
    bold: tuple[bool, ...],
    least: float,
    size_pt: float,
) -> _Row:
    cells = tuple(
        tuple(paper.wrapped(text, width - 2 * _PAD_X, bold=is_bold, size_pt=size_pt))
        for text, width, is_bold in zip(texts, widths, bold, strict=True)
    )
    lines = max(1, *(len(cell) for cell in cells))
    return _Row(cells, max(least, lines * _LINE * size_pt + 2 * _PAD_Y))


def _parted(row: _Row, highest: float, size_pt: float) -> list[_Row]:
    """The row; or, where no page could hold it, parts that a page can."""
    if row.height <= highest:
        return [row]
    most = int((highest - 2 * _PAD_Y) / (_LINE * size_pt))
    count = max(len(cell) for cell in row.cells)
    return [
        replace(row, cells=cells, height=max(len(cell) for cell in cells) * _LINE * size_pt + 2 * _PAD_Y)
        for start in range(0, count, most)
        for cells in [tuple(cell[start : start + most] for cell in row.cells)]
    ]


def _parts(paper: Paper, table: Table, column: int, size_pt: float) -> tuple[float, float]:
    """The widest part before and from the decimal sign on."""
    if table.columns[column].align != "number":
        return 0.0, 0.0
    paper.use(size_pt=size_pt)
    found = [numerals.split(row[column]) for row in table.rows if numerals.is_number(row[column])]
    widths = [(paper.get_string_width(before), paper.get_string_width(after)) for before, after in found]
    return max((before for before, _ in widths), default=0.0), max((after for _, after in widths), default=0.0)


def _draw_row(paper: Paper, laid: _Laid, row: _Row, *, is_heading: bool = False) -> None:
    x, y = LEFT, paper.get_y()
    for number, (column, width) in enumerate(zip(laid.columns, laid.widths, strict=True)):
        is_shaded = is_heading or column.is_label
        paper.set_fill_color(_SHADE if is_shaded or row.is_marked else 255)
        paper.set_draw_color(90)
        paper.set_line_width(0.15)
        paper.rect(x, y, width, row.height, style="DF")
        lines, line_mm = row.cells[number], _LINE * laid.size_pt
        top = y + (row.height - len(lines) * line_mm) / 2
        for line in lines:
            if column.align == "number" and numerals.is_number(line) and not is_heading:
                _put_number(paper, laid, number, (x, top), line)
            else:
                align = "L" if column.align == "left" else "C"
                paper.put(
                    (x + _PAD_X, top), line, width - 2 * _PAD_X, align=align, bold=is_shaded, size_pt=laid.size_pt
                )
            top += line_mm
        x += width
    paper.set_xy(LEFT, y + row.height)


def _put_number(paper: Paper, laid: _Laid, column: int, at: tuple[float, float], text: str) -> None:
    before, after = numerals.split(text)
    free = laid.widths[column] - laid.before[column] - laid.after[column]
    point = at[0] + free / 2 + laid.before[column]
    paper.use(size_pt=laid.size_pt)
    width = paper.get_string_width(before)
    paper.put((point - width, at[1]), text, width + paper.get_string_width(after) + 0.1, size_pt=laid.size_pt)
