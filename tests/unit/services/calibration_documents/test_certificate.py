"""The certificate as a whole: what each clause of ISO/IEC 17025:2017 asks for is on it, and on every page its number.

The clauses are those of 7.8.2 and 7.8.4 to 7.8.8, one row each; by calibration laboratories 7.8.2.1 k (sampling) and p
(external providers) are not applicable, and print nothing.
"""

import functools

import pytest

from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.certificate import (
    figures,
    words,
    words_conditions,
    words_cover,
    words_results,
    words_statement,
)
from kleinmaelzung_services.calibration.documents.texts import LANGUAGES, Language, Words
from kleinmaelzung_services.calibration.templates import checking
from tests.unit.services.calibration_documents import issued, pages
from tests.unit.services.calibration_records import examples

TEMPLATE = examples.TEMPLATES["thermometer"]
BOTH = pytest.mark.parametrize("language", LANGUAGES)
# What stands on page 1 (0: anywhere), of the thermometer with all that there can be.
CLAUSES: dict[str, tuple[int, tuple[str | Words, ...]]] = {
    "7.8.2.1 a, title": (1, (words_cover.TITLE,)),
    "7.8.2.1 b, laboratory": (1, ("Example Laboratory (simulated)", "Musterstraße 1, 12345 Musterstadt")),
    "7.8.2.1 c, place": (1, ("Room 1.07", words_cover.PERMANENT)),
    "7.8.2.1 d, identification": (1, ("K-2026-0007",)),
    "7.8.2.1 e, customer": (1, ("Pilot maltery (simulated)", "Malzgasse 2, 12345 Musterstadt", "internal")),
    "7.8.2.1 f, method": (1, (*TEMPLATE.method, TEMPLATE.id, f"SHA-256: {TEMPLATE.sha256}")),
    "7.8.2.1 g, item": (1, ("thermometer-3", "Example", "SIM-PT", "SIM-0003", "KM-031", "2.0", "no damage")),
    "7.8.2.1 h, receipt": (1, (words_cover.RECEIVED, "2026-03-10")),
    "7.8.2.1 i, performance": (1, ("2026-03-11 07:30–12:40 UTC", "2026-03-12 07:30–12:40 UTC")),
    "7.8.2.1 j, issue": (1, (words_cover.ISSUED, "2026-03-13 08:30 UTC")),
    "7.8.2.1 l, only this item": (0, (words_statement.ONLY_ITEM,)),
    "7.8.2.1 m, results with units": (0, (words_results.AS_FOUND, "mK", "°C")),
    "7.8.2.1 n, deviations": (0, ("the bath was stirred by hand", "A. Example, 2026-03-11 09:15 UTC")),
    "7.8.2.1 o, authorised by": (1, (words_cover.AUTHORISED, "C. Muster, head of laboratory, 2026-03-11 14:10 UTC")),
    "7.8.2.1 note, in full": (0, (words_statement.IN_FULL,)),
    "7.8.2.2 customer's data": (0, (words_conditions.DISCLAIMER, "In use it is immersed by 200 mm.")),
    "7.8.4.1 b, conditions": (0, (texts.ENVIRONMENT, texts.TEMPERATURE, "room-1", words_conditions.IMMERSED)),
    "7.8.4.1 c, traceability": (1, (words_cover.TRACEABILITY, "SIM-T-2025-0042 (Simulated accredited laboratory)")),
    "7.8.4.1 d, before and after": (0, (words_results.AS_LEFT, "offset of the indicator set", "offset 0.02")),
    "7.8.4.1 e, conformity": (1, (words_cover.CONFORMITY, words_cover.CONFORMS, words.AS_FOUND, words.AS_LEFT)),
    "7.8.4.1 f, opinions": (0, (words_statement.OPINIONS, "The drift is usual for a sensor of this kind.")),
    "7.8.6.1 rule": (1, ("ILAC-G8",)),
    "7.8.6.1 risk": (0, (words_statement.CONFORMITY, "2.27 %", "JCGM 106:2012")),
    "7.8.6.2 specification": (0, (words_statement.OF_CORRECTION, "−150", "150")),
    "7.8.7.1 who interprets": (0, ("C. Muster, head of laboratory",)),
    "7.8.8.1 amendment, first page": (1, ("K-2026-0007/1", "the address of the customer was wrong")),
    "7.8.8.3 what was changed": (0, ("customer.address", "Malzgasse 1", words_statement.AMENDMENT)),
    "7.11 software": (0, (words_statement.SOFTWARE, "kleinmaelzung 0.1.0")),
}


