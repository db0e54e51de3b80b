"""How far an instrument has drifted between two calibrations: at what both have, in the unit of the later one."""

import pytest

from kleinmaelzung_services.calibration.in_force import past
from kleinmaelzung_services.calibration.in_force.building import Found


def found(error: float, expanded: float = 0.3, nominal: float = 100.0, unit: str = "mg") -> Found:
    return Found(measurand="mass", nominal=nominal, error=error, U=expanded, unit=unit)


def test_drift_is_the_change_of_the_error_over_both_uncertainties() -> None:
    [drift] = past.drift([found(0.7, 0.3)], [found(0.2, 0.4)])
    assert drift == {"measurand": "mass", "nominal": 100.0, "change": 0.5, "unit": "mg", "E_n": pytest.approx(1.0)}


def test_other_units_are_converted_and_other_kinds_left_out() -> None:
    [drift] = past.drift([found(0.7)], [found(0.0002, 0.0004, unit="g")])
    assert (drift["change"], drift["unit"], drift["E_n"]) == (pytest.approx(0.5), "mg", pytest.approx(1.0))
    assert list(past.drift([found(0.7)], [found(0.2, unit="%")])) == []


def test_a_point_that_only_one_has_is_left_out() -> None:
    assert list(past.drift([found(0.7)], [found(0.2, nominal=50.0)])) == []


def test_without_any_u_there_is_no_e_n() -> None:
    [drift] = past.drift([found(0.7, 0.0)], [found(0.2, 0.0)])
    assert (drift["change"], drift["E_n"]) == (0.5, None)
