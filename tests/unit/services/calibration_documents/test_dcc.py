"""The digital calibration certificate: what it says is what the results and the issue say, in both languages."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kleinmaelzung_services.calibration.documents.dcc import document
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.records.record import CountryCode
from kleinmaelzung_services.calibration.templates.template import Interval
from tests.unit.services.calibration_documents import dcc_cases as cases
from tests.unit.services.calibration_documents.dcc_cases import every, numbers, one, text, told, typed

ROOT = Path(__file__).parents[4]
PARTS = ("uncertainty", "coverageFactor", "coverageProbability")
VALUES = "si:realListXMLList/si:valueXMLList"
CORE = "dcc:administrativeData/dcc:coreData"
HOSTILE = 'Ω μ ± ß 张 <b>&amp;</b> ]]> https://example.org/?a=1&b="2"'


@pytest.mark.parametrize("kind", cases.KINDS)
def test_it_begins_as_the_standard_says_and_says_nothing_empty(kind: str) -> None:
    content = cases.xml(kind)
    assert content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<dcc:digitalCalibrationCertificate ')
    root = cases.root(kind)
    assert root.tag == "{https://ptb.de/dcc}digitalCalibrationCertificate"
    assert root.get("schemaVersion") == "3.2.0"
    assert {element.tag.partition("}")[0] for element in root.iter()} == {"{https://ptb.de/dcc", "{https://ptb.de/si"}
    for element in root.iter():
        assert len(element) or (element.text or "").strip(), element.tag


# What others write who make such files; a word of our own must not look like one of the PTB's.
KNOWN = {
    "basic_acceptanceLimitLower", "basic_acceptanceLimitUpper", "basic_conformity", "basic_humidityRelative",
    "basic_humidityRelativeMax", "basic_humidityRelativeMin", "basic_measuredValue", "basic_measurementError",
    "basic_methodMeasurementUncertainty", "basic_nominalValue", "basic_normalUsed", "basic_recalibration",
    "basic_referenceValue", "basic_serialNumber", "basic_temperature", "basic_temperatureMax", "basic_temperatureMin",
    "gp_table1",
}  # fmt: skip


@pytest.mark.parametrize("kind", cases.KINDS)
def test_names_that_the_ptb_does_not_have_are_marked_and_documented(kind: str) -> None:
    document_of_names = (ROOT / "docs" / "calibration-dcc.md").read_text()
    for element in cases.root(kind, cases.AMENDED).iter():
        for ref in element.get("refType", "").split():
            assert ref in KNOWN or f"`{ref.removeprefix('kleinmaelzung_')}`" in document_of_names, ref
            assert ref in KNOWN or ref.startswith("kleinmaelzung_")


@pytest.mark.parametrize("language", ["en", "de"])
def test_fixed_words_are_in_both_languages_and_the_documents_own_comes_first(language: Language) -> None:
    root = cases.root("balance", replace(cases.ISSUE, language=language))
    other = "de" if language == "en" else "en"
    assert [each.text for each in every(root, f"{CORE}/dcc:usedLangCodeISO639_1")] == [language, other]
    assert text(root, f"{CORE}/dcc:mandatoryLangCodeISO639_1") == language
    (name,) = (each for each in every(root, ".//dcc:statement/dcc:name") if "Konformitätsaussage" in told(each, "de"))
    assert [each.get("lang") for each in name] == [language, other]


def test_the_core_data_name_certificate_record_and_dates() -> None:
    core = one(cases.root("balance"), CORE)
    assert text(core, "dcc:uniqueIdentifier") == "K-2026-0007/1"
    assert [text(each, "dcc:value") for each in typed(core, "kleinmaelzung_record")] == ["SIM-2026-0001"]
    assert text(core, "dcc:receiptDate") == "2026-03-09"
    assert text(core, "dcc:beginPerformanceDate") == text(core, "dcc:endPerformanceDate") == "2026-03-10"
    assert text(core, "dcc:issueDate") == "2026-03-12"
    assert text(core, "dcc:performanceLocation") == "laboratory"


def test_the_country_is_that_of_the_laboratory_or_said_to_be_unknown() -> None:
    found = cases.results("balance")
    assert text(cases.parsed(found), f"{CORE}/dcc:countryCodeISO3166_1") == "ZZ"
    laboratory = replace(found.record.laboratory, country=CountryCode("CH"))
    root = cases.parsed(replace(found, record=replace(found.record, laboratory=laboratory)))
    assert text(root, f"{CORE}/dcc:countryCodeISO3166_1") == "CH"
    assert text(root, ".//dcc:calibrationLaboratory//dcc:countryCode") == "CH"


def test_software_is_named_with_its_versions() -> None:
    issue = replace(cases.ISSUE, software="kleinmaelzung 0.1.0, numpy 2.1")
    listed = one(cases.root("balance", issue), "dcc:administrativeData/dcc:dccSoftware")
    assert [(told(each), text(each, "dcc:release")) for each in listed] == [
        ("kleinmaelzung", "0.1.0"),
        ("numpy", "2.1"),
    ]


def test_software_without_a_version_has_a_dash_and_none_at_all_is_refused() -> None:
    listed = one(cases.root("balance", replace(cases.ISSUE, software="ours")), "dcc:administrativeData/dcc:dccSoftware")
    assert [(told(each), text(each, "dcc:release")) for each in listed] == [("ours", "-")]
    with pytest.raises(CalibrationError, match=r"issue\.software is empty"):
        document.xml(cases.results("balance"), replace(cases.ISSUE, software=" , "))


def test_the_item_is_named_as_it_is_and_what_it_lacks_is_left_out() -> None:
    item = one(cases.root("balance"), ".//dcc:item")
    values = [text(each, "dcc:value") for each in every(item, "dcc:identifications/dcc:identification")]
    assert values == ["SIM-0001", "balance-1", "KM-017"]
    assert text(item, "dcc:model") == "SIM-224"
    assert text(item, ".//dcc:release") == "1.4"
    assert "clean, no damage" in told(item)
    bare = one(cases.parsed(cases.with_item(cases.results("balance"), asset="", firmware="")), ".//dcc:item")
    assert len(every(bare, "dcc:identifications/dcc:identification")) == 2
    assert every(bare, "dcc:installedSoftwares") == []


def test_who_released_it_signs_it() -> None:
    people = every(cases.root("balance"), ".//dcc:respPerson")
    assert [(text(each, "dcc:role"), text(each, "dcc:mainSigner")) for each in people] == [
        ("operator", "false"), ("reviewer", "false"), ("approver", "true"),
    ]  # fmt: skip
    assert "released on 2026-03-10T11:30:00+00:00" in told(people[2])


def test_an_amendment_names_what_it_replaces_with_its_hash_reason_and_changes() -> None:
    root = cases.root("balance", cases.AMENDED)
    assert text(root, f"{CORE}/dcc:uniqueIdentifier") == "K-2026-0007/2"
    previous = one(root, f"{CORE}/dcc:previousReport")
    assert text(previous, "dcc:referralID") == "K-2026-0007/1"
    assert (text(previous, "dcc:procedure"), text(previous, "dcc:value")) == ("SHA-256", "ab" * 32)
    (statement,) = typed(one(root, ".//dcc:statements"), "kleinmaelzung_amendment")
    assert 'customer.name: "Mälzrei" is now "Mälzerei"' in told(statement)
    assert "K-2026-0007/1: a name was misspelt" in told(statement, "de")


def test_an_amendment_of_a_file_without_a_hash_says_so() -> None:
    previous = one(cases.root("balance", replace(cases.AMENDED, replaces_sha256="")), f"{CORE}/dcc:previousReport")
    assert text(previous, "dcc:value") == "-"
    assert "hash of the file is not known" in told(previous)


def test_a_first_certificate_replaces_nothing() -> None:
    root = cases.root("balance")
    assert every(root, ".//dcc:previousReport") == []
    assert typed(root, "kleinmaelzung_amendment") == []


def test_simulated_data_are_a_specimen_wherever_a_name_is_shown() -> None:
    root = cases.root("balance")
    for path in (".//dcc:item/dcc:name", ".//dcc:measurementResult/dcc:name", ".//dcc:measuringEquipment/dcc:name"):
        for name in every(root, path):
            assert told(name).startswith("SPECIMEN: ")
            assert told(name, "de").startswith("MUSTER: ")
    assert len(typed(root, "kleinmaelzung_specimen")) == 2
    assert text(root, ".//dcc:statement/dcc:traceable") == "false"


def test_measured_data_are_no_specimen_and_are_traceable() -> None:
    found = cases.results("balance")
    content = document.xml(replace(found, record=replace(found.record, is_simulated=False)), cases.ISSUE)
    assert b"SPECIMEN" not in content
    assert b"kleinmaelzung_specimen" not in content
    assert b"<dcc:traceable>true</dcc:traceable>" in content


def test_every_mandatory_sentence_is_there() -> None:
    said = told(one(cases.root("balance"), ".//dcc:statements"))
    (deviation,) = cases.results("balance").record.deviations
    for sentence in (
        "relate only to the item calibrated",
        "not be reproduced except in full",
        f"{deviation.text} ({deviation.by}, {deviation.at.isoformat()})",
        "No adjustment was made",
        "Room 1.07",
    ):
        assert sentence in said


def test_what_the_customer_supplied_and_opinions_are_told_apart() -> None:
    found = cases.results("balance")
    record = replace(found.record, from_customer=("load limit 200 g",), opinions=("fit for malt",))
    root = cases.parsed(replace(found, record=record))
    (customer,), (opinions,) = (typed(root, f"kleinmaelzung_{name}") for name in ("fromCustomer", "opinions"))
    assert "load limit 200 g" in told(customer)
    assert "can affect the validity" in told(customer)
    assert told(opinions).endswith("fit for malt")


def test_the_interval_is_told_only_where_it_is_agreed() -> None:
    found = cases.results("balance")
    for is_agreed, periods in ((False, []), (True, ["P12M"])):
        interval = Interval(months=12, print_on_certificate=is_agreed)
        root = cases.parsed(replace(found, template=replace(found.template, interval=interval)))
        assert [text(each, "dcc:period") for each in typed(root, "basic_recalibration")] == periods


@pytest.mark.parametrize("kind", cases.KINDS)
def test_numbers_are_those_of_the_results_to_the_last_digit(kind: str) -> None:
    results = cases.results(kind)
    series = [results.as_found, *([results.as_left] if results.as_left else [])]
    measured = every(cases.root(kind), "dcc:measurementResults/dcc:measurementResult")
    expected = [found for one_series in series for found in one_series.measurands]
    assert len(measured) == len(expected)
    for element, found in zip(measured, expected, strict=True):
        tables = typed(element, "gp_table1")
        is_error = found.measurand.direction == "error"
        errors = "basic_measurementError" if is_error else "kleinmaelzung_correction"
        for ref, values in (
            ("basic_nominalValue", [point.nominal for point in found.points]),
            ("basic_referenceValue", [point.reference for point in found.points]),
            ("basic_measuredValue", [point.indication for point in found.points]),
            (errors, [point.error for point in found.points]),
        ):
            columns = [each for table in tables for each in typed(table, ref)]
            assert [value for each in columns for value in numbers(each, VALUES)] == values
        stated = [(point.uncertainty.expanded, point.uncertainty.k, point.uncertainty.p) for point in found.points]
        parts = [
            [
                value
                for each in every(element, f".//si:{part}XMLList")
                for value in map(float, (each.text or "").split())
            ]
            for part in PARTS
        ]
        assert list(zip(*parts, strict=True)) == stated
        rows = sum(len(numbers(each, VALUES)) for table in tables for each in typed(table, "basic_nominalValue"))
        assert rows == len(found.points)


def column(kind: str, ref: str) -> list[float]:
    (quantity,) = typed(cases.root(kind), ref)
    return numbers(quantity, VALUES)


def test_limits_and_verdicts_stand_with_the_errors() -> None:
    points = cases.results("conditional").as_found.measurands[0].points
    decisions = [point.decision for point in points if point.decision]
    verdicts = {"pass": "pass", "conditional pass": "conditionalPass", "conditional fail": "conditionalFail"}
    (errors,) = typed(cases.root("conditional"), "kleinmaelzung_correction")
    metadata = one(errors, "dcc:measurementMetaData/dcc:metaData")
    assert text(metadata, "dcc:conformityXMLList").split() == [verdicts[each.statement.verdict] for each in decisions]
    assert set(text(metadata, "dcc:conformityXMLList").split()) == set(verdicts.values())
    accepted = [each.statement.acceptance for each in decisions]
    assert column("conditional", "basic_acceptanceLimitLower") == [float(low or 0) for low, _ in accepted]
    assert column("conditional", "basic_acceptanceLimitUpper") == [float(high or 0) for _, high in accepted]
    assert column("conditional", "kleinmaelzung_toleranceLimitLower") == [-50.0] * len(points)
    assert column("conditional", "kleinmaelzung_toleranceLimitUpper") == [50.0] * len(points)
    probabilities = [each.statement.p_conform for each in decisions]
    assert column("conditional", "kleinmaelzung_conformanceProbability") == probabilities
    assert "ILAC-G8" in told(metadata)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("thermometer", ["pass"]), ("conditional", ["conditionalFail"]), ("no statement", []), ("no limits", [])],
)
def test_the_overall_verdict_is_a_status_only_where_there_is_one(kind: str, status: list[str]) -> None:
    (statement,) = typed(one(cases.root(kind), ".//dcc:statements"), "basic_conformity")
    assert [each.text for each in every(statement, "dcc:conformity")] == status


def test_a_point_without_a_statement_leaves_the_list_out_and_is_named() -> None:
    (errors,) = typed(cases.root("no statement at some"), "kleinmaelzung_correction")
    assert every(errors, ".//dcc:conformityXMLList") == []
    (verdicts,) = typed(errors, "kleinmaelzung_verdicts")
    words = text(verdicts, "dcc:charsXMLList").split()
    points = cases.results("no statement at some").as_found.measurands[0].points
    assert [word == "noStatement" for word in words] == [point.nominal <= 50 for point in points]
    assert "pass" in words
    assert "No statement is possible at: 0 °C, 25 °C, 50 °C." in told(errors)


def test_without_limits_nothing_is_said_of_conformity() -> None:
    root = cases.root("no limits")
    assert every(root, ".//dcc:conformityXMLList") == every(root, ".//dcc:measurementMetaData") == []
    assert "No conformity is stated." in told(root)


def test_a_limit_that_is_not_there_is_no_number() -> None:
    assert typed(cases.root("limits on one side"), "basic_acceptanceLimitUpper") == []
    assert set(column("limits on one side", "kleinmaelzung_toleranceLimitLower")) == {-150.0}
    (some,) = typed(cases.root("limits on both sides of some"), "kleinmaelzung_toleranceLimitLower")
    assert text(some, "dcc:charsXMLList").split() == [*"---", *["-150.0"] * 4, *"---"]


def test_before_and_after_an_adjustment_stand_apart() -> None:
    root = cases.root("adjusted: balance")
    before, after = every(root, "dcc:measurementResults/dcc:measurementResult")
    for element, word, name in ((before, "before", "as found"), (after, "after", "as left")):
        assert element.get("refType") == f"kleinmaelzung_{word}Adjustment"
        assert told(one(element, "dcc:name")) == f"SPECIMEN: mass, {name}"
        assert {each.text for each in every(element, ".//dcc:status")} == {f"{word}Adjustment"}
    assert text(root, f"{CORE}/dcc:beginPerformanceDate") == "2026-03-10"
    assert text(root, f"{CORE}/dcc:endPerformanceDate") == "2026-03-11"
    statements = typed(one(root, ".//dcc:statements"), "basic_conformity")
    assert [each.get("refType") for each in statements] == [
        "basic_conformity kleinmaelzung_beforeAdjustment",
        "basic_conformity kleinmaelzung_afterAdjustment",
    ]
    (adjustment,) = typed(root, "kleinmaelzung_adjustment")
    assert "span set" in told(adjustment)
    assert "before: 1.0000\nafter: 0.9998" in told(adjustment)


def test_a_chamber_has_a_result_for_each_quantity_with_the_standards_of_its_own() -> None:
    temperature, humidity = every(cases.root("made up: climate-chamber"), ".//dcc:measurementResult")
    for element, name, symbol in (
        (temperature, "thermometers", "\\degreecelsius"),
        (humidity, "hygrometers", "\\percent"),
    ):
        (reference, *_) = typed(element, "basic_referenceValue")
        assert text(reference, ".//si:unitXMLList") == symbol
        used = every(element, ".//dcc:measuringEquipment")
        assert used
        assert all(f"used as {name}" in told(each) for each in used)
        assert len(typed(element, "kleinmaelzung_uniformity")) == 3
    assert "relative humidity" in told(one(humidity, "dcc:description"))
    assert "relative humidity" not in told(one(temperature, "dcc:description"))


def test_the_methods_name_the_template_by_version_and_hash() -> None:
    template = cases.results("balance").template
    (method,) = typed(cases.root("balance"), "kleinmaelzung_template")
    references = [each.text for each in every(method, "dcc:reference")]
    assert references == ["KM-BALANCE-200G, version 1", f"sha256:{template.sha256}"]
    assert "\n".join(template.method) in told(method)
    (uncertainty,) = typed(cases.root("balance"), "basic_methodMeasurementUncertainty")
    assert "95.45 %" in told(uncertainty)
    assert "95,45 %" in told(uncertainty, "de")


def test_a_standard_stands_there_with_its_certificate() -> None:
    (weights,) = typed(cases.root("balance"), "basic_normalUsed")
    assert text(weights, "dcc:certificate/dcc:referralID") == "SIM-M-2025-0815"
    assert told(one(weights, "dcc:certificate/dcc:referral")) == "Simulated accredited laboratory"
    assert text(weights, "dcc:certificate/dcc:inValidityRange") == "true"
    assert "calibrated on 2025-06-02, due on 2027-06-02" in told(weights)
    assert [text(each, "dcc:value") for each in every(weights, ".//dcc:identification")] == ["W-1001", "WS-E2-01"]


def test_the_room_is_told_by_its_smallest_and_largest_values() -> None:
    conditions = every(cases.root("balance"), ".//dcc:influenceCondition")
    refs = [each.get("refType") for each in conditions]
    assert refs == ["basic_temperature", "basic_humidityRelative", "kleinmaelzung_airPressure"]
    (low,), (high,) = (typed(cases.root("balance"), f"basic_temperature{end}") for end in ("Min", "Max"))
    assert (numbers(low, "si:real/si:value"), numbers(high, "si:real/si:value")) == ([21.2], [21.7])
    assert text(low, "si:real/si:unit") == "\\degreecelsius"


def test_what_the_other_tests_found_is_there() -> None:
    found = cases.results("balance").as_found.measurands[0]
    assert found.spread is not None
    assert found.hysteresis is not None
    assert found.linearity is not None
    root = cases.root("balance")
    (spread,) = typed(root, "kleinmaelzung_repeatability")
    assert tuple(numbers(spread, ".//si:valueXMLList")) == found.spread.indications
    assert numbers(spread, ".//si:real/si:value") == [found.spread.s]
    (eccentricity,) = typed(root, "kleinmaelzung_eccentricity")
    values = [float(each.text or "") for each in every(eccentricity, ".//si:value")]
    assert values == [*found.places[0].differences[1:], found.places[0].largest]
    (hysteresis,), (linearity,) = (typed(root, f"kleinmaelzung_{name}") for name in ("hysteresis", "linearity"))
    assert numbers(hysteresis, ".//si:value") == [found.hysteresis.value]
    values = [float(each.text or "") for each in every(linearity, ".//si:value")]
    assert values == [found.linearity.independent.value, found.linearity.terminal.value]


def test_a_computed_result_has_its_limits_and_verdict() -> None:
    found = cases.results("made up: ph-meter").as_found.measurands[0]
    (computed,) = typed(cases.root("made up: ph-meter"), "kleinmaelzung_computed")
    rows = every(computed, "dcc:data/dcc:quantity")
    assert [numbers(row, "si:real/si:value") for row in rows] == [[each.value] for each in found.computed]
    for row, each in zip(rows, found.computed, strict=True):
        expanded = [numbers(row, f"si:real/si:expandedUnc/si:{part}")[0] for part in PARTS if each.uncertainty]
        sure = each.uncertainty
        assert expanded == ([sure.expanded, sure.k, sure.p] if sure else [])
        assert ("No U is stated" in told(row)) == bool(each.why_not) == (sure is None)
        stated = [one.text for one in every(row, ".//dcc:conformity")]
        assert stated == ([] if (each.lower, each.upper) == (None, None) else ["pass" if each.is_permitted else "fail"])


@pytest.mark.parametrize("char", ["\x00", "\x0b", "\x1f", "\ufffe", "\ud800"])
def test_what_xml_cannot_hold_is_refused_with_its_place(char: str) -> None:
    found = cases.with_item(cases.results("balance"), maker=f"Ex{char}ample")
    with pytest.raises(CalibrationError) as caught:
        document.xml(found, cases.ISSUE)
    assert caught.value.field == "record.item.maker"
    assert f"U+{ord(char):04X}, its character 3" in caught.value.rule
    assert caught.value.remedy == "take it out"


def test_a_control_character_is_found_wherever_it_stands() -> None:
    found = cases.results("balance")
    with pytest.raises(CalibrationError) as caught:
        document.xml(found, replace(cases.AMENDED, reason="because\x07"))
    assert caught.value.field == "issue.reason"
    with pytest.raises(CalibrationError) as caught:
        document.xml(replace(found, template=replace(found.template, method=("good", "\x01"))), cases.ISSUE)
    assert caught.value.field == "template.method[1]"


@pytest.mark.parametrize("hostile", [HOSTILE, "long " * 2000, "  between spaces  "])
def test_everything_else_is_taken_literally(hostile: str) -> None:
    found = cases.with_item(cases.results("balance"), maker=hostile, serial=hostile, model=hostile)
    item = one(cases.parsed(found), ".//dcc:item")
    assert text(item, "dcc:manufacturer/dcc:name/dcc:content") == hostile
    assert text(item, "dcc:model") == hostile.strip()
    assert text(typed(item, "basic_serialNumber")[0], "dcc:value") == hostile.strip()


def test_what_must_be_there_and_is_empty_is_refused() -> None:
    with pytest.raises(CalibrationError, match=r"issue\.number is empty"):
        document.xml(cases.results("balance"), replace(cases.ISSUE, number=" "))
    with pytest.raises(CalibrationError, match=r"item\.serial is empty"):
        document.xml(cases.with_item(cases.results("balance"), serial="\t"), cases.ISSUE)


def test_a_coverage_factor_below_one_is_refused_for_the_schema_has_none() -> None:
    found = cases.results("balance")
    measurand = found.as_found.measurands[0]
    points = tuple(replace(point, uncertainty=replace(point.uncertainty, k=0.87, p=0.5)) for point in measurand.points)
    series = replace(found.as_found, measurands=(replace(measurand, points=points),))
    with pytest.raises(CalibrationError, match=r"the coverage factor k is 0\.87, but .* 1 and more: state U"):
        document.xml(replace(found, as_found=series), cases.ISSUE)


def test_each_factor_says_what_distribution_it_comes_from() -> None:
    found = cases.results("balance")
    measurand = found.as_found.measurands[0]
    kinds = [("t", 9.0), ("t", float("inf")), ("rectangular", 9.0), ("monte carlo", 9.0), ("fixed", 9.0)]
    points = tuple(
        replace(point, uncertainty=replace(point.uncertainty, basis=basis, nu_eff=dof))  # type: ignore[arg-type]
        for point, (basis, dof) in zip(measurand.points, kinds, strict=False)
    )
    series = replace(found.as_found, measurands=(replace(measurand, points=points),))
    words = text(cases.parsed(replace(found, as_found=series)), ".//si:distributionXMLList").split()
    assert words == ["t", "normal", "rectangular", "monteCarlo", "normal"]


def test_the_same_results_give_the_same_bytes_in_another_process_and_time_zone() -> None:
    program = (
        "import hashlib; from tests.unit.services.calibration_documents import dcc_cases as cases;"
        "print(hashlib.sha256(cases.xml('balance', cases.AMENDED)).hexdigest())"
    )
    seen = {hashlib.sha256(cases.xml("balance", cases.AMENDED)).hexdigest()}
    for zone, seed in (("Asia/Tokyo", "1"), ("America/Lima", "2")):
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        seen.add(ran.stdout.strip())
    assert len(seen) == 1
