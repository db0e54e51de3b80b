"""What every module of the engine checks at its border: each returns the number, or raises CalibrationError."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration.errors import CalibrationError


def finite(field: str, value: float) -> float:
    """A number: not NaN, not infinite, not a truth value or text."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        raise CalibrationError(field, value, "it must be a number", "give it as a plain number, such as 1.25")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise CalibrationError(field, value, "it must be a finite number", "remove it, or measure again")
    return number


def not_negative(field: str, value: float) -> float:
    if (number := finite(field, value)) < 0:
        raise CalibrationError(field, value, "it must not be negative", "give its size without a sign")
    return number


def positive(field: str, value: float) -> float:
    if (number := finite(field, value)) <= 0:
        raise CalibrationError(field, value, "it must be above zero", "give its size without a sign")
    return number


def degrees_of_freedom(field: str, value: float) -> float:
    """Above zero; infinite where an uncertainty is known for certain (GUM G.4.3)."""
    if isinstance(value, float | np.floating) and value == math.inf:
        return math.inf
    if (number := finite(field, value)) <= 0:
        raise CalibrationError(field, value, "degrees of freedom are above zero", "n readings have n - 1 of them")
    return number


def probability(field: str, value: float) -> float:
    """Between 0 and 1, both left out."""
    number = finite(field, value)
    if not 0 < number < 1:
        remedy = "give 95.45 % as 0.9545" if 1 <= number <= 100 else "give it as a fraction, such as 0.9545"
        raise CalibrationError(field, value, "a probability lies between 0 and 1", remedy)
    return number


def column(field: str, values: Iterable[float], *, at_least: int = 1) -> NDArray[np.float64]:
    """Finite numbers, in an array of their own."""
    found = [finite(f"{field}[{place}]", value) for place, value in enumerate(values)]
    if len(found) < at_least:
        rule = f"{field} needs at least {at_least}"
        raise CalibrationError(f"the number of values in {field}", len(found), rule, "measure more of them")
    return np.array(found, dtype=np.float64)


def same_length(field: str, values: NDArray[np.float64], other: str, others: NDArray[np.float64]) -> None:
    if len(values) != len(others):
        rule = f"{other} has {len(others)}"
        raise CalibrationError(f"the number of values in {field}", len(values), rule, "give one for each")


def result(name: str, value: float) -> float:
    """What was calculated, if a float can hold it."""
    number = float(value)
    if not math.isfinite(number):
        rule = "numbers this large or small cannot be calculated with"
        raise CalibrationError(name, number, rule, "choose a unit in which they lie nearer to 1")
    return number
