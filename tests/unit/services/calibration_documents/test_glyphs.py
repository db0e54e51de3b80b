"""A character that the fonts have not is refused, and said where."""

import pytest

from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.blocks import Attachment, Heading, Paragraph, Table, Title
from kleinmaelzung_services.calibration.documents.glyphs import GlyphMissing
from kleinmaelzung_services.calibration.documents.paper import printable
from tests.unit.services.calibration_documents import pages, sheets


def test_the_fonts_have_what_a_laboratory_writes() -> None:
    assert set("äöüÄÖÜßéçŁşőœ ΑΩαωμν µ±°℃≤≥≈≠√×·÷⁻¹²³₀→↑↓✓∞∑∂Ω€–—“„”’…☐☒") <= printable()


@pytest.mark.parametrize(
    "char", ["\u00ad", "\u200b", "\u202e", "\u2066", "\ufeff", "\u2028", "\x00", "\x1b", "\t", "张", "ש", "😀"]
)
def test_what_prints_nothing_or_a_box_is_not_printable(char: str) -> None:
    with pytest.raises(GlyphMissing) as refused:
        sheets.pdf(Paragraph(text=f"Dr. {char}", field="customer.name"))
    assert f"(U+{ord(char):04X})" in str(refused.value) or f"no U+{ord(char):04X}" in str(refused.value)


def test_the_sentence_names_field_character_place_and_what_to_do() -> None:
    with pytest.raises(GlyphMissing) as refused:
        sheets.pdf(Paragraph(text="Dr. 张 Wei", field="customer.name"))
    assert str(refused.value) == (
        'customer.name is "Dr. 张 Wei", but the fonts of the documents have no "张" (U+5F20), its character 5: '
        "write it with Latin or Greek letters and signs of mathematics"
    )


def test_in_a_table_row_and_column_are_named() -> None:
    with pytest.raises(GlyphMissing) as refused:
        sheets.pdf(sheets.table(("one", "1"), ("张", "2"), field="standards"))
    assert refused.value.field == "standards, row 2, column 1"


@pytest.mark.parametrize(
    ("block", "field"),
    [
        (Title(text="张", field="title"), "title"),
        (Title(text="a", below="张", field="item.name"), "item.name"),
        (Heading(text="张", field="test[0].title"), "test[0].title"),
        (sheets.table(("one", "1"), titles=("张", "b"), field="points"), "points"),
    ],
)
def test_every_kind_of_block_is_checked(block: Title | Heading | Table, field: str) -> None:
    with pytest.raises(GlyphMissing) as refused:
        sheets.pdf(block)
    assert refused.value.field == field


def test_what_stands_on_every_page_and_in_the_metadata_is_checked() -> None:
    attachment = Attachment(
        name="a.json", content=b"{}", mime_type="application/json", relationship="Data", meaning="张"
    )
    for document, field in (
        (sheets.sheet(title="张"), "title"),
        (sheets.sheet(attachments=(attachment,)), "attachment a.json"),
    ):
        with pytest.raises(GlyphMissing) as refused:
            drawing.draw(document)
        assert refused.value.field == field


def test_far_inside_a_long_text_the_neighbourhood_is_shown() -> None:
    with pytest.raises(GlyphMissing) as refused:
        sheets.pdf(Paragraph(text="x" * 9000 + "张", field="remarks"))
    assert "its character 9001" in str(refused.value)
    assert "x张" in str(refused.value)
    assert len(str(refused.value)) < 250


def test_a_letter_and_its_accent_are_one_character() -> None:
    assert "Müller" in pages.texts(sheets.pdf(Paragraph(text="Mu\u0308ller", field="name")))