def said(what: str | Words, language: Language) -> str:
    """Without spaces; a number with the sign of the language."""
    text = texts.say(what, language) if isinstance(what, Words) else what
    if language == "de" and text == "2.27 %":
        text = "2,27 %"
    return "".join(text.split())


@functools.cache
def joined(pdf: bytes, page: int) -> str:
    return "".join("".join(line.text for line in pages.lines(pdf) if page in (0, line.page)).split())


@BOTH
@pytest.mark.parametrize("clause", CLAUSES)
def test_what_a_clause_asks_for_is_printed(clause: str, language: Language) -> None:
    page, wanted = CLAUSES[clause]
    text = joined(issued.full(language).pdf, page)
    assert [what for what in wanted if said(what, language) not in text] == []


@BOTH
def test_each_result_has_its_uncertainty_in_the_same_unit_with_k(language: Language) -> None:
    """7.8.2.1 m and 7.8.4.1 a, as found and as left."""
    found = [line.text for line in pages.lines(issued.full(language).pdf)]
    results = issued.full_results()
    assert results.as_left is not None
    for series in (results.as_found, results.as_left):
        (one,) = series.measurands
        rows = figures.of_points(one.measurand, one.points, language)
        assert len(rows) == 10
        missing = [text for row in rows for text in (row.error, row.expanded, row.k) if text not in found]
        assert missing == []


def test_sampling_and_external_providers_are_not_mentioned() -> None:
    """7.8.2.1 k and p: not applicable."""
    text = joined(issued.full("en").pdf, 0).casefold()
    assert [word for word in ("sampling", "external", "subcontract") if word in text] == []


@BOTH
def test_every_page_says_which_certificate_it_is_and_which_page(language: Language) -> None:
    """7.8.2.1 d, 7.8.8."""
    drawn = issued.full(language)
    found = pages.lines(drawn.pdf)
    number = texts.say(words_cover.NUMBER, language, number="K-2026-0007", revision=2)
    replaces = texts.say(words_cover.REPLACES, language, name="K-2026-0007/1")
    assert drawn.pages > 4
    for page in range(1, drawn.pages + 1):
        texts_of = {line.text for line in found if line.page == page}
        assert texts.say(texts.PAGE, language, page=page, pages=drawn.pages) in texts_of
        assert f"{number}, {replaces}" in texts_of
        assert "Example Laboratory (simulated), Musterstraße 1, 12345 Musterstadt" in texts_of


@BOTH
def test_the_last_line_is_the_end_and_stands_on_the_last_page_with_the_signature(language: Language) -> None:
    """7.8.2.1 d; the annex stands before it."""
    drawn = issued.full(language)
    end = texts.say(words_statement.END, language)
    body = [line for line in pages.lines(drawn.pdf) if line.page == drawn.pages and 40 < line.y < 780]
    body = [line for line in body if line.text not in ("SPECIMEN", "MUSTER")]
    assert min(body, key=lambda line: line.y).text == end
    assert [line.page for line in pages.lines(drawn.pdf) if line.text == end] == [drawn.pages]


@BOTH
def test_without_a_signer_every_page_says_that_it_is_not_signed(language: Language) -> None:
    unsigned = texts.say(words_cover.UNSIGNED, language)
    drawn = issued.plain("balance", language)
    heads = [line.page for line in pages.lines(drawn.pdf) if line.text.endswith(f", {unsigned}")]
    assert heads == list(range(1, drawn.pages + 1))
    assert "".join(unsigned.split()) not in joined(issued.full(language).pdf, 0)


def test_the_signature_names_the_key() -> None:
    text = joined(issued.full().pdf, 0)
    assert issued.FINGERPRINT in text
    assert said(words_statement.NOT_SIGNED, "en") in joined(issued.plain("balance").pdf, 0)


