"""How the error answers to the quantities that formulas are made of: a row and how far each is moved in; the error out.

A component with `quantity` has its sensitivity from here, its terms of second order, and where these matter U by Monte
Carlo. Of a component without one the template gives the sensitivity: it is taken as linear, and no more is known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import numbers as numbers_of
from kleinmaelzung_services.calibration.calculation.numbers import Setting
from kleinmaelzung_services.calibration.engine import sensitivity
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.templates import quantities
from kleinmaelzung_services.calibration.templates.expressions import Call, Expression, Name, Node, Number, Operation
from kleinmaelzung_services.calibration.templates.template import Component

Array = NDArray[np.float64]

_SIGNS: Final[dict[str, Callable[..., Array]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
}
_CALLS: Final[dict[str, Callable[..., Array]]] = {"abs": np.abs, "sqrt": np.sqrt, "min": np.minimum, "max": np.maximum}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The error at a row, by its formulas; `numbers` are those that they know there."""

    setting: Setting
    numbers: Mapping[str, float]

    def error(self, components: Sequence[Component], moves: Sequence[float | Array]) -> Array:
        """In error_unit, less a constant: each component's quantity is moved by a number in the component's unit."""
        by = dict[str, Array]()
        for component, move in zip(components, moves, strict=True):
            name = component.quantity
            by[name] = by.get(name, np.float64(0.0)) + np.asarray(move) * self._factor(component)
        measurand = self.setting.measurand
        with np.errstate(all="ignore"):  # what is not finite is named below
            numbers = self._moved(by)
            indication, reference = np.asarray(numbers["indication"]), np.asarray(numbers["reference"])
            if measurand.display.indication:
                indication = _evaluated(measurand.display.indication.root, numbers)
            if measurand.reference:
                reference = _evaluated(measurand.reference.root, numbers)
            found = (indication - reference) * (1.0 if measurand.direction == "error" else -1.0)
        if not np.isfinite(found).all():
            formula = measurand.reference or measurand.display.indication
            rule = "it has no value within the uncertainty of its quantities"
            raise CalibrationError("the error", _text(formula), rule, "correct the formula, or a component's number")
        return np.asarray(found * units.convert_difference(1.0, measurand.unit, measurand.error_unit))

    def sensitivity(self, component: Component, u: float) -> float:
        """What one of the component's unit changes the error by, in error_unit; `u` is how far the formula is tried."""
        measurand = self.setting.measurand
        if component.quantity:
            (found,) = sensitivity.sensitivities(lambda moves: float(self.error([component], moves)), [0.0], [u])
            return found
        if component.sensitivity is None:
            factor = units.convert_difference(1.0, component.unit, measurand.error_unit)
            return float(f"{factor:.14g}")  # 1000, not 1000.0000000000001
        found = numbers_of.computed(f"sensitivity of {component.name}", component.sensitivity, self.numbers)
        return units.convert_difference(found, measurand.unit, measurand.error_unit)

    def _factor(self, component: Component) -> float:
        template = self.setting.template
        unit = quantities.unit_of(
            component.quantity,
            self.setting.measurand,
            self.setting.standards,
            template.environment,
            template.inputs,
        )
        return 1.0 if unit is None else units.convert_difference(1.0, component.unit, unit)

    def _moved(self, by: Mapping[str, Array]) -> dict[str, Array]:
        """What was measured first, then what is computed from it."""
        numbers = {name: np.asarray(value) + by.get(name, 0.0) for name, value in self.numbers.items()}
        for one in self.setting.template.inputs:
            if one.value is not None:
                numbers[one.name] = _evaluated(one.value.root, numbers) + by.get(one.name, 0.0)
        return numbers


def _evaluated(node: Node, numbers: Mapping[str, Array]) -> Array:
    match node:
        case Number(value):
            return np.asarray(value)
        case Name(name):
            return numbers[name]
        case Operation(sign, left, right):
            return np.asarray(_SIGNS[sign](_evaluated(left, numbers), _evaluated(right, numbers)))
        case Call(function, arguments):
            first, *others = (_evaluated(argument, numbers) for argument in arguments)
            if not others:
                return np.asarray(_CALLS[function](first))
            for other in others:
                first = np.asarray(_CALLS[function](first, other))
            return first


def _text(formula: Expression | None) -> str:
    return formula.text if formula else "measured"
