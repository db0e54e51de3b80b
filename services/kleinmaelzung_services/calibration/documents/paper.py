"""A PDF/A-3U on A4 to draw on: fonts, header, footer, and text that wraps. Positions and sizes are in mm.

    Paper(document, pages, measured) -> cells, lines and tables -> paper.output()

All text is literal: fpdf2's markdown, links and `{nb}` are off.
"""

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC
from importlib import resources
from typing import Any, Final

import fpdf
from fpdf.enums import MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

from kleinmaelzung_services.calibration.documents import glyphs, texts, xmp
from kleinmaelzung_services.calibration.documents.blocks import Document

LEFT, RIGHT, TOP, BOTTOM = 22.0, 15.0, 24.0, 18.0  # left there is room for holes
WIDTH: Final = 210.0 - LEFT - RIGHT
LOWEST: Final = 297.0 - BOTTOM
BODY: Final = LOWEST - TOP
BODY_PT: Final = 9.0
SMALL_PT: Final = 7.5
LINE_MM: Final = 4.2  # of a text of BODY_PT
GREY: Final = 110
_WATERMARK_MM: Final = 230.0  # of a diagonal of 364
_WATERMARK_DEGREES: Final = 55.0
_WATERMARK_OPACITY: Final = 0.13
_CAPITALS: Final = 0.73  # how high they are, in sizes of the font
_FAMILY: Final = "DejaVu"
_FONTS: Final = (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf"))
_CREATOR: Final = "kleinmaelzung"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured once, from one drawing of a document to the next: it is most of the work.

    `wraps` are lines by text, width, bold and size; `tables` are layouts by the identity of their table.
    """

    wraps: dict[tuple[str, float, bool, float], list[str]] = field(default_factory=dict)
    tables: dict[int, Any] = field(default_factory=dict)


class Paper(fpdf.FPDF):
    """Begins with a page. `pages` is how many there will be: it stands on each of them."""

    def __init__(self, document: Document, pages: int, measured: Measured) -> None:
        super().__init__(enforce_compliance="PDF/A-3U")
        self.document, self.pages_expected, self.measured = document, pages, measured
        self.str_alias_nb_pages = ""  # "{nb}" in a text is a text
        self.set_margins(LEFT, TOP, RIGHT)
        self.set_auto_page_break(False, BOTTOM)
        self.c_margin = 0.0
        _add_fonts(self)
        self._describe()
        self.add_page()

    def header(self) -> None:
        masthead = self.document.masthead
        page = texts.say(texts.PAGE, self.document.language, page=self.page, pages=self.pages_expected)
        self.put((LEFT, 9.0), masthead.left, WIDTH / 2, bold=True, size_pt=SMALL_PT)
        self.put((LEFT, 13.0), masthead.right, WIDTH, size_pt=SMALL_PT)
        self.put((LEFT + WIDTH / 2, 9.0), page, WIDTH / 2, align="R", size_pt=SMALL_PT)
        self.rule(18.0)
        self.set_xy(LEFT, TOP)

    def footer(self) -> None:
        self.rule(LOWEST + 4.0)
        self.put((LEFT, LOWEST + 5.5), self.document.masthead.footer, WIDTH, size_pt=SMALL_PT)
        if self.document.watermark:
            self._watermark(glyphs.composed(self.document.watermark))

    def _watermark(self, text: str) -> None:
        """Last, because tables have white cells; so thin a grey that every number below it can be read."""
        self.use(bold=True, size_pt=100.0)
        self.set_font_size(100.0 * _WATERMARK_MM / self.get_string_width(text))
        with self.local_context(fill_opacity=_WATERMARK_OPACITY), self.rotation(_WATERMARK_DEGREES, 105.0, 148.5):
            self.text(105.0 - _WATERMARK_MM / 2, 148.5 + _CAPITALS * self.font_size / 2, text)

    @property
    def room(self) -> float:
        """What is left of this page."""
        return LOWEST - self.get_y()

    def use(self, *, bold: bool = False, size_pt: float = BODY_PT) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size_pt)

    def put(
        self,
        at: tuple[float, float],
        text: str,
        width: float,
        *,
        align: str = "L",
        bold: bool = False,
        size_pt: float = BODY_PT,
    ) -> None:
        """One line of text; where it is too wide, smaller."""
        self.use(bold=bold, size_pt=size_pt)
        text = glyphs.composed(text)
        if (needed := self.get_string_width(text)) > width:
            self.set_font_size(size_pt * width / needed)
        self.set_xy(*at)
        self.cell(width, LINE_MM * size_pt / BODY_PT, text, align=align, new_x=XPos.LEFT, new_y=YPos.NEXT)

    def wrapped(self, text: str, width: float, *, bold: bool = False, size_pt: float = BODY_PT) -> list[str]:
        """The text in lines that are not wider; a word that is goes on in the next."""
        if not text:
            return []
        key = (text, width, bold, size_pt)
        wraps = self.measured.wraps
        if key not in wraps:
            wraps[key] = self._wrapped(*key)
        return wraps[key]

    def _wrapped(self, text: str, width: float, bold: bool, size_pt: float) -> list[str]:
        self.use(bold=bold, size_pt=size_pt)
        found = self.multi_cell(
            width, LINE_MM, glyphs.composed(text), align="L", dry_run=True, output=MethodReturnValue.LINES
        )
        if not isinstance(found, list):
            raise TypeError(f"expected lines of fpdf2, found {type(found).__name__}")
        return [str(line) for line in found]

    def squares(self, found: Iterable[tuple[float, float, float]], height: float) -> None:
        """Black rectangles: left, top and width of each."""
        self.set_fill_color(0)
        for x, y, width in found:
            self.rect(x, y, width, height, style="F")

    def rule(self, y: float, *, x: float = LEFT, width: float = WIDTH) -> None:
        self.set_line_width(0.15)
        self.set_draw_color(GREY)
        self.line(x, y, x + width, y)

    def _describe(self) -> None:
        document = self.document
        written_at, title = document.written_at.astimezone(UTC).replace(microsecond=0), glyphs.composed(document.title)
        producer = f"fpdf2 {fpdf.FPDF_VERSION}"
        self.set_title(title)
        self.set_lang(document.language)
        self.set_creator(_CREATOR)
        self.set_producer(producer)
        self.set_creation_date(written_at)
        self.set_xmp_metadata(
            xmp.packet(
                title=title,
                language=document.language,
                creator=_CREATOR,
                producer=producer,
                written_at=written_at,
            )
        )
        for one in document.attachments:
            embedded = self.embed_file(
                bytes=one.content,
                basename=one.name,
                mime_type=one.mime_type,
                associated_file_relationship=one.relationship,
                desc=one.meaning,
                creation_date=written_at,
                modification_date=written_at,
                compress=True,
                checksum=True,
            )
            # ISO 32000-1, table 46: of the file. fpdf2 takes that of its packed bytes.
            embedded.params = embedded.params.replace(_md5(embedded.content_stream()), _md5(one.content))


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@functools.cache
def printable() -> frozenset[str]:
    """What both fonts have a picture of."""
    pdf = fpdf.FPDF()
    _add_fonts(pdf)
    found = [set(font.cmap) for font in pdf.fonts.values() if isinstance(font, TTFFont)]
    close_fonts(pdf)
    return frozenset(map(chr, set.intersection(*found)))


def close_fonts(pdf: fpdf.FPDF) -> None:
    """Their files stay open until then: glyphs are read when the document is put out."""
    for font in pdf.fonts.values():
        if isinstance(font, TTFFont):
            font.ttfont.close()


def _add_fonts(pdf: fpdf.FPDF) -> None:
    for style, name in _FONTS:
        with resources.as_file(resources.files(__package__).joinpath("fonts", name)) as file:
            pdf.add_font(_FAMILY, style, file)
