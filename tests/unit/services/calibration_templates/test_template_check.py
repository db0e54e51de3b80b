"""What is wrong in a template: each rule once, with the key, the line, what was found and what to do, all in one go."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.templates import checking
from kleinmaelzung_services.calibration.templates.checking import Checked
from kleinmaelzung_services.calibration.templates.mistakes import Mistake
from kleinmaelzung_services.calibration.templates.template import Fit, Points, Source, Template
from tests.unit.services.calibration_templates.refusals import (
    BALANCE,
    BATH,
    CHAMBER,
    PH,
    PIPETTE,
    REFUSED,
    SENSOR,
    TEXTS,
)


def check(text: str) -> Checked:
    return checking.check(text.encode())


def mistakes(text: str) -> tuple[Mistake, ...]:
    checked = check(text)
    assert checked.template is None
    return checked.mistakes


def read(text: str) -> Template:
    checked = check(text)
    assert checked.mistakes == ()
    assert checked.template is not None
    return checked.template


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize(("text", "old", "new", "path", "rule", "line"), REFUSED, ids=lambda part: str(part)[:30])
def test_each_mistake_is_found_with_its_key_and_line(
    text: str, old: str, new: str, path: str, rule: str, line: str
) -> None:
    wrong = changed(text, old, new)
    found = [one for one in mistakes(wrong) if one.path == path and rule in one.rule]
    assert len(found) == 1, [str(one) for one in mistakes(wrong)]
    assert line in wrong.split("\n")[found[0].line - 1]
    assert found[0].remedy


# Here something else depends on what is wrong, and is rightly named too: a role or an input that formulas use, ...
WITH_CONSEQUENCES = {
    'channel = "pressure"',
    'measurand = "temperature"',
    "# no raw signal",  # which the fit needs too
    "resolution = 200",  # and max_range is below it
    'role = "ambient"',
    'role = "reference"',
    'type = "A"',
    "{ upto = 50, rel = 0.1, upper = 1 }",
    "points = [4.006]",
    "points = [0, 100]\nrepeats = 1",
    "order = 0\nthrough_origin = true\n",
    'name = "2nd"\nunit = "mg"',
    'name = "max"\nunit = "mg"',
    'name = "load"\nunit = "mg"',
    'name = "lambda"',
}


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [case[:3] for case in REFUSED if case[2] not in WITH_CONSEQUENCES],
    ids=lambda part: str(part)[:30],
)
def test_one_mistake_is_reported_as_one(text: str, old: str, new: str) -> None:
    assert len(mistakes(changed(text, old, new))) == 1


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    wrong = BALANCE
    for old, new in [
        ('direction       = "error"', ""),
        ("range       = [0, 200]", "rnage = [0, 200]"),
        ("min_samples     = 8", "min_samples = 8.5"),
        ("points = [0, 10, 50,", "points = [0, 10, 10,"),
        ('half_width   = "d/2"', 'half_width = "dd/2"'),
        ('basis = "nominal"', ""),
    ]:
        wrong = changed(wrong, old, new)
    found = mistakes(wrong)
    assert [one.path for one in found] == [
        "direction",
        "instrument.range",
        "instrument.rnage",
        "stability.min_samples",
        "test[2].points[2]",
        "budget.component[0].half_width",
        "acceptance.basis",
    ]
    assert [one.line for one in found] == sorted(one.line for one in found)


@pytest.mark.parametrize(
    ("text", "old", "new", "remedy"),
    [
        (BALANCE, "title           =", "titel =", 'did you mean "title"?'),
        (BALANCE, "stable_flag =", "stable_flga =", 'did you mean "stable_flag"?'),
        (BALANCE, "max_slope_per_s =", "max_slope =", 'did you mean "max_slope_per_s"?'),
        (BALANCE, "skip_at_zero =", "skip_zero =", 'did you mean "skip_at_zero"?'),
        (BALANCE, 'kind   = "points" ', 'kind = "pionts" #', 'did you mean "points"?'),
        (BALANCE, 'rule  = "guard_band"', 'rule = "nonbinary"', 'did you mean "non_binary"?'),
        (BALANCE, 'distribution = "rectangular"', 'distribution = "rectangel"', 'did you mean "rectangular"?'),
        (BALANCE, '"standard:weights"', '"standard:weight"', 'did you mean "weights"?'),
        (BALANCE, '"ecc_max/', '"ec_max/', 'did you mean "ecc_max"?'),
        (BALANCE, 'order  = "up-down"', 'order = "updown"', 'did you mean "up-down"?'),
        (BATH, 'order           = "up-down"', 'order = "up"', 'order = "up-down"'),
        (BATH, '"standard:bath.u_stability"', '"standard:bath.u_radiation"', 'add "u_radiation" to its needs'),
        (PIPETTE, '"balance.d/2"', '"balance.resolution/2"', 'add needs = ["resolution"] to the standard balance'),
        (CHAMBER, '"uniformity_max"', '"s_points"', "add repeats = 2 or more"),
        (BALANCE, '"d/2"', '"ambient.co2"', "add co2 to [environment]"),
        (BALANCE, '"d/2"', '"scale.U"', 'add [[standards]] with role = "scale"'),
    ],
)
def test_what_to_do_is_said(text: str, old: str, new: str, remedy: str) -> None:
    found = mistakes(changed(text, old, new))
    assert any(remedy in one.remedy for one in found), [str(one) for one in found]


def test_a_mistake_reads_as_a_sentence_with_line_key_value_rule_and_remedy() -> None:
    (found,) = mistakes(changed(BALANCE, "points = [0, 10, 50,", "points = [0, 10, 250,").replace("250, 100", "250"))[
        :1
    ]
    line = next(number for number, text in enumerate(BALANCE.split("\n"), 1) if text.startswith("points = "))
    assert str(found) == (
        f"line {line}: test[2].points[2]: found 250; is outside the instrument's range 0 to 200 g; "
        "leave it out, or correct instrument.range"
    )


@pytest.mark.parametrize(
    ("content", "line", "rule"),
    [
        (b"a = 1\nb = \n", 2, "is not TOML: Invalid value"),
        (b"a = 1\na = 2\n", 2, "is not TOML: Cannot overwrite a value"),
        (b"a = 1\nb = '\xff'\n", 2, "is not UTF-8 at byte 11"),
        (b"\xef\xbb\xbfa = 1\n", 1, "begins with a byte order mark"),
        (b"a = " + b"[" * 5000, 1, "is "),
        (b"a = 1" + b"0" * 5000, 1, "is not TOML"),
        (b"# " + b"x" * 300_000, 1, "has 300002 bytes"),
        (b"a = 1\r\nb = 2\r\nc =\r\n", 3, "is not TOML"),
    ],
)
def test_what_is_no_toml_is_one_mistake_with_its_line(content: bytes, line: int, rule: str) -> None:
    (found,) = checking.check(content).mistakes
    assert (found.line, found.path) == (line, "")
    assert rule in found.rule


def test_a_huge_number_is_refused_and_not_written_out() -> None:
    huge = f"0x{'f' * 5000}"
    (found,) = mistakes(changed(BALANCE, "max_range       = 0.0002", f"max_range = {huge}"))
    assert found.found == "a very large number"
    assert mistakes(changed(BALANCE, "months = 12", f"months = {huge}"))
    assert mistakes(changed(BALANCE, 'half_width   = "d/2"', f"half_width = {huge}"))


def test_a_flood_of_unknown_keys_is_cut_and_counted() -> None:
    flood = "".join(f"{'k' * 300}{number} = 1\n" for number in range(500))
    found = [one for one in mistakes(flood + BALANCE) if "unknown key" in one.rule]
    assert len(found) == 21
    assert found[-1].rule == "480 more unknown keys, this is the first"
    assert max(len(str(one)) for one in found) < 300


def test_a_curve_of_second_order_needs_three_points() -> None:
    quadratic = changed(PH, "order  = 1\n", "order = 2\n")
    (found,) = mistakes(changed(changed(quadratic, "[4.006, 6.865, 9.180]", "[4.006, 9.180]"), '"linearity", ', ""))
    assert (found.path, found.rule) == ("fit.order", "a quadratic curve needs 3 points at least, there are 2")
    assert read(quadratic).measurands[0].fit


def test_through_the_origin_one_parameter_less_is_needed() -> None:
    text = changed(PH, "order  = 1\n", "order = 1\nthrough_origin = true\n")
    text = text[: text.index("[[result]]")] + text[text.index("[interval]") :]
    text = changed(changed(text, "[4.006, 6.865, 9.180]", "[4.006]"), '"linearity", ', "").replace(', "results"', "")
    assert read(text).measurands[0].fit


def test_a_budget_without_components_is_refused() -> None:
    text = BALANCE[: BALANCE.index("[[budget.component]]")] + BALANCE[BALANCE.index("[acceptance]") :]
    (found,) = mistakes(text)
    assert (found.path, found.rule) == (
        "budget.component",
        "there is no component: a result without uncertainty is no result",
    )


def test_a_template_that_measures_no_points_is_refused() -> None:
    text = BALANCE[: BALANCE.index('[[test]]\nkind   = "points"')] + BALANCE[BALANCE.index("[[input]]") :]
    (found,) = [one for one in mistakes(text) if one.path == "test"]
    assert found.rule == "no test measures points of mass"


def test_a_share_of_the_tolerance_needs_a_tolerance() -> None:
    text = BALANCE[: BALANCE.index("[acceptance]")] + BALANCE[BALANCE.index("[interval]") :]
    (found,) = mistakes(text)
    assert (found.path, found.found) == ("standards[0].max_U_ratio", "0.33")
    assert read(changed(text, "max_U_ratio = 0.33", "#")).measurands[0].acceptance is None


def test_a_second_test_of_a_kind_that_the_budget_names_is_refused() -> None:
    second = '[[test]]\nkind = "repeatability"\nload = 50\nrepeats = 6\n\n[[input]]'
    (found,) = mistakes(changed(BALANCE, "[[input]]", second))
    assert (found.path, found.rule) == (
        "test[3]",
        "there is a repeatability test already: the budget could not tell them apart",
    )


def test_a_list_of_no_measurands_is_refused() -> None:
    assert "the list is empty" in [
        one.rule for one in mistakes("measurand = []\n" + BALANCE) if one.path == "measurand"
    ]


def test_nothing_at_all_is_told_once() -> None:
    (found,) = mistakes("")
    assert (found.path, found.rule) == ("schema", "missing, expected a text")


def test_a_file_with_the_schema_only_lists_what_it_needs() -> None:
    found = {one.path for one in mistakes('schema = "calibration-template/1"')}
    assert found == {
        "id", "version", "title", "instrument_type", "method", "quantity", "unit", "direction",
        "instrument", "stability", "budget", "standards", "test",
    }  # fmt: skip


def test_the_hash_is_that_of_the_bytes_also_of_a_wrong_file() -> None:
    for content in (BALANCE.encode(), b"\xff"):
        assert checking.check(content).sha256 == hashlib.sha256(content).hexdigest()
    assert read(BALANCE).sha256 == hashlib.sha256(BALANCE.encode()).hexdigest()


def test_the_hash_tells_a_changed_comment() -> None:
    assert read(BALANCE).sha256 != read(BALANCE + "# more\n").sha256


_WORDS = sorted({word for text in TEXTS.values() for word in text.split()})
_EDITS: list[Callable[[str], str]] = [
    lambda line: "",
    lambda line: line + "\n" + line,
    lambda line: line.replace("=", "= -"),
    lambda line: line.replace('"', ""),
    lambda line: line.split("=")[0] + "= []",
    lambda line: line.split("=")[0] + "= {}",
    lambda line: line.split("=")[0] + '= "x"',
    lambda line: line.split("=")[0] + "= nan",
    lambda line: line.split("=")[0] + "= 1979-05-27",
    lambda line: line.split("=")[0] + "= [[1], {a = 1}]",
    lambda line: line.split("=")[0] + "= true",
    lambda line: line.split("=")[0] + "= 99999999999999999999",
    lambda line: "x" + line,
]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(TEXTS)),
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(range(len(_EDITS)))), min_size=1, max_size=4),
)
def test_whatever_a_line_becomes_the_answer_is_a_template_or_mistakes(name: str, edits: list[tuple[int, int]]) -> None:
    written = TEXTS[name].split("\n")
    for line, edit in edits:
        at = line % len(written)
        written[at] = _EDITS[edit](written[at])
    checked = check("\n".join(written))
    assert (checked.template is None) == bool(checked.mistakes)
    for found in checked.mistakes:
        assert 1 <= found.line <= "\n".join(written).count("\n") + 1
        assert found.rule
        assert found.remedy


def test_numbers_of_limits_are_in_the_error_unit() -> None:
    acceptance = (
        read(changed(BALANCE, "{ upto = 50, abs = 1.0 }", '{ upto = 50, abs = 0.0005, unit = "g" }'))
        .measurands[0]
        .acceptance
    )
    assert acceptance is not None
    small, large = acceptance.limits
    assert (small.above, small.upto) == (float("-inf"), 50)
    assert small.upper == pytest.approx(0.5)
    assert (large.above, large.upto, large.lower) == (50, 200, -2.0)
    assert (acceptance.rule, acceptance.guard_factor) == ("guard", 1.0)


@pytest.mark.parametrize(
    ("written", "rule", "factor"),
    [
        ('rule = "simple"', "simple", 0.0),
        ('rule = "simple"\nw = 0', "simple", 0.0),
        ('rule = "guard_band"\nw = "0.83*U"', "guard", 0.83),
        ('rule = "guard_band"\nw = "3*U"', "guard", 3.0),
        ('rule = "non_binary"\nw = "1.5 * U"', "nonbinary", 1.5),
    ],
)
def test_the_guard_band_is_a_multiple_of_u(written: str, rule: str, factor: float) -> None:
    acceptance = read(changed(BALANCE, 'rule  = "guard_band"\nw     = "1.0*U"', written)).measurands[0].acceptance
    assert acceptance is not None
    assert acceptance.rule == rule
    assert acceptance.guard_factor == pytest.approx(factor)


@pytest.mark.parametrize(
    ("written", "k"),
    [('rule = "k=2"', 2.0), ('rule = "k=1.65"', 1.65), ('rule = "t-nu_eff-truncated"', None), ("", None)],
)
def test_the_coverage_factor_is_fixed_or_follows_from_p(written: str, k: float | None) -> None:
    coverage = read(changed(BALANCE, 'rule = "t-nu_eff-truncated"', written)).measurands[0].budget.coverage
    assert (coverage.p, coverage.k) == (0.9545, k)


def test_a_seeded_random_order_is_read() -> None:
    text = changed(SENSOR, 'order           = "up-down"', 'order = "random(42)"')
    text = changed(changed(text, '"hysteresis_max/2"', "0.1"), '"hysteresis", ', "")
    points = read(text).tests[0]
    assert isinstance(points, Points)
    assert (points.order, points.seed, points.readings) == ("random", 42, 12)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('source = "standard:bath"', Source(kind="standard", name="bath")),
        ('source = "standard:bath.u_stability"', Source(kind="standard", name="bath", field="u_stability", means="u")),
        (
            'source = "standard:bath.u_stability"\nas = "half_width"\ndistribution = "arcsine"',
            Source(kind="standard", name="bath", field="u_stability", means="half_width"),
        ),
        ('source = "standard:bath.mpe"\nas = "u"', Source(kind="standard", name="bath", field="mpe", means="u")),
    ],
)
def test_what_the_number_of_a_standard_is(source: str, expected: Source) -> None:
    old = 'type         = "B"\ndistribution = "rectangular"\nsource       = "standard:bath.u_stability"'
    components = read(changed(BATH, old, f'type = "B"\n{source}')).measurands[0].budget.components
    assert components[3].source == expected


def test_the_parts_of_a_template_with_two_measurands() -> None:
    template = read(CHAMBER)
    temperature, humidity = template.measurands
    assert (temperature.name, temperature.unit.symbol, temperature.error_unit.symbol) == ("temperature", "degC", "K")
    assert (humidity.name, humidity.error_unit.symbol) == ("humidity", "%RH")
    first = template.tests[0]
    assert isinstance(first, Points)
    assert (first.measurand, first.conditions) == ("temperature", (("humidity", 60.0),))


def test_the_short_way_to_write_a_fit_is_the_same() -> None:
    long = changed(BALANCE, 'correction_model = "line"', '[fit]\norder = 1\ny = "error"')
    assert read(long).measurands[0].fit == read(BALANCE).measurands[0].fit
    assert read(changed(BATH, '"line"', '"quadratic"')).measurands[0].fit == Fit(order=2, y="correction")
    assert read(changed(changed(BATH, '"line"', '"none"'), ', "correction_line"', "")).measurands[0].fit is None
