"""The PDF of a document: its blocks in; bytes out, the same for the same document in any process and time zone.

Every text is checked before anything is drawn. It is drawn twice: first to know how many pages there are.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kleinmaelzung_services.calibration.documents import charts, codes, glyphs, tables
from kleinmaelzung_services.calibration.documents.blocks import (
    Block,
    Chart,
    Code,
    Document,
    Heading,
    Lines,
    NewPage,
    Paragraph,
    Table,
    Title,
    places,
)
from kleinmaelzung_services.calibration.documents.paper import (
    BODY,
    LEFT,
    LINE_MM,
    WIDTH,
    Measured,
    Paper,
    close_fonts,
    printable,
)

_TITLE_PT, _BELOW_PT = 18.0, 11.0
_HEADING_PT = {1: 11.0, 2: 9.5}
_GAP_MM = {1: 4.0, 2: 2.0}  # above a heading
_WRITING_MM, _LINES_END_MM = 8.5, 3.0
_TABLE_END_MM = 2.0  # what tables.draw leaves below one
_SMALL_MM = 20.0  # a table that stays with the one above it
_LINES_TOGETHER = 3  # of a long paragraph, at the end of a page


@dataclass(frozen=True, slots=True)
class Drawn:
    pdf: bytes
    pages: int


def draw(document: Document) -> Drawn:
    """Raises GlyphMissing."""
    glyphs.check(places(document), printable())
    measured = Measured()
    with contextlib.ExitStack() as at_end:
        pages = _drawn(_opened(document, 0, measured, at_end)).pages_count
        return Drawn(bytes(_drawn(_opened(document, pages, measured, at_end)).output()), pages)


def _opened(document: Document, pages: int, measured: Measured, at_end: contextlib.ExitStack) -> Paper:
    paper = Paper(document, pages, measured)
    at_end.callback(close_fonts, paper)
    return paper


def _drawn(paper: Paper) -> Paper:
    blocks = paper.document.blocks
    closing = len(blocks) - paper.document.closing
    closing_mm, together = _whole_mm(paper, blocks[closing:]), _together(paper, blocks, closing)
    for number, block in enumerate(blocks):
        is_kept = number in (together, closing)
        least = _whole_mm(paper, blocks[number:]) if is_kept else 0.0
        if (least if 0.0 < least <= BODY else _least_mm(paper, blocks[number:])) > paper.room and not _is_at_top(paper):
            paper.add_page()
        if isinstance(block, Table) and number + 1 == closing < len(blocks):
            tables.draw(paper, block, _TABLE_END_MM + closing_mm)
        else:
            _draw(paper, _filled(paper, block, blocks[number + 1 :]) if isinstance(block, Lines) else block)
    return paper


def _together(paper: Paper, blocks: Sequence[Block], closing: int) -> int:
    """Where that begins which stays with the closing above which it stands: at a heading, if it is short."""
    if closing == len(blocks):
        return closing
    for number in range(closing - 1, -1, -1):
        match blocks[number]:
            case Heading():
                return number
            case Paragraph():
                continue
            case Table() as table if tables.height_mm(paper, table) <= tables.KEEP_MM:
                continue
        break
    return closing


def _filled(paper: Paper, block: Lines, rest: Sequence[Block]) -> Lines:
    """As many lines as there is room for above the rest."""
    if not block.fills:
        return block
    room = paper.room - _LINES_END_MM - _whole_mm(paper, rest)
    return replace(block, count=max(block.count, int(room / _WRITING_MM)))


def _whole_mm(paper: Paper, blocks: Sequence[Block]) -> float:
    """Of headings, paragraphs, tables and codes, all of them below each other."""
    return sum(_height_mm(paper, one) for one in blocks)


def _height_mm(paper: Paper, block: Block) -> float:
    match block:
        case Heading():
            return _least_mm(paper, [block])
        case Paragraph():
            return len(paper.wrapped(block.text, WIDTH)) * LINE_MM + 1.5
        case Table():
            return tables.height_mm(paper, block) + _TABLE_END_MM
        case Code():
            return codes.height_mm(paper, block)
    return 0.0


def _least_mm(paper: Paper, blocks: Sequence[Block]) -> float:
    """What must fit on this page for the first of the blocks to begin here."""
    if not blocks:
        return 0.0
    first, rest = blocks[0], blocks[1:]
    match first:
        case Heading():
            lines = len(paper.wrapped(first.text, WIDTH, bold=True, size_pt=_HEADING_PT[first.level]))
            return min(BODY, _GAP_MM[first.level] + lines * 5.5 + _least_mm(paper, rest))
        case Paragraph():
            lines = len(paper.wrapped(first.text, WIDTH))
            if lines <= _LINES_TOGETHER and rest and isinstance(rest[0], Table):
                return lines * LINE_MM + 1.5 + _least_mm(paper, rest)
            return min(lines, _LINES_TOGETHER) * LINE_MM
        case Table():
            return tables.least_mm(paper, first) + _tail_mm(paper, rest)
        case NewPage():
            return 0.0
        case Lines():
            below = _LINES_END_MM + _whole_mm(paper, rest) if first.fills else 0.0
            return min(BODY, first.count * _WRITING_MM + below)
        case Code():
            return codes.height_mm(paper, first) + _tail_mm(paper, rest)
        case Chart():
            return charts.height_mm(paper, first)
        case Title():
            return 30.0


def _tail_mm(paper: Paper, rest: Sequence[Block]) -> float:
    """What stays with a table above it: a small table, or the last line of the document."""
    if len(rest) == 1 and isinstance(rest[0], Heading):
        return _least_mm(paper, rest)
    below = tables.height_mm(paper, rest[0]) if rest and isinstance(rest[0], Table) else 0.0
    return below if below <= _SMALL_MM else 0.0


def _is_at_top(paper: Paper) -> bool:
    return paper.room > BODY - 0.1


def _draw(paper: Paper, block: Block) -> None:
    match block:
        case Title():
            _draw_lines(paper, block.text, bold=True, size_pt=_TITLE_PT, line_mm=8.5)
            _draw_lines(paper, block.below, bold=True, size_pt=_BELOW_PT, line_mm=5.5)
            paper.set_y(paper.get_y() + 2.0)
        case Heading():
            paper.set_y(paper.get_y() + (0.0 if _is_at_top(paper) else _GAP_MM[block.level]))
            paper.start_section(glyphs.composed(block.text).replace("\n", " "), block.level - 1)
            _draw_lines(paper, block.text, bold=True, size_pt=_HEADING_PT[block.level], line_mm=5.5)
        case Paragraph():
            _draw_lines(paper, block.text, line_mm=LINE_MM)
            paper.set_y(paper.get_y() + 1.5)
        case Table():
            tables.draw(paper, block)
        case NewPage():
            if not _is_at_top(paper):
                paper.add_page()
        case Lines():
            for _ in range(block.count):
                paper.set_y(paper.get_y() + _WRITING_MM)
                paper.rule(paper.get_y())
            paper.set_y(paper.get_y() + _LINES_END_MM)
        case Code():
            codes.draw(paper, block)
        case Chart():
            charts.draw(paper, block)


def _draw_lines(paper: Paper, text: str, *, bold: bool = False, size_pt: float = 9.0, line_mm: float) -> None:
    for line in paper.wrapped(text, WIDTH, bold=bold, size_pt=size_pt):
        if line_mm > paper.room:
            paper.add_page()
        top = paper.get_y()
        paper.put((LEFT, top), line, WIDTH, bold=bold, size_pt=size_pt)
        paper.set_xy(LEFT, top + line_mm)
