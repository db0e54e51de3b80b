"""Documents on paper: what is drawn stays inside the page, whole, literal and in line."""

import dataclasses
import re

import pikepdf
import pytest

from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.blocks import Block, Code, Column, Heading, Lines, Paragraph, Table
from kleinmaelzung_services.calibration.documents.paper import LEFT, LOWEST, RIGHT
from tests.unit.services.calibration_documents import pages, sheets

POINT_MM = 72 / 25.4
HOSTILE = (
    "<b>bold</b> **bold** __under__ [a link](https://example.org) https://example.org {nb} {page} &amp;"
    " <script>x</script>"
)


def test_every_page_has_number_revision_count_and_footer() -> None:
    found = pages.lines(sheets.pdf(*(Paragraph(text="a sentence", field="a") for _ in range(150))))
    count = found[-1].page
    assert count == 4
    for page in range(1, count + 1):
        texts = [line.text for line in found if line.page == page]
        assert {"Certificate", "K-0001, revision 2", f"Page {page} of {count}", "made by a test"} <= set(texts)


def test_markup_links_and_placeholders_are_literal() -> None:
    pdf = sheets.pdf(Paragraph(text=HOSTILE, field="a"), sheets.table((HOSTILE, "1")), Heading(text=HOSTILE, field="b"))
    assert pages.whole(pdf).count("".join(HOSTILE.split())) == 3
    with pages.opened(pdf) as found:
        assert all("/Annots" not in page for page in found.pages)
        assert b"/URI" not in pdf
        assert isinstance(found.Root.get("/OpenAction", pikepdf.Array()), pikepdf.Array)  # a place, not an action


@pytest.mark.parametrize("text", ["word " * 2000, "x" * 10_000, "a\n" * 5000], ids=["words", "one word", "lines"])
@pytest.mark.parametrize("is_in_table", [False, True])
def test_ten_thousand_characters_are_all_there_and_within_the_margins(text: str, is_in_table: bool) -> None:
    block = sheets.table((text, "1")) if is_in_table else Paragraph(text=text, field="remarks")
    pdf = sheets.pdf(block)
    found = pages.lines(pdf)
    letter = text[0]
    assert sum(line.text.count(letter) for line in found if set(line.text) <= set(text)) == text.count(letter)
    assert found[-1].page > 1
    body = [line for line in found if set(line.text) <= set(text)]
    assert min(line.y for line in body) > (297 - LOWEST) * POINT_MM
    assert min(line.x for line in body) >= LEFT * POINT_MM - 0.01


def test_a_row_is_not_broken_and_the_heading_comes_again() -> None:
    rows = [(f"first of {number}\nlast of {number}", str(number)) for number in range(80)]
    found = pages.lines(sheets.pdf(sheets.table(*rows)))
    page_of = {line.text: line.page for line in found}
    assert [number for number in range(80) if page_of[f"first of {number}"] != page_of[f"last of {number}"]] == []
    assert found[-1].page >= 3
    assert [line.page for line in found if line.text == "What"] == list(range(1, found[-1].page + 1))


def test_a_row_higher_than_a_page_goes_on_on_the_next() -> None:
    tall = "\n".join(f"line {number}" for number in range(150))
    found = pages.lines(sheets.pdf(sheets.table(("small", "1"), (tall, "2"), ("small too", "3"))))
    assert [line.text for line in found if line.text.startswith("line ")] == tall.split("\n")
    assert [line.text for line in found if line.text in ("1", "2", "3")] == ["1", "2", "3"]


def test_numbers_stand_with_their_decimal_signs_in_line() -> None:
    numbers = ["0.5", "−12.25", "100", "3.125", "1000.0"]
    pdf = sheets.pdf(sheets.table(*((f"row {number}", number) for number in numbers)))
    at = {line.text: line.x for line in pages.lines(pdf)}
    digit = (at["0.5"] - at["100"]) / 2  # a digit before the point is as wide as any other
    assert digit > 2
    assert at["3.125"] == pytest.approx(at["0.5"], abs=0.02)
    assert at["1000.0"] == pytest.approx(at["0.5"] - 3 * digit, abs=0.02)
    assert at["−12.25"] < at["0.5"] - digit


def test_a_heading_is_not_left_alone_at_the_end_of_a_page() -> None:
    for sentences in range(25, 45):
        blocks = [Paragraph(text="a sentence", field="a") for _ in range(sentences)]
        found = pages.lines(sheets.pdf(*blocks, Heading(text="Results", field="b"), sheets.table(("one", "1"))))
        page_of = {line.text: line.page for line in found}
        assert page_of["Results"] == page_of["one"]


