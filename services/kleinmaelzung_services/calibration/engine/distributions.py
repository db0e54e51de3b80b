"""Type B evaluation: what is known about a quantity in; its standard uncertainty and its exact quantile out.

half width a: the value lies within +-a of the estimate. A trapezoid's beta is its top's width over its base's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from kleinmaelzung_services.calibration.engine import checks, student
from kleinmaelzung_services.calibration.errors import CalibrationError

Shape = Literal["normal", "rectangular", "triangular", "arcsine", "trapezoid"]
SHAPES: Final[tuple[Shape, ...]] = get_args(Shape)
ALSO_CALLED: Final[dict[str, Shape]] = {
    "gaussian": "normal",
    "uniform": "rectangular",
    "u-shaped": "arcsine",
    "trapezoidal": "trapezoid",
}


@dataclass(frozen=True, slots=True)
class Bounded:
    """A distribution within +-half_width; `beta` is for the trapezoid only."""

    shape: Shape
    half_width: float
    beta: float | None = None

    @property
    def u(self) -> float:
        return _DIVISORS[self.shape](self.half_width, self.beta or 0.0)


def shape(name: str) -> Shape:
    """The distribution of that name, or of a name it is also called by."""
    plain = name.strip().lower() if isinstance(name, str) else name
    found = ALSO_CALLED.get(plain, plain)
    if found not in SHAPES:
        rule = f"it must be one of {', '.join(SHAPES)}"
        raise CalibrationError("distribution", name, rule, "choose what describes the knowledge best")
    return found


def from_half_width(name: str, half_width: float, beta: float | None = None) -> Bounded:
    """Limits +-a known for certain.

    rectangular a/sqrt(3) (GUM 4.3.7, equation 7), trapezoid a sqrt((1 + beta^2)/6) (4.3.9, equation 9a), triangular
    a/sqrt(6) (4.3.9, equation 9b), arcsine a/sqrt(2) (JCGM 101:2008, 6.4.6).
    """
    kind = shape(name)
    width = checks.not_negative("half_width", half_width)
    if kind == "normal":
        rule = "a normal distribution has no limits"
        raise CalibrationError("half_width", half_width, rule, "give U with k, or u, or another distribution")
    return Bounded(kind, width, _edge_of(kind, beta))


def from_expanded(expanded: float, k: float) -> float:
    """u = U/k, from a certificate (GUM 4.3.3)."""
    return checks.result("u", checks.not_negative("U", expanded) / checks.positive("k", k))


def from_resolution(step: float) -> float:
    """u of an indication that moves in steps: step/(2 sqrt(3)) (GUM F.2.2.1)."""
    return checks.not_negative("resolution", step) / math.sqrt(12)


def dof_of_estimate(relative: float) -> float:
    """Degrees of freedom of a u that is itself known to +-relative: 1/(2 relative^2) (GUM G.4.2, equation G.3)."""
    part = checks.not_negative("the relative uncertainty of u", relative)
    return math.inf if part < 1e-150 else 0.5 / part**2


def edge(beta: float | None) -> float:
    """The trapezoid's beta, from 0 (a triangle) to 1 (a rectangle)."""
    if beta is None:
        rule = "a trapezoid needs its top's width over its base's"
        raise CalibrationError("beta", "missing", rule, "give beta from 0 (a triangle) to 1 (a rectangle)")
    number = checks.not_negative("beta", beta)
    if number > 1:
        raise CalibrationError("beta", beta, "the top is not wider than the base", "give top over base, from 0 to 1")
    return number


def edge_of_sum(first: float, second: float) -> float:
    """beta of the trapezoid that two rectangular quantities of these half widths add up to (EA-4/02 M:2022, S10.13)."""
    one, other = checks.not_negative("half_width", first), checks.not_negative("half_width", second)
    largest = max(one, other)
    if largest == 0:
        raise CalibrationError("half_width", 0.0, "one of the two must be above zero", "leave both out")
    return abs(one / largest - other / largest) / (one / largest + other / largest)


def factor(name: str, p: float, beta: float | None = None) -> float:
    """k of a distribution itself: within +-k u lies the fraction p.

    rectangular p sqrt(3) (GUM 6.3.3, G.1.3; EA-4/02 M:2022, S9.14), trapezoid and triangle EA-4/02 M:2022, S10.13;
    arcsine sin(p pi/2) sqrt(2), from JCGM 101:2008, 6.4.6; normal GUM Table G.1.
    """
    fraction, kind = checks.probability("p", p), shape(name)
    if kind == "trapezoid":
        return trapezoid_factor(fraction, edge(beta))
    _edge_of(kind, beta)
    return _FACTORS[kind](fraction)


def trapezoid_factor(p: float, beta: float) -> float:
    """EA-4/02 M:2022, S10.13; where p ends on the flat top, that part of the trapezoid."""
    is_on_top = p <= 2 * beta / (1 + beta)
    part = p * (1 + beta) / 2 if is_on_top else 1 - math.sqrt((1 - p) * (1 - beta * beta))
    return part / math.sqrt((1 + beta * beta) / 6)


def _edge_of(kind: Shape, beta: float | None) -> float | None:
    if kind == "trapezoid":
        return edge(beta)
    if beta is not None:
        raise CalibrationError("beta", beta, f"only a trapezoid has one, not {kind}", "leave beta out")
    return None


_DIVISORS: Final[dict[Shape, Callable[[float, float], float]]] = {
    "rectangular": lambda a, _: a / math.sqrt(3),
    "triangular": lambda a, _: a / math.sqrt(6),
    "arcsine": lambda a, _: a / math.sqrt(2),
    "trapezoid": lambda a, beta: a * math.sqrt((1 + beta * beta) / 6),
}
_FACTORS: Final[dict[Shape, Callable[[float], float]]] = {
    "normal": student.normal_factor,
    "rectangular": lambda p: p * math.sqrt(3),
    "triangular": lambda p: trapezoid_factor(p, 0.0),
    "arcsine": lambda p: math.sin(p * math.pi / 2) * math.sqrt(2),
}
