"""Whether a budget of first order is good enough at a row, and what holds where it is not: Monte Carlo (JCGM 101:2008).

The seed is the same for all: the same record gives the same numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.calculation.models import Model
from kleinmaelzung_services.calibration.engine import montecarlo, sensitivity
from kleinmaelzung_services.calibration.engine.montecarlo import Input, Propagated
from kleinmaelzung_services.calibration.templates.template import Component

SEED: Final = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component at a row: its u and half width in its own unit, and what the error changes by."""

    component: Component
    u: float
    half_width: float | None
    dof: float
    sensitivity: float


def share(model: Model, parts: Sequence[Part], u_c: float) -> float | None:
    """What part of u squared the second order has, None where every sensitivity is the template's own.

    GUM 5.1.2, NOTE: the terms that engine/sensitivity.py adds, for the components that name a quantity.
    """
    known = [part for part in parts if part.component.quantity and part.u > 0]
    if not known:
        return None
    components = [part.component for part in known]
    found = sensitivity.second_order(
        lambda moves: float(model.error(components, moves)), [0.0] * len(known), [part.u for part in known]
    )
    added = found.u_second**2 - found.u_first**2
    whole = u_c**2 + added
    return added / whole if whole > 0 else 0.0


def matters(found: float | None) -> bool:
    return found is not None and found > sensitivity.SECOND_ORDER_LIMIT


def drawn(model: Model, parts: Sequence[Part], p: float) -> Propagated:
    """The distribution of the error about what was found; what names no quantity adds to it by its sensitivity."""
    known = [part for part in parts if part.component.quantity]
    linear = [part for part in parts if not part.component.quantity]
    components = [part.component for part in known]
    at_rest = model.error(components, [0.0] * len(components))

    def result(*draws: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.asarray(model.error(components, draws[: len(known)]) - at_rest)
        for part, draw in zip(linear, draws[len(known) :], strict=True):
            found = found + part.sensitivity * draw
        return np.broadcast_to(found, draws[0].shape)

    return montecarlo.propagate(result, [_input(part) for part in (*known, *linear)], seed=SEED, p=p)


def about(found: Propagated) -> tuple[float, float]:
    """u and U about the result itself: of a bent model it is not the mean of the draws, and both take that in."""
    return math.hypot(found.u, found.y), max(abs(end) for end in found.symmetric)


def _input(part: Part) -> Input:
    component = part.component
    if part.half_width is not None and component.distribution != "normal":
        return montecarlo.Within(0.0, component.distribution, part.half_width, component.beta)
    if math.isfinite(part.dof) and part.u > 0:
        return montecarlo.Student(0.0, part.u, part.dof)
    return montecarlo.Normal(0.0, part.u)
