"""What a calibration function says at a place: a fit and x in; value and standard uncertainty out, and the way back."""

import math
from dataclasses import dataclass

import numpy as np

from kleinmaelzung_services.calibration.engine import checks
from kleinmaelzung_services.calibration.engine.fits import Fit
from kleinmaelzung_services.calibration.errors import CalibrationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """`u` is that of the function; outside the calibrated range nothing was measured that supports it."""

    x: float
    y: float
    u: float
    is_outside: bool


def predict(fit: Fit, x: float, *, u_x: float = 0.0, u_common: float = 0.0) -> Prediction:
    """y(x) and its u (GUM H.3.4, equations H.14 and H.15), computed about the centre, where nothing cancels.

    `u_x` is that of the reading itself; `u_common` is what all points share, such as the reference's: it is no part of
    their scatter, does not average out, and is added once (GUM H.3.6).
    """
    place = checks.finite("x", x)
    own, shared = checks.not_negative("u_x", u_x), checks.not_negative("u_common", u_common)
    with np.errstate(all="ignore"):
        (row,) = fit.basis.scaling.rows(np.array([place]))
        y = math.fsum(row * fit.basis.coefficients)
        parts = [*(row @ fit.basis.root * fit.basis.spread), slope(fit, place) * own, shared]
    low, high = fit.range
    return Prediction(
        x=place,
        y=checks.result("a prediction", y),
        u=checks.result("u of a prediction", math.hypot(*parts)),
        is_outside=not low <= place <= high,
    )


def predict_inside(fit: Fit, x: float, *, u_x: float = 0.0, u_common: float = 0.0) -> Prediction:
    """The same, refused outside the calibrated range: a certificate does not extrapolate (DKD-R 5-1; ISO 6143)."""
    found = predict(fit, x, u_x=u_x, u_common=u_common)
    if found.is_outside:
        rule = f"the calibration holds from {fit.range[0]:g} to {fit.range[1]:g}"
        raise CalibrationError("x", x, rule, "stay within, or calibrate further")
    return found


def slope(fit: Fit, x: float) -> float:
    """dy/dx of the function, its sensitivity to a reading (GUM 5.1.3)."""
    place = checks.finite("x", x)
    with np.errstate(all="ignore"):
        (row,) = fit.basis.scaling.slopes(np.array([place]))
        return checks.result("the slope", math.fsum(row * fit.basis.coefficients))


def inverse(fit: Fit, y: float, *, u_y: float = 0.0) -> Prediction:
    """x at which the line is y, with its u (ISO/TS 28037:2010, 11): for a straight line only."""
    if fit.order != 1:
        raise CalibrationError(
            "order", fit.order, "only a straight line can be turned round", "fit x as a function of y"
        )
    wanted, own = checks.finite("y", y), checks.not_negative("u_y", u_y)
    centre = fit.basis.scaling.centre
    steep = slope(fit, centre)
    if steep == 0:
        raise CalibrationError("the slope", steep, "a level line has every x or none", "choose another function")
    rest = wanted - predict(fit, centre).y
    x = checks.result("x", centre + rest / steep)
    there = predict(fit, x)
    u = checks.result("u of x", math.hypot(there.u, own) / abs(steep))
    return Prediction(x=x, y=wanted, u=u, is_outside=there.is_outside)
