"""QR codes on paper, of rectangles: what must be read in, black modules with a quiet zone and a text beside it out.

Level M of ISO/IEC 18004: 15 % of it may be illegible, as after a copy. Around it 4 modules stay white.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import segno

from kleinmaelzung_services.calibration.documents.blocks import Code
from kleinmaelzung_services.calibration.documents.paper import LEFT, LINE_MM, WIDTH, Paper

MODULE_MM: Final = 0.6  # a telephone reads it, and so does a scanner with 200 points per inch
QUIET: Final = 4  # modules
_GAP_MM: Final = 2.0
Matrix = Sequence[Sequence[int]]


def matrix(content: str) -> Matrix:
    """1 is a black module; without the quiet zone."""
    return [[int(each) for each in row] for row in segno.make_qr(content, error="m").matrix]


def height_mm(paper: Paper, code: Code) -> float:
    side = _side_mm(matrix(code.content))
    return max(side, QUIET * MODULE_MM + len(_lines(paper, code, side)) * LINE_MM) + _GAP_MM


def draw(paper: Paper, code: Code) -> None:
    found, top = matrix(code.content), paper.get_y()
    side = _side_mm(found)
    paper.squares(((LEFT + x, top + y, width) for x, y, width in runs(found)), MODULE_MM)
    y = top + QUIET * MODULE_MM
    for line in _lines(paper, code, side):
        paper.put((LEFT + side + _GAP_MM, y), line, WIDTH - side - _GAP_MM)
        y += LINE_MM
    paper.set_xy(LEFT, top + height_mm(paper, code))


def runs(found: Matrix) -> Iterator[tuple[float, float, float]]:
    """Neighbours in a row are one rectangle, so that no viewer draws a line between them: left, top, width in mm."""
    for y, row in enumerate(found):
        x = 0
        for is_black, modules in groupby(row):
            count = len(list(modules))
            if is_black:
                yield (x + QUIET) * MODULE_MM, (y + QUIET) * MODULE_MM, count * MODULE_MM
            x += count


def _side_mm(found: Matrix) -> float:
    return (len(found) + 2 * QUIET) * MODULE_MM


def _lines(paper: Paper, code: Code, side: float) -> list[str]:
    return paper.wrapped(code.text, WIDTH - side - _GAP_MM)
