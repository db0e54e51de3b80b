"""What the certificate says about conformity: rule, specification and risk, looked up in the blocks that are drawn.

The risks are compared with those of the normal distribution, taken from scipy.
"""

import re

import pytest
from scipy import stats

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.documents.blocks import Block, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import conformity, cover
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.templates import checking
from tests.unit.services.calibration_documents import issued
from tests.unit.services.calibration_records import examples, simulated

Change = tuple[str, str]
NO_RATIO: Change = ("max_U_ratio = 0.33", "")
LIMIT = "abs = 150"
SIMPLE: tuple[Change, ...] = (('"non_binary"', '"simple"'), ('w     = "1.0*U"', ""))
GUARD: tuple[Change, ...] = (('"non_binary"', '"guard_band"'),)


def sheet(*changes: Change, language: Language = "en") -> Sheet:
    """Of the thermometer, done by a template with other words in it."""
    content = issued.TEMPLATES["thermometer"].decode()
    for old, new in changes:
        assert old in content
        content = content.replace(old, new)
    template = checking.check(content.encode()).template
    assert template is not None
    record = examples.record("thermometer", (("template", "sha256"), template.sha256))
    return Sheet(template, language, calculating.calculate(template, record), issued.issue(language), "00" * 32)


def said(blocks: list[Block]) -> str:
    found = []
    for block in blocks:
        if isinstance(block, Paragraph):
            found.append(block.text)
        elif isinstance(block, Table):
            found += [" | ".join(row) for row in block.rows]
    return "\n".join(found)


def risks(text: str) -> list[float]:
    """False acceptance, false rejection, and that of a conditional statement where there is one, in %."""
    return [float(each) for each in re.findall(r"of up to ([0-9.]+) %", text)]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ((), "pass"),
        (((LIMIT, "abs = 70"), NO_RATIO), "conditional pass"),
        (((LIMIT, "abs = 50"), NO_RATIO), "conditional fail"),
        (((LIMIT, "abs = 30"), NO_RATIO), "fail"),
        (((LIMIT, "abs = 15"), NO_RATIO), "no statement possible"),
        ((("max_shift = 0.02", "max_shift = 0.0001"),), "no statement possible"),
    ],
)
def test_the_first_page_and_the_statement_say_the_same(changes: tuple[Change, ...], verdict: str) -> None:
    found = sheet(*changes)
    assert found.results.verdict == verdict
    assert f"Statement of conformity | {verdict}: " in said(cover.blocks(found))
    assert f"the points in the table of results (as found): {verdict}." in said(conformity.blocks(found))


def test_simple_acceptance_shares_the_risk() -> None:
    text = said(conformity.blocks(sheet(*SIMPLE)))
    assert "simple acceptance" in text
    assert risks(text) == [50.0, 50.0]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_a_guard_band_moves_the_risk_to_the_other_side(factor: float) -> None:
    found = sheet(*GUARD, ('w     = "1.0*U"', f'w = "{factor}*U"'))
    text = said(conformity.blocks(found))
    (result,) = found.results.as_found.measurands
    smallest = min(one.uncertainty.k for one in result.points)
    outside = 100 * stats.norm.sf(factor * smallest)
    assert f"guard band of {factor:g} U" in text
    assert risks(text)[0] == pytest.approx(outside, abs=0.006)
    assert risks(text)[1] == pytest.approx(100 - 100 * stats.norm.sf(factor * 2.0), abs=0.1)


def test_between_the_guard_bands_a_statement_is_conditional() -> None:
    (result,) = sheet().results.as_found.measurands
    outside = 100 * stats.norm.sf(min(one.uncertainty.k for one in result.points))
    assert risks(said(conformity.blocks(sheet()))) == pytest.approx([outside, outside, 50.0], abs=0.006)


def test_the_largest_risk_is_that_of_the_point_nearest_to_a_limit() -> None:
    found = sheet((LIMIT, "abs = 70"), NO_RATIO)
    (result,) = found.results.as_found.measurands
    nearest = min(result.points, key=lambda one: 70 - abs(one.error))
    outside = 100 * stats.norm.sf((70 - abs(nearest.error)) / nearest.uncertainty.u_c)
    told = re.search(r"verdict of a point is wrong is ([0-9.]+) %", said(conformity.blocks(found)))
    assert told is not None
    assert float(told[1]) == pytest.approx(outside, abs=0.006)


def test_where_nothing_can_be_stated_there_is_no_risk() -> None:
    text = said(conformity.blocks(sheet((LIMIT, "abs = 15"), NO_RATIO)))
    assert "Risk:" not in text
    assert "is wrong" not in text


def test_a_check_point_that_moved_too_far_is_named_with_what_is_permitted() -> None:
    text = said(conformity.blocks(sheet(("max_shift = 0.02", "max_shift = 0.0001"))))
    assert "The check point 0 °C has moved by 3.36 mK; 0.1 mK are permitted." in text
    assert "is wrong" not in text


def test_the_specification_is_the_templates_with_its_limits() -> None:
    text = said(conformity.blocks(sheet(language="de")))
    assert "Grenzen der Korrektur, nach dem Verfahren KM-THERMOMETER-BATH, Version 1." in text
    assert "- | 100 | −150 | 150" in text
    assert "Sie ist die, die das Verfahren festlegt." in text
    agreed = sheet(("[interval]", "agreed_with_customer = true\n[interval]"))
    assert "The rule is agreed with the customer." in said(conformity.blocks(agreed))


def test_a_computed_result_fails_on_its_own() -> None:
    """The slope of the simulated electrode is beyond what the template permits; its points are within the limits."""
    template = examples.TEMPLATES["ph-meter"]
    results = calculating.calculate(template, simulated.record(template))
    text = said(conformity.blocks(Sheet(template, "en", results, issued.issue(), "00" * 32)))
    assert results.verdict == "fail"
    assert "table of results (as found): pass." in text
    assert "Computed results (as found): fail." in text


@pytest.mark.parametrize(
    ("share", "en", "de"),
    [(0.0, "< 0.01", "< 0,01"), (1.0, "> 99.99", "> 99,99"), (0.5, "50.00", "50,00"), (0.02276, "2.28", "2,28")],
)
def test_a_probability_is_never_none_or_all(share: float, en: str, de: str) -> None:
    assert conformity.percent(sheet(), share) == en
    assert conformity.percent(sheet(language="de"), share) == de
