"""The blank protocol of every template that comes along, in both languages."""

import pytest

from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.glyphs import GlyphMissing
from kleinmaelzung_services.calibration.documents.protocol import blank
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.templates import checking, sequence, shipped
from kleinmaelzung_services.calibration.templates.shipped import Shipped
from kleinmaelzung_services.calibration.templates.template import Template
from tests.unit.services.calibration_documents import pages

SHIPPED = {one.name: one for one in shipped.templates()}
SECTIONS = (
    texts.PURPOSE, texts.INSTRUMENT, texts.STANDARDS, texts.ENVIRONMENT, texts.PREPARATIONS, texts.STABILITY,
    texts.STEPS, texts.BUDGET, texts.LIMITS, texts.DEVIATIONS, texts.SIGNATURES, texts.END,
)  # fmt: skip
LANGUAGES: tuple[Language, ...] = texts.LANGUAGES


def made(name: str, language: Language = "en") -> bytes:
    return blank.pdf(SHIPPED[name].template, SHIPPED[name].content, language)


def changed(name: str, old: str, new: str) -> tuple[Template, bytes]:
    text = SHIPPED[name].content.decode()
    assert old in text
    content = text.replace(old, new).encode()
    template = checking.check(content).template
    assert template is not None
    return template, content


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("one", SHIPPED.values(), ids=SHIPPED)
def test_every_template_makes_a_form(one: Shipped, language: Language) -> None:
    pdf = blank.pdf(one.template, one.content, language)
    found = pages.lines(pdf)
    said = [line.text for line in found]
    headings = [texts.say(words, language) for words in SECTIONS]
    assert [text for text in said if text in headings] == headings
    page_of = {line.text: line.page for line in found}
    assert page_of[texts.say(texts.END, language)] == page_of[texts.say(texts.SIGNATURES, language)]
    every = {texts.say(texts.TEMPLATE_HASH, language, sha256=one.template.sha256)}
    every.add(texts.say(texts.TEMPLATE_VERSION, language, id=one.template.id, version=one.template.version))
    for page in range(1, found[-1].page + 1):
        assert every <= {line.text for line in found if line.page == page}
    with pages.opened(pdf) as opened:
        (attached,) = opened.Root.AF
        assert str(attached.AFRelationship) == "/Supplement"
        assert bytes(opened.attachments["template.toml"].get_file().read_bytes()) == one.content


@pytest.mark.parametrize("one", SHIPPED.values(), ids=SHIPPED)
def test_what_the_template_says_is_on_the_form(one: Shipped) -> None:
    whole = pages.whole(blank.pdf(one.template, one.content, "en"))
    template = one.template
    wanted = [template.title, *template.method, *template.preparation.checks]
    wanted += [component.name for measurand in template.measurands for component in measurand.budget.components]
    wanted += [one.meaning for one in template.inputs] + [one.name for one in template.results]
    assert [text for text in wanted if "".join(text.split()) not in whole] == []


def test_the_points_are_listed_as_they_are_run() -> None:
    said = pages.texts(made("balance"))
    start = said.index("↑")
    arrows = [(text, said[at + 1]) for at, text in enumerate(said) if text in ("↑", "↓") and at >= start]
    up = ["0", "10", "50", "100", "150", "200"]
    assert arrows == [*(("↑", point) for point in up), *(("↓", point) for point in reversed(up))]


def test_the_form_has_a_column_for_zero_where_the_template_returns_to_it() -> None:
    assert "Zero, g" in pages.texts(made("balance"))
    assert not [text for text in pages.texts(made("thermometer")) if text.startswith("Zero")]
    template, content = changed("linear-sensor", "repeats         = 2", "repeats = 2\nreturn_to_zero = true")
    assert "Zero, mA" in pages.texts(blank.pdf(template, content, "en"))


def test_signatures_do_not_stand_alone_on_the_last_page() -> None:
    for name in ("balance", "ph-meter"):
        lines = pages.lines(made(name))
        last = {line.text for line in lines if line.page == max(line.page for line in lines)}
        assert {"Deviations from the method, remarks", "Signatures", "End of the protocol"} <= last, name


def test_a_random_order_is_printed_as_it_will_be_run() -> None:
    template, content = changed("ph-meter", 'order           = "up"', 'order = "random(7)"')
    said = pages.texts(blank.pdf(template, content, "en"))
    assert any(text.startswith("In random order, as listed here (seed 7).") for text in said)
    run = [f"{point:.3f}" for point, *_ in sequence.slots(template.tests[0])]
    assert [text for text in said if text in ("4.006", "6.865", "9.180")][-9:] == run
    assert run != sorted(run)
    assert {"7", "8", "9"} <= set(said)


def test_limits_have_the_decimal_sign_of_the_language() -> None:
    assert "0,02 °C" in pages.texts(made("thermometer", "de"))
    assert "0.02 °C" in pages.texts(made("thermometer", "en"))


def test_without_acceptance_no_conformity_is_promised() -> None:
    text = SHIPPED["balance"].content.decode()
    before, after = text.split("[acceptance]")
    content = (before.replace("max_U_ratio = 0.33", "#") + "[interval]" + after.split("[interval]")[1]).encode()
    checked = checking.check(content)
    assert checked.template is not None, checked.mistakes
    assert "No conformity is stated." in pages.texts(blank.pdf(checked.template, content, "en"))


def test_markup_in_a_template_is_literal() -> None:
    hostile = "<b>x</b> **y** [z](https://example.org) {nb} {0} &amp;"
    template, content = changed("balance", '"levelled"', f'"{hostile}"')
    assert hostile in pages.texts(blank.pdf(template, content, "en"))


def test_a_character_that_cannot_be_printed_is_refused_with_its_place() -> None:
    template, content = changed("balance", '"levelled"', '"水平"')
    with pytest.raises(GlyphMissing) as refused:
        blank.pdf(template, content, "en")
    assert refused.value.field == "prepare.checks, row 2, column 2"


def test_the_longest_texts_that_a_template_may_have_are_printed() -> None:
    template, content = changed("balance", '"levelled"', f'"{"w" * 500}"')
    assert "w" * 500 in pages.whole(blank.pdf(template, content, "de"))
