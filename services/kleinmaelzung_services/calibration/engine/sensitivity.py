"""How a model answers to its inputs: a formula with estimates and uncertainties in; sensitivities and a flag out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.engine import checks

Model = Callable[[Sequence[float]], float]
SECOND_ORDER_LIMIT: Final = 0.05  # of u squared: more, and the first order alone is no longer told without a word


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOrder:
    """u with and without the terms of second order. Where they matter, Monte Carlo says what holds."""

    u_first: float
    u_second: float

    @property
    def matters(self) -> bool:
        return self.u_second**2 - self.u_first**2 > SECOND_ORDER_LIMIT * self.u_second**2


def sensitivities(model: Model, estimates: Sequence[float], uncertainties: Sequence[float]) -> list[float]:
    """c_i = df/dx_i by central differences over +-u_i (GUM 5.1.3, NOTE 2; 5.1.4), freed from the third order."""
    x, u = _inputs(estimates, uncertainties)
    return [_first(model, x, u, place) for place in range(len(x))]


def second_order(model: Model, estimates: Sequence[float], uncertainties: Sequence[float]) -> SecondOrder:
    """The terms of second order, for independent and symmetric inputs (GUM 5.1.2, NOTE; H.1.7)."""
    x, u = _inputs(estimates, uncertainties)
    places = [place for place in range(len(x)) if u[place] > 0]
    first = {place: _first(model, x, u, place) * float(u[place]) for place in places}
    square = sum(value**2 for value in first.values())
    added = 0.0
    for i in places:
        for j in places:
            mixed, third = _higher(model, x, u, i, j)
            added += 0.5 * mixed**2 + first[i] * third
    u_first, u_second = np.sqrt(square), np.sqrt(max(0.0, square + added))
    return SecondOrder(u_first=checks.result("u", u_first), u_second=checks.result("u", u_second))


def _inputs(
    estimates: Sequence[float], uncertainties: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, u = checks.column("estimates", estimates), checks.column("uncertainties", uncertainties)
    checks.same_length("estimates", x, "uncertainties", u)
    for place, value in enumerate(uncertainties):
        checks.not_negative(f"uncertainties[{place}]", value)
    return x, u


def _at(model: Model, x: NDArray[np.float64], moves: dict[int, float]) -> float:
    moved = x.copy()
    for place, by in moves.items():
        moved[place] += by
    return checks.result("the model", model([float(value) for value in moved]))


def _first(model: Model, x: NDArray[np.float64], u: NDArray[np.float64], place: int) -> float:
    """Richardson: half the step has a quarter of the error."""
    step = float(u[place]) or max(abs(float(x[place])), 1.0) * 1e-4
    wide, narrow = ((_at(model, x, {place: h}) - _at(model, x, {place: -h})) / (2 * h) for h in (step, step / 2))
    return checks.result("a sensitivity", (4 * narrow - wide) / 3)


def _higher(model: Model, x: NDArray[np.float64], u: NDArray[np.float64], i: int, j: int) -> tuple[float, float]:
    """f_ij u_i u_j and f_ijj u_i u_j^2, by central differences over +-u."""
    a, b = float(u[i]), float(u[j])
    if i == j:
        up, down, here = _at(model, x, {i: a}), _at(model, x, {i: -a}), _at(model, x, {})
        far_up, far_down = _at(model, x, {i: 2 * a}), _at(model, x, {i: -2 * a})
        return up - 2 * here + down, (far_up - 2 * up + 2 * down - far_down) / 2
    corners = {(s, t): _at(model, x, {i: s * a, j: t * b}) for s in (1, -1) for t in (1, 0, -1)}
    mixed = (corners[1, 1] - corners[1, -1] - corners[-1, 1] + corners[-1, -1]) / 4
    bent = [corners[s, 1] - 2 * corners[s, 0] + corners[s, -1] for s in (1, -1)]
    return mixed, (bent[0] - bent[1]) / 2
