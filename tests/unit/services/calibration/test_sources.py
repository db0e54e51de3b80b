"""Every public function of the engine says where its formula stands."""

import inspect
import re
from types import ModuleType

import pytest

from kleinmaelzung_services.calibration.engine import (
    budget,
    conformity,
    coverage,
    distributions,
    fits,
    least_squares,
    montecarlo,
    points,
    prediction,
    risk,
    rounding,
    sensitivity,
    student,
    window,
)

ENGINE = (
    budget, conformity, coverage, distributions, fits, montecarlo, points, prediction, risk, sensitivity, student,
    window,
)  # fmt: skip
SOURCE = re.compile(r"GUM|JCGM|EA-4/02|ILAC-G8|NIST|ISO|DKD-R|EURAMET|IEC")
NO_FORMULA = {"shape", "edge", "predict_inside", "centred"}
IMPURE = {"open", "print", "time", "datetime", "os", "pathlib", "random", "logging", "socket"}


def functions(module: ModuleType) -> list[tuple[str, str]]:
    return [
        (f"{module.__name__.rpartition('.')[2]}.{name}", inspect.getdoc(found) or "")
        for name, found in inspect.getmembers(module, inspect.isfunction)
        if found.__module__ == module.__name__ and not name.startswith("_") and name not in NO_FORMULA
    ]


@pytest.mark.parametrize(("name", "said"), [each for module in ENGINE for each in functions(module)])
def test_a_public_function_names_its_source(name: str, said: str) -> None:
    inverse_of = re.search(r"the inverse of (\w+)", said)
    assert SOURCE.search(said) or inverse_of, name


@pytest.mark.parametrize("module", [*ENGINE, rounding, least_squares])
def test_the_engine_reads_no_clock_and_no_file(module: ModuleType) -> None:
    assert not IMPURE & {*module.__dict__, *re.findall(r"\b(?:open|print)(?=\()", inspect.getsource(module))}
