"""Texts of people in a certificate: literal and whole, or refused with field, character and place."""

import functools

import pytest

from kleinmaelzung_services.calibration.documents.drawing import Drawn
from kleinmaelzung_services.calibration.documents.glyphs import GlyphMissing
from kleinmaelzung_services.calibration.documents.paper import LEFT, LOWEST, TOP
from tests.unit.services.calibration_documents import issued, pages, structure
from tests.unit.services.calibration_records.examples import Key

POINT_MM = 72 / 25.4
PLACES: dict[str, tuple[Key, ...]] = {
    "customer.name": ("customer", "name"),
    "item.model": ("item", "model"),
    "item.condition": ("item", "condition"),
    "deviations[0].text": ("deviations", 0, "text"),
    "opinions[0]": ("opinions",),
}
WORDS = {field: bool(number % 2) for number, field in enumerate(PLACES)}
LETTERS = dict(zip(PLACES, "ΓΔΛΞΨ", strict=True))  # that stand nowhere else
GOOD = "Größe Ω μ ± ß ≤ 3 µm"
HOSTILE = (
    "<b>bold</b> <script>x</script> &amp; **bold** __under__ [a link](https://example.org) https://example.org"
    " {nb} {page} {0} %s"
)
EVERY = pytest.mark.parametrize("field", PLACES)


def written(texts: dict[str, str]) -> Drawn:
    """A certificate of the balance with these texts in these fields."""
    changes = [(PLACES[field], [text] if field == "opinions[0]" else text) for field, text in texts.items()]
    return issued.drawn("balance", issued.issue(with_readings=False), *changes)


@functools.cache
def everywhere(text: str) -> Drawn:
    """The text in all fields, each time after the field's own letter."""
    return written({field: f"{LETTERS[field]} {text}" for field in PLACES})


@functools.cache
def long() -> Drawn:
    """Every second one is a single word."""
    return written(
        {
            field: LETTERS[field] * 10_000 if is_word else f"{LETTERS[field]} " * 5_000
            for field, is_word in WORDS.items()
        }
    )


@functools.cache
def lines_of_long() -> str:
    return "".join(pages.texts(long().pdf))


def whole(text: str) -> str:
    return "".join(text.split())


@EVERY
def test_letters_and_signs_of_a_laboratory_are_printed(field: str) -> None:
    assert whole(f"{LETTERS[field]} {GOOD}") in pages.whole(everywhere(GOOD).pdf)


@EVERY
def test_markup_links_and_placeholders_are_literal(field: str) -> None:
    pdf = everywhere(HOSTILE).pdf
    assert whole(f"{LETTERS[field]} {HOSTILE}") in pages.whole(pdf)
    structure.check_safe(pdf)


@EVERY
def test_ten_thousand_characters_are_all_there(field: str) -> None:
    assert lines_of_long().count(LETTERS[field]) == (10_000 if WORDS[field] else 5_000)


def test_long_texts_stay_inside_the_page() -> None:
    letters = {" ", *LETTERS.values()}
    found = [line for line in pages.lines(long().pdf) if set(line.text) <= letters]
    assert len(found) > 100
    assert min(line.x for line in found) >= LEFT * POINT_MM
    assert min(line.y for line in found) > (297 - LOWEST) * POINT_MM
    assert max(line.y for line in found) < (297 - TOP) * POINT_MM


@EVERY
def test_what_the_fonts_have_not_is_refused_with_field_character_and_place(field: str) -> None:
    with pytest.raises(GlyphMissing) as refused:
        written({field: "Dr. 张 Wei"})
    assert str(refused.value) == (
        f'{field} is "Dr. 张 Wei", but the fonts of the documents have no "张" (U+5F20), its character 5: '
        "write it with Latin or Greek letters and signs of mathematics"
    )
