"""The uncertainty of one row of results: a template's components and the numbers of the row in; Uncertainty out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.calculation import numbers as numbers_of
from kleinmaelzung_services.calibration.calculation import secondorder
from kleinmaelzung_services.calibration.calculation.findings import Found
from kleinmaelzung_services.calibration.calculation.models import Model
from kleinmaelzung_services.calibration.calculation.numbers import Setting
from kleinmaelzung_services.calibration.calculation.readings import Taken, combined
from kleinmaelzung_services.calibration.calculation.results import Line, Uncertainty
from kleinmaelzung_services.calibration.calculation.secondorder import Part
from kleinmaelzung_services.calibration.engine import budget, distributions
from kleinmaelzung_services.calibration.errors import CalibrationError
from kleinmaelzung_services.calibration.templates.expressions import Expression
from kleinmaelzung_services.calibration.templates.template import Component, Source
from kleinmaelzung_services.calibration.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The repeats of a point, and the numbers that formulas know there."""

    taken: Sequence[Taken]
    found: Found
    numbers: Mapping[str, float]

    @property
    def nominal(self) -> float:
        return self.taken[0].reading.point


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """u and what it was made of, in the component's unit; `estimate` is a half width or U."""

    u: float
    dof: float = math.inf
    estimate: float | None = None
    half_width: float | None = None


def evaluate(setting: Setting, row: Row) -> tuple[Uncertainty, tuple[str, ...]]:
    """The budget of a row, and notes on what is peculiar in it."""
    wanted, notes = setting.measurand.budget, list[str]()
    model = Model(setting=setting, numbers=row.numbers)
    parts = list[tuple[Component, Size, budget.Component]]()
    for component in wanted.components:
        if component.skip_at_zero and row.nominal == 0:
            continue
        size = _size(setting, component, row)
        if component.type == "A" and size.u == 0:
            notes.append(f"{component.name}: all readings were equal, the resolution carries it")
        entry = budget.Component(
            name=component.name,
            u=size.u,
            c=model.sensitivity(component, size.u),
            dof=size.dof,
            shape=component.distribution,
            beta=component.beta,
        )
        parts.append((component, size, entry))
    found = budget.evaluate([entry for _, _, entry in parts], p=wanted.coverage.p)
    lines = tuple(_line(component, size, line) for (component, size, _), line in zip(parts, found.lines, strict=True))
    fixed = wanted.coverage.k
    uncertainty = Uncertainty(
        lines=lines,
        u_c=found.u_c,
        nu_eff=found.nu_eff,
        k=found.k if fixed is None else fixed,
        p=wanted.coverage.p,
        basis=found.coverage.basis if fixed is None else "fixed",
    )
    uncertainty = _checked(model, [_part(*one) for one in parts], uncertainty)
    if uncertainty.drawn and uncertainty.second_order is not None:
        notes.append(
            f"the second order has {100 * uncertainty.second_order:.0f} % of u squared, so U is by Monte Carlo"
            f" (JCGM 101, {uncertainty.drawn.trials} trials, seed {uncertainty.drawn.seed})"
        )
    return uncertainty, tuple(notes)


def _part(component: Component, size: Size, entry: budget.Component) -> Part:
    return Part(component=component, u=size.u, half_width=size.half_width, dof=size.dof, sensitivity=entry.c)


def _checked(model: Model, parts: Sequence[Part], linear: Uncertainty) -> Uncertainty:
    """With Monte Carlo in place of the first order where that is not good enough; a fixed k stays what it is."""
    share = secondorder.share(model, parts, linear.u_c)
    if not secondorder.matters(share):
        return replace(linear, second_order=share)
    drawn = secondorder.drawn(model, parts, linear.p)
    u, expanded = secondorder.about(drawn)
    if linear.basis == "fixed":
        return replace(linear, u_c=u, second_order=share, drawn=drawn)
    return replace(linear, u_c=u, k=expanded / u, basis="monte carlo", second_order=share, drawn=drawn)


