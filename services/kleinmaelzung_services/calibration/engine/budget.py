"""The uncertainty budget: standard uncertainties, sensitivities and correlations in; u_c, nu_eff, k and U out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.engine import checks, coverage, distributions
from kleinmaelzung_services.calibration.engine.coverage import Contribution, Coverage
from kleinmaelzung_services.calibration.errors import CalibrationError

Correlations = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One line: `u` of the quantity, `c` what a change of it changes the result by."""

    name: str
    u: float
    c: float = 1.0
    dof: float = math.inf
    shape: distributions.Shape = "normal"
    beta: float | None = None

    def __post_init__(self) -> None:
        checks.not_negative(f"u of {self.name!r:.40}", self.u)
        checks.finite(f"c of {self.name!r:.40}", self.c)
        checks.degrees_of_freedom(f"dof of {self.name!r:.40}", self.dof)
        distributions.shape(self.shape)

    @property
    def contribution(self) -> float:
        """With its sign, as correlations need it (GUM 5.1.3, equation 11b)."""
        return checks.result(f"c u of {self.name!r:.40}", self.c * self.u)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A component as calculated; `share` of u_c squared, correlations with others half to each."""

    component: Component
    contribution: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`nu_eff` as calculated; `coverage.dof` is what k was taken for."""

    u_c: float
    nu_eff: float
    coverage: Coverage
    lines: tuple[Line, ...]

    @property
    def k(self) -> float:
        return self.coverage.k

    @property
    def expanded(self) -> float:
        """U = k u_c (GUM 6.2.1, equation 18)."""
        return checks.result("U", self.k * self.u_c)


def evaluate(
    components: Sequence[Component], correlations: Correlations | None = None, p: float = coverage.P
) -> Budget:
    """Combine a budget (GUM 5.1.2, equation 10; 5.2.2, equations 13 and 16; G.4.1; EA-4/02 M:2022, 4 and 5)."""
    _check_names(components)
    matrix = _correlation_matrix([each.name for each in components], correlations or {})
    signed = np.array([each.contribution for each in components])
    u_c, parts = _combined(signed, matrix)
    if u_c == 0:
        rule = "a result without any uncertainty is never true"
        raise CalibrationError("u_c", u_c, rule, "enter what limits the measurement: at least the resolution")
    alone = [np.count_nonzero(row) == 1 for row in matrix]
    contributions = [
        Contribution(u=abs(value), shape=each.shape, beta=each.beta, may_dominate=is_alone and math.isinf(each.dof))
        for value, each, is_alone in zip(signed, components, alone, strict=True)
    ]
    nu_eff = _effective([each.dof for each in components], signed, matrix)
    return Budget(
        u_c=u_c,
        nu_eff=nu_eff,
        coverage=coverage.find(contributions, nu_eff, p),
        lines=tuple(
            Line(component=each, contribution=each.contribution, share=float(part))
            for each, part in zip(components, parts, strict=True)
        ),
    )


def effective_dof(contributions: Sequence[float], dofs: Sequence[float]) -> float:
    """Welch-Satterthwaite for independent contributions u_i(y), not truncated (GUM G.4.1, equation G.2b)."""
    signed = checks.column("contributions", contributions)
    found = [checks.degrees_of_freedom(f"dofs[{place}]", dof) for place, dof in enumerate(dofs)]
    checks.same_length("contributions", signed, "dofs", np.array(found))
    return _effective(found, signed, np.eye(len(signed)))


def _check_names(components: Sequence[Component]) -> None:
    if not components:
        raise CalibrationError("components", "empty", "a budget has at least one", "enter what limits the measurement")
    seen = set[str]()
    for each in components:
        if each.name in seen:
            raise CalibrationError("name", each.name, "every component has a name of its own", "rename one of the two")
        seen.add(each.name)


def _correlation_matrix(names: list[str], correlations: Correlations) -> NDArray[np.float64]:
    matrix = np.eye(len(names))
    given = set[frozenset[str]]()
    for (first, second), r in correlations.items():
        field = f"the correlation of {first!r:.40} and {second!r:.40}"
        for name in (first, second):
            if name not in names:
                raise CalibrationError(field, name, "no component has this name", f"use one of: {', '.join(names)}")
        if first == second:
            raise CalibrationError(field, r, "a component is not correlated with itself", "name two components")
        if frozenset((first, second)) in given:
            raise CalibrationError(field, r, "it is given twice", "keep one of the two")
        if abs(checks.finite(field, r)) > 1:
            raise CalibrationError(field, r, "a correlation coefficient lies from -1 to 1", "give r, not a covariance")
        given.add(frozenset((first, second)))
        i, j = names.index(first), names.index(second)
        matrix[i, j] = matrix[j, i] = r
    if given and (smallest := float(np.linalg.eigvalsh(matrix)[0])) < -1e-6:  # r is typed with two digits or so
        rule = "these coefficients contradict one another"
        raise CalibrationError(
            "the smallest eigenvalue of the correlations", smallest, rule, "check their signs and sizes"
        )
    return matrix


def _combined(signed: NDArray[np.float64], matrix: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """u_c, and what part of its square each brings; in fractions, so that what cancels leaves the rest untouched."""
    exponent = math.frexp(float(np.abs(signed).max()))[1]
    scaled = [Fraction(math.ldexp(float(value), -exponent)) for value in signed]
    parts = [
        value * sum(Fraction(float(row[place])) * scaled[place] for place in np.flatnonzero(row))
        for value, row in zip(scaled, matrix, strict=True)
    ]
    square = sum(parts, Fraction(0))
    if square <= 0:  # r = +-1, and all of it cancels
        return 0.0, np.zeros(len(signed))
    u_c = checks.result("u_c", float(np.ldexp(math.sqrt(square), exponent)))
    return u_c, np.array([float(part / square) for part in parts])


def _effective(dofs: Sequence[float], signed: NDArray[np.float64], matrix: NDArray[np.float64]) -> float:
    """G.2b holds for independent ones: correlated ones count as one, with the smallest of their dof, which is safe."""
    largest = float(np.abs(signed).max())
    if largest == 0:
        return math.inf
    scaled = signed / largest
    total, weighted = [], []
    for group in _groups(matrix):
        square = max(0.0, math.fsum((matrix[np.ix_(group, group)] * np.outer(scaled[group], scaled[group])).ravel()))
        total.append(square)
        weighted.append(square**2 / min(dofs[place] for place in group))
    below = math.fsum(weighted)
    return math.fsum(total) ** 2 / below if below > 0 else math.inf


def _groups(matrix: NDArray[np.float64]) -> list[list[int]]:
    """The components in sets that are not correlated with one another."""
    left, found = list(range(len(matrix))), list[list[int]]()
    while left:
        group, waiting = list[int](), [left.pop(0)]
        while waiting:
            place = waiting.pop()
            group.append(place)
            near = [other for other in left if matrix[place, other] != 0]
            left = [other for other in left if other not in near]
            waiting += near
        found.append(sorted(group))
    return found
