"""Budgets in TOML: what is understood, and each refusal with its place."""

import math

import pytest

from kleinmaelzung_services.calibration import budget_file, reports
from kleinmaelzung_services.calibration.errors import CalibrationError

WEIGHT = b"""
[[component]]
name = "reference"
U = 0.045
k = 2
[[component]]
name = "drift"
half_width = 0.015
distribution = "rectangular"
[[component]]
name = "difference"
u = 0.0144
[[component]]
name = "eccentricity"
half_width = 0.010
[[component]]
name = "buoyancy"
half_width = 0.010
"""


def one(text: str) -> bytes:
    return f'[[component]]\nname = "a"\n{text}\n'.encode()


def test_the_weight_of_ea402_s2() -> None:
    found = reports.budget(WEIGHT)
    assert set(found) >= {"u_c", "nu_eff", "k", "U", "components"}
    assert (f"{found['u_c']:.4f}", f"{found['k']:.2f}", found["U_rounded"]) == ("0.0292", "2.00", "0.058")
    assert (found["nu_eff"], found["nu_eff_taken"], found["coverage"], found["p"]) == (None, None, "t", 0.9545)
    first = found["components"][0]
    assert first["name"] == "reference"
    assert (first["u"], first["c"], first["contribution"], first["distribution"], first["dof"]) == (
        0.0225, 1.0, 0.0225, "normal", None,
    )  # fmt: skip
    assert sum(each["share"] for each in found["components"]) == pytest.approx(1)


def test_coverage_and_correlation_are_understood() -> None:
    found = budget_file.read(
        one("u = 3\ndof = 4\nc = -1.0")
        + b'[[component]]\nname = "b"\nu = 4\ndof = inf\n'
        + b'[[correlation]]\nbetween = ["a", "b"]\nr = -1\n[coverage]\np = 0.99\n'
    )
    evaluated = found.evaluated()
    assert evaluated.u_c == pytest.approx(7)
    assert evaluated.coverage.p == 0.99


def test_a_trapezoid_has_a_beta() -> None:
    found = budget_file.read(one('half_width = 3\ndistribution = "trapezoid"\nbeta = 0.5'))
    assert found.components[0].u == pytest.approx(3 * math.sqrt(1.25 / 6))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "component is missing, but a budget has at least one"),
        (b"a = 1\nb = = 2", "the file is no TOML, but .*line 2"),
        (b"\xff", "the file is no UTF-8"),
        (b"component = 3", r"component is no list of tables, but each begins with \[\[component\]\]"),
        (b"[component]\nu = 1", "component is no list of tables"),
        (b"[[components]]\nu = 1", "the file is components, but the keys are component, correlation, coverage"),
        (b"[[component]]\nu = 1", "component 1, name is None"),
        (b'[[component]]\nname = " "\nu = 1', "component 1, name"),
        (one(""), r"component 1 \(a\), u is none, but exactly one of u, half_width, U is needed"),
        (one("u = 1\nU = 2\nk = 2"), r"component 1 \(a\), u is u and U"),
        (one("U = 2"), r"component 1 \(a\), k is missing, but U means nothing without k"),
        (one("U = 2\nk = 0"), r"component 1 \(a\), k is 0, but it must be above zero"),
        (one("u = 2\nk = 2"), r"component 1 \(a\), k is 2, but k belongs to U"),
        (one("u = -1"), r"component 1 \(a\), u is -1, but it must not be negative"),
        (one("u = nan"), r"component 1 \(a\), u is nan"),
        (one("u = inf"), r"component 1 \(a\), u is inf"),
        (one('u = "1"'), r"component 1 \(a\), u is 1, but it must be a number"),
        (one("u = true"), r"component 1 \(a\), u is True"),
        (
            one("half_width = 1\ndistribution = 'bell'"),
            r"component 1 \(a\), distribution is bell, but it must be one of",
        ),
        (one("half_width = 1\ndistribution = 7"), r"component 1 \(a\), distribution is 7"),
        (one("half_width = 1\ndistribution = 'normal'"), "a normal distribution has no limits"),
        (one("half_width = 1\ndistribution = 'trapezoid'"), "beta is missing"),
        (one("half_width = 1\nbeta = 0.5"), "only a trapezoid has one"),
        (one("u = 1\nbeta = 0.5"), "only a trapezoid has one"),
        (one("u = 1\ndof = 0"), r"component 1 \(a\), dof is 0"),
        (one("u = 1\nc = nan"), r"component 1 \(a\), c is nan"),
        (one("u = 1\nsensitivity = 2"), "component 1 is sensitivity, but the keys are name, c, u"),
        (one("u = 1") + one("u = 1"), "name is a, but every component has a name of its own"),
        (one("u = 1") + b"[coverage]\np = 95", "coverage, p is 95, but .*give 95.45 % as 0.9545"),
        (one("u = 1") + b"[coverage]\nk = 2", "coverage is k, but the keys are p"),
        (b"coverage = 2\n" + one("u = 1"), "coverage is 2, but it is a table"),
        (one("u = 1") + b'[[correlation]]\nbetween = ["a"]\nr = 1', "correlation 1, between"),
        (
            one("u = 1") + b'[[correlation]]\nbetween = ["a", "b"]',
            "correlation 1, r is missing, but it must be a number",
        ),
        (one("u = 1") + b'[[correlation]]\nbetween = ["a", "b"]\nr = 1', "no component has this name: use one of: a"),
        (one("u = 0"), "u_c is 0.0, but a result without any uncertainty is never true"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_its_place(content: bytes, said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        reports.budget(content)


def test_a_pair_is_correlated_once() -> None:
    pair = b'[[correlation]]\nbetween = ["a", "b"]\nr = 0.5\n'
    again = b'[[correlation]]\nbetween = ["b", "a"]\nr = 0.1\n'
    for twice in (pair + pair, pair + again):
        with pytest.raises(CalibrationError, match="given twice"):
            reports.budget(one("u = 1") + b'[[component]]\nname = "b"\nu = 1\n' + twice)
