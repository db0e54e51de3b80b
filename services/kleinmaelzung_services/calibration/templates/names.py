"""Which names a formula of a template may use, and what each stands for. Pure.

What is known depends on what the template has: `ecc_max` needs an eccentricity test, `weights.U` such a standard.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kleinmaelzung_services.calibration.templates.mistakes import hint
from kleinmaelzung_services.calibration.templates.template import (
    Ambient,
    CheckPoint,
    Eccentricity,
    Input,
    Measurand,
    Points,
    Repeatability,
    Standard,
    Test,
    Uniformity,
)

# Of each standard, as `role.field`; of the first also with the short name, in brackets here.
STANDARD: Final = {
    "U": "expanded uncertainty by its certificate [U_ref]",
    "u": "standard uncertainty by its certificate, U/k [u_ref]",
    "k": "coverage factor by its certificate [k_ref]",
    "value": "its value now: by its certificate, or read live",
    "mpe": "maximum permissible error of its class [mpe_ref]",
    "drift_per_year": "how far it is known to drift in a year [ref_drift_per_year]",
    "years_since_cal": "years since its calibration [years_since_cal]",
}
SHORT: Final = {
    "U": "U_ref",
    "u": "u_ref",
    "k": "k_ref",
    "mpe": "mpe_ref",
    "drift_per_year": "ref_drift_per_year",
    "years_since_cal": "years_since_cal",
}
DISPLAY: Final = {
    "d": "the resolution",
    "low": "the lower end of the range",
    "high": "the upper end of the range",
    "span": "high - low",
}
POINT: Final = {
    "nominal": "the nominal value of the point",
    "load": "the same, as they say of balances",
    "indication": "what the instrument indicates",
    "reference": "the reference value",
}
TESTS: Final[dict[type[Test], dict[str, str]]] = {
    Repeatability: {"s_repeatability": "the standard deviation of one reading"},
    Eccentricity: {
        "ecc_max": "the largest difference from the first position",
        "ecc_load": "the load it was found with",
    },
    Uniformity: {
        "uniformity_max": "the largest difference from the reference place",
        "instability_max": "the largest deviation from the mean at the reference place while it was recorded",
    },
    CheckPoint: {"check_shift": "how far the check point has moved"},
}
KINDS: Final[dict[type[Test], str]] = {
    Points: "points",
    Repeatability: "repeatability",
    Eccentricity: "eccentricity",
    Uniformity: "uniformity",
    CheckPoint: "check_point",
}
HYSTERESIS: Final = {"hysteresis_max": "the largest difference between up and down"}
REPEATED: Final = {
    "s_points": "the standard deviation of the repeats at this point",
    "s_points_max": "the largest of them",
}
OF_ANY_TEST: Final = {
    name: meaning for names in (*TESTS.values(), HYSTERESIS, REPEATED) for name, meaning in names.items()
}
FIT: Final = {
    "fit.offset": "the fitted value at x = origin",
    "fit.slope": "the first order",
    "fit.curvature": "the second order",
    "fit.residual_max": "the largest residual",
}


def of_standards(standards: Iterable[Standard], measurand: str) -> dict[str, str]:
    """`weights.U`, and `U_ref` for the first that belongs to the measurand."""
    mine = [one for one in standards if one.measurand in ("", measurand)]
    known = {f"{one.role}.{field}": f"{one.role}: {meaning}" for one in mine for field, meaning in STANDARD.items()}
    known |= {f"{one.role}.{field}": f"{one.role}: {field}" for one in mine for field in one.needs}
    if mine:
        known |= {short: STANDARD[field] for field, short in SHORT.items()}
    return known


def of_environment(environment: Iterable[Ambient]) -> dict[str, str]:
    return {f"ambient.{one.name}": f"{one.name} of the room, in {one.unit.symbol}" for one in environment}


def of_inputs(inputs: Iterable[Input]) -> dict[str, str]:
    return {one.name: one.meaning or one.name for one in inputs}


def of_tests(tests: Iterable[Test], measurand: str) -> dict[str, str]:
    known: dict[str, str] = {}
    for test in tests:
        if test.measurand != measurand:
            continue
        known |= TESTS.get(type(test), {})
        if isinstance(test, Points):
            known |= HYSTERESIS if test.order == "up-down" else {}
            known |= REPEATED if test.repeats > 1 else {}
    return known


def of_fit(measurand: Measurand) -> dict[str, str]:
    fit = measurand.fit
    if fit is None:
        return {}
    least = {"fit.offset": not fit.through_origin, "fit.slope": fit.order >= 1, "fit.curvature": fit.order == 2}
    return {name: meaning for name, meaning in FIT.items() if least.get(name, True)}


def in_budget(
    measurand: Measurand,
    standards: Sequence[Standard],
    environment: Sequence[Ambient],
    inputs: Sequence[Input],
    tests: Sequence[Test],
) -> dict[str, str]:
    """Names for half_width, u, U and sensitivity."""
    raw = {"raw": "the raw signal"} if measurand.display.raw else {}
    return {
        **DISPLAY,
        **POINT,
        **raw,
        **of_standards(standards, measurand.name),
        **of_environment(environment),
        **of_inputs(inputs),
        **of_tests(tests, measurand.name),
    }


def remedy(name: str, known: Mapping[str, str]) -> str:
    """What would make this name known, or which one is meant; empty where nothing is like it."""
    if name in OF_ANY_TEST:
        return _test_with(name)
    if name in FIT:
        return "add [fit], with an order that has it"
    role, dot, field = name.partition(".")
    if similar := hint(name, known, cutoff=0.75 if dot else 0.6):
        return similar
    if not dot:
        return ""
    if role == "ambient":
        return f"add {field} to [environment]"
    if any(one.startswith(f"{role}.") for one in known):
        return f'add needs = ["{field}"] to the standard {role}'
    return f'add [[standards]] with role = "{role}"'


def _test_with(name: str) -> str:
    if name in HYSTERESIS:
        return 'add a [[test]] with kind = "points" and order = "up-down"'
    if name in REPEATED:
        return 'add repeats = 2 or more to the [[test]] with kind = "points"'
    kind = next(kind for kind, names in TESTS.items() if name in names)
    return f'add a [[test]] with kind = "{KINDS[kind]}"'
