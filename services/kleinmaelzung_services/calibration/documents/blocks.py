"""What a document is made of, one below the other, before anything is drawn. Pure.

A document is a list of these; drawing.py makes the PDF of it. `field` says where the words come from: a character that
cannot be printed is reported with it.
"""

from collections.abc import Iterator, Sequence
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
    """An empty cell is one to write in: rows are `row_mm` high at least. Without titles there is no heading row."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    field: str
    row_mm: float = 0.0

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(f"{self.field}: expected rows of {len(self.columns)} cells, found one of {len(wrong[0])}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Empty lines to write on."""

    count: int


Block = Title | Heading | Paragraph | Table | Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Masthead:
    """On every page: what this is, and its number with version or revision; below, what it was made by."""

    left: str
    right: str
    footer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    name: str
    content: bytes
    mime_type: str
    relationship: Literal["Data", "Source", "Supplement"]
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`written_at` is all that the file says about time: the same document makes the same bytes."""

    language: Language
    title: str
    masthead: Masthead
    written_at: datetime
    blocks: tuple[Block, ...]
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        if self.written_at.tzinfo is None:
            raise ValueError("written_at has no time zone, expected one")


@dataclass(frozen=True, slots=True)
class Place:
    """A text, and where it comes from."""

    field: str
    text: str


def places(document: Document) -> Iterator[Place]:
    """Every text that is going to be drawn."""
    yield Place("title", document.title)
    for name in ("left", "right", "footer"):
        yield Place(f"masthead.{name}", getattr(document.masthead, name))
    for attachment in document.attachments:
        yield Place(f"attachment {attachment.name}", attachment.meaning)
    for block in document.blocks:
        yield from _of_block(block)


def _of_block(block: Block) -> Iterator[Place]:
    match block:
        case Title():
            yield Place(block.field, block.text)
            yield Place(block.field, block.below)
        case Heading() | Paragraph():
            yield Place(block.field, block.text)
        case Table():
            yield from (Place(block.field, column.title) for column in block.columns)
            yield from _cells(block.field, block.rows)
        case Lines():
            pass


def _cells(field: str, rows: Sequence[Sequence[str]]) -> Iterator[Place]:
    for number, row in enumerate(rows, 1):
        yield from (Place(f"{field}, row {number}, column {column}", text) for column, text in enumerate(row, 1))