@BOTH
def test_simulated_data_make_a_specimen_of_every_page(language: Language) -> None:
    mark = texts.say(words_cover.WATERMARK, language)
    drawn = issued.plain("balance", language)
    assert [line.page for line in pages.lines(drawn.pdf) if line.text == mark] == list(range(1, drawn.pages + 1))
    assert said(words_cover.SPECIMEN, language) in joined(drawn.pdf, 1)


def test_real_data_make_none() -> None:
    text = joined(issued.real().pdf, 0)
    assert "SPECIMEN" not in text
    assert said(words_cover.SPECIMEN, "en") not in text


def test_no_deviation_is_said_to_be_none() -> None:
    found = pages.texts(issued.plain("thermometer").pdf)
    assert found[found.index("Deviations from the method") + 1] == "none"


@BOTH
@pytest.mark.parametrize("name", ["balance", "thermometer"])
def test_the_first_page_is_one_page_and_the_conditions_begin_on_the_next(name: str, language: Language) -> None:
    found = pages.lines(issued.plain(name, language).pdf)
    authorised, standards = texts.say(words_cover.AUTHORISED, language), texts.say(texts.STANDARDS, language)
    assert [line.page for line in found if line.text in (authorised, standards)][:2] == [1, 2]


def test_preparations_have_their_ticks_with_name_and_time() -> None:
    found = pages.texts(issued.plain("balance").pdf)
    at = found.index("levelled")
    assert (found[at - 1], found[at + 1]) == ("✓", "A. Example, 2026-03-10 08:41 UTC")


def test_the_room_is_told_at_the_start_and_end_with_lowest_highest_and_mean() -> None:
    found = pages.texts(issued.plain("balance", "de").pdf)
    at = found.index("Temperatur, °C")
    assert found[at + 1 : at + 8] == ["18 bis 27 °C", "21,3", "21,6", "21,2", "21,7", "21,5", "room-1"]


def test_answers_have_their_meaning_and_unit_and_the_customers_are_marked() -> None:
    text = joined(issued.full().pdf, 0)
    assert said("self-heating at the measuring current, from two currents or the data sheet", "en") in text
    assert said("5 mK (supplied by the customer)", "en") in text
    assert "suppliedbythecustomer" not in joined(issued.plain("thermometer").pdf, 0).casefold()


def test_nothing_is_recommended_about_the_interval_unless_it_was_agreed() -> None:
    """7.8.4.3."""
    assert said(words_statement.INTERVAL, "en") not in joined(issued.full().pdf, 0)
    assert "months" not in joined(issued.full().pdf, 0)
    text = issued.TEMPLATES["thermometer"].replace(b"months = 24", b"months = 24\nprint_on_certificate = true")
    agreed = issued.by("thermometer", text)
    assert said("Recommended after 24 months, as agreed with the customer.", "en") in joined(agreed.pdf, 0)


def test_without_limits_no_conformity_is_stated() -> None:
    before, after = issued.TEMPLATES["thermometer"].decode().split("[acceptance]")
    content = before.replace("max_U_ratio = 0.33", "") + "[interval]" + after.split("[interval]")[1]
    assert checking.check(content.encode()).template is not None
    found = issued.by("thermometer", content.encode())
    assert said(words_cover.NOT_ASKED, "en") in joined(found.pdf, 1)
    assert said(words_statement.NONE_STATED, "en") in joined(found.pdf, 0)
    assert "ILAC-G8" not in joined(found.pdf, 0)


def test_every_verdict_has_its_words() -> None:
    assert words.VERDICTS.keys() == words_cover.SENTENCES.keys()
    for verdict, sentence in words_cover.SENTENCES.items():
        name = words.VERDICTS[verdict]
        assert sentence.en.startswith(f"{name.en}: ")
        assert sentence.de.startswith(f"{name.de}: ")


def test_times_of_another_zone_are_printed_in_utc() -> None:
    """The same instant, written in New York."""
    when = examples.VALUES["balance"]["as_found"]["started"].replace("09:00:00+00:00", "04:00:00-05:00")
    assert when.endswith("-05:00")
    drawn = issued.drawn("balance", issued.issue(with_readings=False), (("as_found", "started"), when))
    assert "2026-03-10 09:00–10:00 UTC" in pages.texts(drawn.pdf)
