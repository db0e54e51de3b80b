"""A budget in a TOML file: bytes in; components, correlations and p out. Every mistake names its place. Pure.

[[component]]              one of: u, or half_width with distribution, or U with k
name = "air buoyancy"      c = 1 unless told; dof infinite unless told; beta for a trapezoid
half_width = 0.2
distribution = "rectangular"

[[correlation]]            between = ["one name", "another"], r = 0.5
[coverage]                 p = 0.9545
"""

import math
import tomllib
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_services.calibration.engine import checks, coverage, distributions
from kleinmaelzung_services.calibration.engine.budget import Budget, Component, evaluate
from kleinmaelzung_services.calibration.errors import CalibrationError

MAX_BYTES: Final = 1024 * 1024
MAX_COMPONENTS: Final = 500
_TABLES: Final = ("component", "correlation", "coverage")
_KEYS: Final = ("name", "c", "u", "half_width", "U", "k", "distribution", "beta", "dof")
_SIZES: Final = ("u", "half_width", "U")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFile:
    components: tuple[Component, ...]
    correlations: dict[tuple[str, str], float]
    p: float

    def evaluated(self) -> Budget:
        return evaluate(self.components, self.correlations, self.p)


def read(content: bytes) -> BudgetFile:
    """The budget of a TOML file."""
    found = _toml(content)
    _check_keys("the file", found, _TABLES)
    components = _tables(found, "component")
    if not components:
        raise CalibrationError("component", "missing", "a budget has at least one", "add [[component]] with name and u")
    return BudgetFile(
        components=tuple(_component(place, each) for place, each in enumerate(components, start=1)),
        correlations=_correlations(_tables(found, "correlation")),
        p=_p(found.get("coverage", {})),
    )


def _toml(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise CalibrationError("the file", f"{len(content)} bytes", f"{MAX_BYTES} are read at most", "shorten it")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CalibrationError("the file", "no UTF-8", "TOML is UTF-8", "save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CalibrationError("the file", "no TOML", str(error), "correct it there") from None


def _tables(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    tables = found.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise CalibrationError(name, "no list of tables", f"each begins with [[{name}]]", f"write [[{name}]] above it")
    if len(tables) > MAX_COMPONENTS:
        raise CalibrationError(name, len(tables), f"{MAX_COMPONENTS} are read at most", "combine some beforehand")
    return tables


def _check_keys(where: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise CalibrationError(where, key, f"the keys are {', '.join(known)}", "correct its name, or remove it")


def _component(place: int, given: dict[str, Any]) -> Component:
    where = f"component {place}"
    _check_keys(where, given, _KEYS)
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        raise CalibrationError(f"{where}, name", name, "every component has a name", 'write name = "resolution"')
    where = f"component {place} ({name:.40})"
    u, shape = _size(where, given)
    return Component(
        name=name,
        u=u,
        c=checks.finite(f"{where}, c", given.get("c", 1.0)),
        dof=checks.degrees_of_freedom(f"{where}, dof", given.get("dof", math.inf)),
        shape=shape,
        beta=given.get("beta"),
    )


def _size(where: str, given: dict[str, Any]) -> tuple[float, distributions.Shape]:
    """The standard uncertainty, by the one way that was taken."""
    ways = [key for key in _SIZES if key in given]
    if len(ways) != 1:
        found = " and ".join(ways) or "none"
        raise CalibrationError(f"{where}, u", found, f"exactly one of {', '.join(_SIZES)} is needed", "keep or add one")
    (way,) = ways
    size = checks.not_negative(f"{where}, {way}", given[way])
    if way != "U" and "k" in given:
        raise CalibrationError(f"{where}, k", given["k"], "k belongs to U", f"give U instead of {way}, or remove k")
    usual = "rectangular" if way == "half_width" else "normal"  # GUM 4.3.7: nothing else is known of limits
    shape = _shape(where, given.get("distribution", usual))
    if (beta := given.get("beta")) is not None and shape != "trapezoid":
        raise CalibrationError(f"{where}, beta", beta, "only a trapezoid has one", "remove it")
    if shape == "trapezoid":
        checks.not_negative(f"{where}, beta", distributions.edge(beta))
    if way == "U":
        if "k" not in given:
            raise CalibrationError(f"{where}, k", "missing", "U means nothing without k", "see the certificate")
        return size / checks.positive(f"{where}, k", given["k"]), shape
    if way == "u":
        return size, shape
    if shape == "normal":
        rule = "a normal distribution has no limits"
        raise CalibrationError(f"{where}, distribution", shape, rule, "give U with k, or u, or another distribution")
    return distributions.from_half_width(shape, size, beta).u, shape


def _shape(where: str, name: object) -> distributions.Shape:
    try:
        return distributions.shape(name)  # type: ignore[arg-type]  # what is no text is refused there
    except CalibrationError as error:
        raise CalibrationError(f"{where}, distribution", name, error.rule, error.remedy) from None


def _correlations(tables: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    found = dict[tuple[str, str], float]()
    for place, given in enumerate(tables, start=1):
        pair, r = _correlation(place, given)
        if pair in found:
            raise CalibrationError(
                f"correlation {place}, between", list(pair), "it is given twice", "keep one of the two"
            )
        found[pair] = r
    return found


def _correlation(place: int, given: dict[str, Any]) -> tuple[tuple[str, str], float]:
    where = f"correlation {place}"
    _check_keys(where, given, ("between", "r"))
    between = given.get("between")
    if not isinstance(between, list) or len(between) != 2 or not all(isinstance(name, str) for name in between):
        raise CalibrationError(f"{where}, between", between, "it names two components", 'write between = ["a", "b"]')
    return (between[0], between[1]), checks.finite(f"{where}, r", given.get("r", "missing"))


def _p(given: object) -> float:
    if not isinstance(given, dict):
        raise CalibrationError("coverage", given, "it is a table", "write [coverage] and p = 0.9545 below it")
    _check_keys("coverage", given, ("p",))
    return checks.probability("coverage, p", given.get("p", coverage.P))
