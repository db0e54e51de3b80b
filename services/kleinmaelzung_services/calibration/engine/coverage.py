"""How far the expanded uncertainty reaches: the contributions of a budget in; k and what it rests on out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kleinmaelzung_services.calibration.engine import checks, distributions, student

Basis = Literal["t", "rectangular", "trapezoid"]
P: Final = 0.9545  # k = 2 for a normal distribution (EA-4/02 M:2022, 5.1; ILAC-P14)
# EA-4/02 M:2022, S9.14: one dominates where all others together are at most this part of it. For two the same guide's
# S11 goes up to 0.34: a trapezoid is nearer to a normal distribution, so what is added to it changes k less.
REST_OF_ONE: Final = 0.3
REST_OF_TWO: Final = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """|c| u of one quantity, with its distribution; only one with infinite dof and uncorrelated may dominate."""

    u: float
    shape: distributions.Shape = "normal"
    beta: float | None = None
    may_dominate: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`dof` is what t was taken for, infinite where another distribution decides; `beta` belongs to the trapezoid."""

    p: float
    k: float
    basis: Basis
    dof: float
    beta: float | None = None


def truncated(dof: float) -> float:
    """The next whole number below (GUM G.4.1, NOTE 1); below 1 as it is, for there is no t with dof 0.

    Hundredths are rounded first: GUM G.4.1, EXAMPLE, has 18.9987, prints 19.0 and takes t for 19.
    """
    number = checks.degrees_of_freedom("nu_eff", dof)
    if math.isinf(number) or number < 1:
        return number
    return float(math.floor(round(number, 2)))


def find(contributions: Sequence[Contribution], nu_eff: float, p: float = P) -> Coverage:
    """k from the dominant distribution where there is one (EA-4/02 M:2022, S9.14, S10.13), else from t (GUM G.4.1)."""
    fraction, dof = checks.probability("p", p), truncated(nu_eff)
    if (dominant := _dominant(contributions)) is None:
        return Coverage(p=fraction, k=student.t_factor(fraction, dof), basis="t", dof=dof)
    basis, beta = dominant
    k = distributions.factor(basis, fraction, beta)
    return Coverage(p=fraction, k=k, basis=basis, dof=math.inf, beta=beta)


def _dominant(contributions: Sequence[Contribution]) -> tuple[Basis, float | None] | None:
    ordered = sorted(contributions, key=lambda each: each.u, reverse=True)
    if not ordered or ordered[0].u == 0:
        return None
    first = ordered[0]
    if _rest(ordered, 1) <= REST_OF_ONE and first.may_dominate:
        return _of_one(first)
    if len(ordered) < 2 or _rest(ordered, 2) > REST_OF_TWO:
        return None
    second = ordered[1]
    if all(each.shape == "rectangular" and each.may_dominate for each in (first, second)):
        return "trapezoid", distributions.edge_of_sum(first.u, second.u)
    return None


def _of_one(first: Contribution) -> tuple[Basis, float | None] | None:
    """An arcsine is not taken: its k is the smallest, and the little that is added to it makes it much larger."""
    match first.shape:
        case "rectangular":
            return "rectangular", None
        case "triangular":
            return "trapezoid", 0.0
        case "trapezoid":
            return "trapezoid", first.beta
    return None


def _rest(ordered: Sequence[Contribution], dominant: int) -> float:
    """All others over the dominant ones."""
    largest = ordered[0].u
    squares = [(each.u / largest) ** 2 for each in ordered]
    return math.sqrt(math.fsum(squares[dominant:]) / math.fsum(squares[:dominant]))