def systematic(uncertainty: Uncertainty) -> float:
    """What does not average out over points: all of type B together (GUM H.3.6)."""
    return math.hypot(*(line.contribution for line in uncertainty.lines if line.type == "B"))


def scattering(uncertainty: Uncertainty) -> float:
    """What differs from point to point: all of type A together."""
    return math.hypot(*(line.contribution for line in uncertainty.lines if line.type == "A"))


def _line(component: Component, size: Size, line: budget.Line) -> Line:
    return Line(
        name=component.name,
        type=component.type,
        distribution=component.distribution,
        estimate=size.estimate,
        u=size.u,
        unit=component.unit.symbol,
        dof=size.dof,
        sensitivity=line.component.c,
        contribution=line.contribution,
        share=line.share,
        beta=component.beta,
    )


def _size(setting: Setting, component: Component, row: Row) -> Size:
    dof = math.inf if component.dof is None else component.dof
    if component.half_width is not None:
        return _of_half_width(component, _computed(component, component.half_width, row))
    if component.u is not None:
        return Size(u=_computed(component, component.u, row), dof=dof)
    if component.expanded is not None:
        expanded = _computed(component, component.expanded, row)
        return Size(u=distributions.from_expanded(expanded, component.k or 2.0), dof=dof, estimate=expanded)
    assert component.source is not None
    if component.source.kind == "standard":
        return _of_standard(setting, component, component.source, row)
    return _of_readings(setting, component, component.source, row)


def _computed(component: Component, formula: Expression, row: Row) -> float:
    value = numbers_of.computed(component.name, formula, row.numbers)
    if value < 0:
        rule = f"it must not be negative ({formula.text} at {row.nominal:g})"
        raise CalibrationError(component.name, value, rule, "take its size, with abs()")
    return value


def _of_half_width(component: Component, value: float) -> Size:
    u = distributions.from_half_width(component.distribution, value, component.beta).u
    return Size(u=u, estimate=value, half_width=value)


def _of_standard(setting: Setting, component: Component, source: Source, row: Row) -> Size:
    """The largest of the repeats: they lie near to one another on its scale."""
    standard = next(one for one in setting.standards if one.role == source.name)
    unit = setting.unit_of(standard)
    if not source.field:
        found = [numbers_of.certified(setting, standard, one.reading) for one in row.taken]
        expanded, k = max(found, key=lambda one: one[0] / one[1])
        estimate = _into(component, expanded, unit)
        return Size(u=distributions.from_expanded(estimate, k), estimate=estimate)
    name = f"{standard.role}.{source.field}"
    if name not in row.numbers:
        raise CalibrationError(name, "missing", f"{component.name} needs it", "enter it with the standard")
    value = _into(component, row.numbers[name], unit)
    return _of_half_width(component, value) if source.means == "half_width" else Size(u=value)


def _of_readings(setting: Setting, component: Component, source: Source, row: Row) -> Size:
    """`of = "mean"` is that of this row: it is the mean of its own repeats, not of those of the other test."""
    n = len(row.taken)
    if source.kind == "window":
        u, dof = combined(tuple(noise for one in row.taken for noise in one.noise))
        u /= n
    else:
        u, dof = _deviation(source, row)
        u /= math.sqrt(n) if source.of == "mean" else 1.0
    return Size(u=_into(component, u, setting.measurand.unit), dof=dof)


def _deviation(source: Source, row: Row) -> tuple[float, float]:
    if source.name == "repeatability" and row.found.spread is not None:
        return row.found.spread.s, row.found.spread.dof
    if row.nominal in row.found.repeats:
        return row.found.repeats[row.nominal]
    rule = "a standard deviation needs 2 at least: without degrees of freedom there is no k"
    field = f"the number of repeats at {row.nominal:g}"
    raise CalibrationError(field, len(row.taken), rule, "measure the point again")


def _into(component: Component, value: float, unit: Unit) -> float:
    if not units.are_alike(unit, component.unit):
        rule = f'it cannot be converted to "{component.unit.symbol}"'
        raise CalibrationError(component.name, unit.symbol, rule, "correct the component's unit in the template")
    return units.convert_difference(value, unit, component.unit)
