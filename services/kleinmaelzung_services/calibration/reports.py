"""What the command line shows: content of files and options in; plain maps for JSON out. Pure.

Keys are a contract: scripts rely on them. Numbers are not rounded; what is infinite or undefined is None.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kleinmaelzung_services.calibration import budget_file, table
from kleinmaelzung_services.calibration.engine import conformity, coverage, fits, prediction, rounding
from kleinmaelzung_services.calibration.engine.fits import Fit

X, Y = "x", "y"


def fit(
    content: bytes,
    *,
    order: int = 1,
    through_origin: bool = False,
    origin: float = 0.0,
    weights: str | None = None,
    uncertainties: str | None = None,
    at: Sequence[float] = (),
    decimal: table.Decimal | None = None,
) -> dict[str, Any]:
    """Fit the points of a CSV file: see `fits.fit`."""
    extra = [name for name in (weights, uncertainties) if name is not None]
    found = table.read(content, list(dict.fromkeys([X, Y, *extra])), decimal=decimal)
    for name in extra:
        table.check_positive(found, name)
    fitted = fits.fit(
        found.columns[X],
        found.columns[Y],
        order=order,
        through_origin=through_origin,
        origin=origin,
        weights=None if weights is None else found.columns[weights],
        uncertainties=None if uncertainties is None else found.columns[uncertainties],
    )
    return {
        "coefficients": [
            {"power": power, "value": value, "u": u}
            for power, value, u in zip(fitted.powers, fitted.coefficients, fitted.uncertainties, strict=True)
        ],
        "correlation": fitted.correlation.tolist(),
        "residual_s": fitted.residual_s if fitted.dof else None,
        "dof": fitted.dof,
        "predictions": [_prediction(fitted, x) for x in at],
        "n": len(fitted.residuals),
        "order": order,
        "through_origin": through_origin,
        "origin": origin,
        "weighting": "uncertainties" if uncertainties else "relative" if weights else "none",
        "range": list(fitted.range),
        "residuals": [
            {"line": line, "x": x, "residual": float(rest)}
            for line, x, rest in zip(found.lines, found.columns[X], fitted.residuals, strict=True)
        ],
        "lack_of_fit": _lack_of_fit(fitted),
    }


def budget(content: bytes) -> dict[str, Any]:
    """Evaluate the budget of a TOML file: see `budget.evaluate`."""
    found = budget_file.read(content)
    evaluated = found.evaluated()
    return {
        "u_c": evaluated.u_c,
        "nu_eff": _number(evaluated.nu_eff),
        "k": evaluated.k,
        "U": evaluated.expanded,
        "components": [
            {
                "name": line.component.name,
                "u": line.component.u,
                "c": line.component.c,
                "contribution": line.contribution,
                "share": line.share,
                "distribution": line.component.shape,
                "dof": _number(line.component.dof),
            }
            for line in evaluated.lines
        ],
        "p": evaluated.coverage.p,
        "coverage": evaluated.coverage.basis,
        "nu_eff_taken": _number(coverage.truncated(evaluated.nu_eff)),
        "U_rounded": f"{rounding.uncertainty(evaluated.expanded):f}",
    }


def conform(
    value: str,
    expanded: str,
    k: str,
    *,
    lower: str | None,
    upper: str | None,
    rule: conformity.Rule,
    guard_factor: str | None,
) -> dict[str, Any]:
    """Judge one value: see `conformity.decide`. Numbers come as they were typed, so that none changes on the way."""
    factor = conformity.GUARD_FACTOR if guard_factor is None else guard_factor
    found = conformity.decide(value, expanded, k, lower=lower, upper=upper, rule=rule, guard_factor=factor)
    return {
        "verdict": found.verdict,
        "p_conform": found.p_conform,
        "risk": found.risk,
        "acceptance": _limits(found.acceptance),
        "rule": found.rule,
        "rejection": _limits(found.rejection),
        "guard_band": float(found.guard_band),
        "why": found.why,
    }


def _prediction(fitted: Fit, x: float) -> dict[str, Any]:
    found = prediction.predict(fitted, x)
    return {"x": found.x, "y": found.y, "u": found.u, "outside": found.is_outside}


def _lack_of_fit(fitted: Fit) -> dict[str, Any] | None:
    found = fitted.lack_of_fit
    if found is None:
        return None
    return {
        "F": found.f,
        "dof_lack": found.dof_lack,
        "dof_pure": found.dof_pure,
        "s_pure": found.s_pure,
        "p_value": found.p_value,
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _limits(limits: tuple[Decimal | None, Decimal | None]) -> list[float | None]:
    return [None if limit is None else float(limit) for limit in limits]
