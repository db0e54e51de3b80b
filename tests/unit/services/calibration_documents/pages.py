"""Reads a PDF back: where each line of text stands, and which fonts, attachments and metadata there are."""

import io
import re
from dataclasses import dataclass
from typing import Any

import pikepdf

_GLYPH = re.compile(r"<([0-9A-F]{4})> <([0-9A-F]+)>")


@dataclass(frozen=True, slots=True)
class Line:
    """Left end of its base line in points, from the lower left corner of the page, counted from 1."""

    page: int
    x: float
    y: float
    text: str


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def lines(pdf: bytes) -> list[Line]:
    with opened(pdf) as found:
        return [line for number, page in enumerate(found.pages, 1) for line in _of_page(number, page)]


def texts(pdf: bytes) -> list[str]:
    return [line.text for line in lines(pdf)]


def whole(pdf: bytes) -> str:
    """All of it without spaces and line ends, so that it does not matter where a line was broken."""
    return "".join("".join(texts(pdf)).split())


def instructions(page: pikepdf.Page) -> list[Any]:
    """What is drawn, operator by operator."""
    return list[Any](pikepdf.parse_content_stream(page))


def _of_page(number: int, page: pikepdf.Page) -> list[Line]:
    maps = {str(name): _map(font) for name, font in dict(page.resources.Font).items()}
    found, font, x, y = [], "", 0.0, 0.0
    for instruction in instructions(page):
        operator, values = instruction.operator, list[Any](instruction.operands)
        if str(operator) == "Tf":
            font = str(values[0])
        elif str(operator) == "Td":
            x, y = float(values[0]), float(values[1])
        elif str(operator) == "Tj":
            codes = bytes(values[0])
            glyphs = [codes[at : at + 2] for at in range(0, len(codes), 2)]
            found.append(Line(number, x, y, "".join(maps[font][glyph.hex().upper()] for glyph in glyphs)))
    return found


def _map(font: Any) -> dict[str, str]:
    cmap = bytes(font.ToUnicode.read_bytes()).decode()
    return {code: bytes.fromhex(char).decode("utf-16-be") for code, char in _GLYPH.findall(cmap)}
