"""What a document is made of, one below the other, before anything is drawn. Pure.

A document is a list of these; drawing.py makes the PDF of it. `field` says where the words come from: a character that
cannot be printed is reported with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kleinmaelzung_services.calibration.documents.texts import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    text: str
    below: str = ""
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """`level` 1 or 2. It stays with what follows."""

    text: str
    level: int = 1
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    text: str
    field: str
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`share` of the width, compared with that of the others. Numbers are aligned on their decimal sign."""

    title: str
    share: float
    align: Literal["left", "center", "number"] = "left"
    is_label: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An empty cell is one to write in: rows are `row_mm` high at least. Without titles there is no heading row.

    `fields` says of each cell where its words come from, where `field`, row and column do not say it well enough.
    Rows whose place is in `marked` are shaded; those in `joined` stay on one page with the row below them. One that
    `is_small` has small type, for what is looked up and not read.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    field: str
    fields: tuple[tuple[str, ...], ...] = ()
    row_mm: float = 0.0
    marked: tuple[int, ...] = ()
    joined: tuple[int, ...] = ()
    is_small: bool = False

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(f"{self.field}: expected rows of {len(self.columns)} cells, found one of {len(wrong[0])}")
        if self.fields and [len(row) for row in self.fields] != [len(row) for row in self.rows]:
            raise ValueError(f"{self.field}: expected a field for each cell, or none")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPage:
    """What follows begins at the top of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Empty lines to write on; those that fill have the rest of the document below them on their page, and its room."""

    count: int
    fills: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A QR code of `content`, with `text` beside it."""

    content: str
    text: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A measured value at `x`, with its expanded uncertainty as a bar where it is above zero; no colours."""

    x: float
    y: float
    uncertainty: float = 0.0
    shape: Literal["filled", "open"] = "filled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A line through points: a limit, the edge of acceptance within it, a fitted curve, or samples in time."""

    points: tuple[tuple[float, float], ...]
    style: Literal["limit", "acceptance", "curve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """What a shape or a style of line means."""

    style: Literal["filled", "open", "limit", "acceptance", "curve"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Values over x. Numbers are in the units that the titles of the axes name."""

    title: str
    x_title: str
    y_title: str
    marks: tuple[Mark, ...] = ()
    traces: tuple[Trace, ...] = ()
    legend: tuple[Legend, ...] = ()
    height_mm: float = 70.0
    field: str


Block = Title | Heading | Paragraph | Table | NewPage | Lines | Code | Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Masthead:
    """On every page: what this is, and its number with version or revision; below, what it was made by."""

    left: str
    right: str
    footer: str


Relationship = Literal["Data", "Source", "Supplement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    name: str
    content: bytes
    mime_type: str
    relationship: Relationship
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`written_at` is all that the file says about time: the same document makes the same bytes.

    The last `closing` blocks stay on one page, with the end of what is above them: signatures never stand alone.
    """

    language: Language
    title: str
    masthead: Masthead
    written_at: datetime
    blocks: tuple[Block, ...]
    attachments: tuple[Attachment, ...] = ()
    watermark: str = ""  # across each page
    closing: int = 0

    def __post_init__(self) -> None:
        if self.written_at.tzinfo is None:
            raise ValueError("written_at has no time zone, expected one")


@dataclass(frozen=True, slots=True)
class Place:
    """A text, and where it comes from."""

    field: str
    text: str


def places(document: Document) -> Iterator[Place]:
    """Every text that is going to be drawn; first the blocks, which name their fields better than the masthead."""
    for block in document.blocks:
        yield from _of_block(block)
    yield Place("title", document.title)
    yield Place("watermark", document.watermark)
    for name in ("left", "right", "footer"):
        yield Place(f"masthead.{name}", getattr(document.masthead, name))
    for attachment in document.attachments:
        yield Place(f"attachment {attachment.name}", attachment.meaning)


def _of_block(block: Block) -> Iterator[Place]:
    match block:
        case Title():
            yield Place(block.field, block.text)
            yield Place(block.field, block.below)
        case Heading() | Paragraph():
            yield Place(block.field, block.text)
        case Table():
            yield from (Place(block.field, column.title) for column in block.columns)
            yield from _cells(block)
        case NewPage() | Lines():
            pass
        case Code():
            yield Place(block.field, block.text)
        case Chart():
            shown = (block.title, block.x_title, block.y_title, *(each.text for each in block.legend))
            yield from (Place(block.field, text) for text in shown)


def _cells(table: Table) -> Iterator[Place]:
    for number, row in enumerate(table.rows, 1):
        for column, text in enumerate(row, 1):
            named = table.fields[number - 1][column - 1] if table.fields else ""
            yield Place(named or f"{table.field}, row {number}, column {column}", text)
