"""Small documents to draw."""

from datetime import UTC, datetime

from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.blocks import Attachment, Block, Column, Document, Masthead, Table

WRITTEN_AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def sheet(
    *blocks: Block, title: str = "A sheet", attachments: tuple[Attachment, ...] = (), closing: int = 0
) -> Document:
    masthead = Masthead(left="Certificate", right="K-0001, revision 2", footer="made by a test")
    return Document(
        language="en",
        title=title,
        masthead=masthead,
        written_at=WRITTEN_AT,
        blocks=blocks,
        attachments=attachments,
        closing=closing,
    )


def table(*rows: tuple[str, ...], titles: tuple[str, ...] = ("What", "How much"), field: str = "rows") -> Table:
    columns = tuple(
        Column(title=title, share=1, align="number" if number else "left") for number, title in enumerate(titles)
    )
    return Table(columns=columns, rows=rows, field=field)


def pdf(*blocks: Block) -> bytes:
    return drawing.draw(sheet(*blocks)).pdf