CLOSING = (
    Heading(text="Signatures", field="c"),
    sheets.table(("approved", "1")),
    Code(content="K-0001", text="K-0001", field="c"),
    Heading(text="End", level=2, field="c"),
)


def page_of(*blocks: Block) -> dict[str, int]:
    """The page that each text is on, of a document that closes with signatures; with the last one it is on."""
    found = pages.lines(drawing.draw(sheets.sheet(*blocks, *CLOSING, closing=len(CLOSING))).pdf)
    return {line.text: line.page for line in found}


@pytest.mark.parametrize("sentences", range(20, 50))
def test_signatures_code_and_end_are_on_one_page_with_the_notes_above_them(sentences: int) -> None:
    text = [Paragraph(text="a sentence", field="a") for _ in range(sentences)]
    found = page_of(*text, Heading(text="Notes", field="b"), Paragraph(text="a note", field="b"))
    assert len({found[each] for each in ("Notes", "a note", "Signatures", "approved", "K-0001", "End")}) == 1


@pytest.mark.parametrize("rows", range(20, 50))
def test_signatures_take_the_last_rows_of_a_long_table_with_them(rows: int) -> None:
    trail = sheets.table(*((f"row {number}", "1") for number in range(rows)))
    found = page_of(Heading(text="Trail", field="b"), trail)
    last = (f"row {rows - 2}", f"row {rows - 1}")
    assert len({found[each] for each in (*last, "Signatures", "approved", "K-0001", "End")}) == 1


def test_a_closing_that_no_page_holds_is_drawn_all_the_same() -> None:
    long = sheets.table(*((f"signature {number}", "1") for number in range(80)))
    document = sheets.sheet(Paragraph(text="a", field="a"), CLOSING[0], long, *CLOSING[2:], closing=4)
    assert {line.text for line in pages.lines(drawing.draw(document).pdf)} >= {"signature 0", "signature 79", "End"}


@pytest.mark.parametrize("rows", range(30, 60))
def test_the_last_row_of_a_table_is_not_left_alone(rows: int) -> None:
    found = pages.lines(sheets.pdf(sheets.table(*((f"row {number}", "1") for number in range(rows)))))
    on = {line.text: line.page for line in found}
    assert on[f"row {rows - 2}"] == on[f"row {rows - 1}"]


@pytest.mark.parametrize("before", range(4))
def test_joined_rows_are_on_one_page(before: int) -> None:
    rows = [(f"{part} of {number}", "1") for number in range(60) for part in ("first", "last")]
    table = dataclasses.replace(sheets.table(*rows), joined=tuple(range(0, len(rows), 2)))
    found = pages.lines(sheets.pdf(*(Paragraph(text="a", field="a") for _ in range(before)), table))
    on = {line.text: line.page for line in found}
    assert found[-1].page > 1
    assert [number for number in range(60) if on[f"first of {number}"] != on[f"last of {number}"]] == []


def test_more_joined_rows_than_a_page_holds_are_drawn_all_the_same() -> None:
    rows = [(f"row {number}", "1") for number in range(120)]
    table = dataclasses.replace(sheets.table(*rows), joined=tuple(range(120)))
    found = pages.lines(sheets.pdf(table))
    assert {line.text for line in found} >= {text for text, _ in rows}
    assert found[-1].page <= 4


def test_a_narrow_heading_of_a_table_stays_in_its_cell() -> None:
    columns = (Column(title="Extraordinary", share=1), Column(title="b", share=12))
    found = pages.lines(sheets.pdf(Table(columns=columns, rows=(("1", "2"),), field="a")))
    assert "Extraordinary" in "".join(line.text for line in found)
    assert "Extraordinary" not in [line.text for line in found]


def test_lines_to_write_on_are_inside_the_page() -> None:
    document = sheets.sheet(*(Lines(count=5) for _ in range(10)))
    assert drawing.draw(document).pages == 2


def test_rows_that_do_not_fit_their_columns_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=re.escape("rows: expected rows of 2 cells, found one of 1")):
        sheets.table(("one",))


def test_the_right_margin_is_kept() -> None:
    text = "W" * 400
    found = [line for line in pages.lines(sheets.pdf(Paragraph(text=text, field="a"))) if line.text.startswith("W")]
    widest = max(len(line.text) for line in found)
    assert widest * 0.98877 * 9.0 <= (210 - LEFT - RIGHT) * POINT_MM  # 2025 of 2048 units is DejaVu's W
    assert sum(len(line.text) for line in found) == len(text)
