"""QR codes: what is drawn is, module by module, what was meant, with nothing in the quiet zone."""

from typing import Any

import pikepdf
import pytest
import segno

from kleinmaelzung_services.calibration.documents.blocks import Code, Heading, Paragraph
from kleinmaelzung_services.calibration.documents.codes import MODULE_MM, QUIET
from kleinmaelzung_services.calibration.documents.paper import LEFT, TOP
from tests.unit.services.calibration_documents import pages, sheets

POINT_MM = 72 / 25.4
CONTENT = "K-2026-0007/1\nsha256:" + "0123456789abcdef" * 4
BESIDE = "Certificate K-2026-0007"
Rectangle = tuple[float, float, float, float]


def code(content: str = CONTENT, text: str = BESIDE) -> Code:
    return Code(content=content, text=text, field="issue.number")


def black(pdf: bytes) -> list[Rectangle]:
    """Left, top, width and height in mm of all that is filled with black on page 1."""
    with pages.opened(pdf) as found:
        instructions = pikepdf.parse_content_stream(found.pages[0])
    rectangles, last, is_black = list[Rectangle](), (0.0, 0.0, 0.0, 0.0), True  # so a page begins
    for instruction in instructions:
        values = list[Any](instruction.operands)
        match str(instruction.operator):
            case "g":
                is_black = float(values[0]) == 0
            case "rg":
                is_black = all(float(each) == 0 for each in values)
            case "re":
                x, y, width, height = (float(each) / POINT_MM for each in values)
                last = (x, 297 - max(y, y + height), width, abs(height))
            case "f" if is_black:
                rectangles.append(last)
            case _:
                pass
    return rectangles


def modules(pdf: bytes, size: int) -> list[list[int]]:
    """Read in the middle of each module, as a camera would."""
    rectangles = black(pdf)

    def is_dark(x: float, y: float) -> bool:
        return any(left < x < left + width and top < y < top + height for left, top, width, height in rectangles)

    places = [(each + 0.5 + QUIET) * MODULE_MM for each in range(size)]
    return [[int(is_dark(LEFT + x, TOP + y)) for x in places] for y in places]


@pytest.mark.parametrize("content", [CONTENT, "a", "Ω ± ß", "x" * 300], ids=["hash", "short", "greek", "long"])
def test_each_module_is_drawn_as_it_is_meant(content: str) -> None:
    wanted = segno.make_qr(content, error="m")
    size = len(wanted.matrix)
    assert modules(sheets.pdf(code(content)), size) == [[int(each) for each in row] for row in wanted.matrix]


def test_the_quiet_zone_is_white() -> None:
    pdf = sheets.pdf(code(), Heading(text="End", level=2, field="end"))
    side = segno.make_qr(CONTENT, error="m").symbol_size(border=QUIET)[0] * MODULE_MM
    right, bottom = LEFT + side, TOP + side
    inner = [(x - LEFT, y - TOP) for x, y, _, _ in black(pdf)]
    assert min(x for x, _ in inner) == pytest.approx(QUIET * MODULE_MM, abs=0.01)
    assert min(y for _, y in inner) == pytest.approx(QUIET * MODULE_MM, abs=0.01)
    for line in pages.lines(pdf):
        x, y = line.x / POINT_MM, 297 - line.y / POINT_MM
        assert x > right or y < TOP or y > bottom, line


def test_what_it_is_stands_beside_it() -> None:
    found = pages.lines(sheets.pdf(code(text="Certificate K-2026-0007, revision 1\nSHA-256\n" + "ab " * 60)))
    assert {"Certificate K-2026-0007, revision 1", "SHA-256"} <= {line.text for line in found}
    assert sum(line.text.count("ab") for line in found) == 60


def test_it_is_not_divided_between_pages() -> None:
    for sentences in range(37, 46, 2):
        blocks = [Paragraph(text="a sentence", field="a") for _ in range(sentences)]
        pdf = sheets.pdf(*blocks, code(), Heading(text="End", level=2, field="end"))
        page_of = {line.text: line.page for line in pages.lines(pdf)}
        assert page_of[BESIDE] == page_of["End"]
