"""The end of a blank protocol: uncertainty budget to fill in, limits with their rule, computed results. Pure."""

import math
from typing import Final

from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Column, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.form import NOTE_MM, WRITING_MM, Form, formula
from kleinmaelzung_services.calibration.templates.template import Acceptance, Component, Fit, Measurand, Source

_DISTRIBUTIONS: Final = {
    "normal": texts.NORMAL,
    "rectangular": texts.RECTANGULAR,
    "triangular": texts.TRIANGULAR,
    "arcsine": texts.ARCSINE,
    "trapezoid": texts.TRAPEZOID,
}
BASES: Final = {"nominal": texts.BASIS_NOMINAL, "indication": texts.BASIS_INDICATION, "span": texts.BASIS_SPAN}
RULES: Final = {"simple": texts.RULE_SIMPLE, "guard": texts.RULE_GUARD, "nonbinary": texts.RULE_NONBINARY}
_FITTED: Final = {
    "reference": texts.REFERENCE,
    "indication": texts.INDICATION,
    "error": texts.ERROR,
    "correction": texts.CORRECTION,
    "raw": texts.RAW,
}


def budgets(form: Form) -> list[Block]:
    blocks: list[Block] = [form.heading(texts.BUDGET)]
    for measurand in form.template.measurands:
        blocks += _named(form, measurand)
        blocks.append(Paragraph(text=form.say(texts.BUDGET_NOTE, unit=form.unit(measurand.unit)), field="note"))
        blocks += _budget(form, measurand)
    return blocks


def _budget(form: Form, measurand: Measurand) -> list[Block]:
    columns = (
        Column(title=form.say(texts.COMPONENT), share=4.6, is_label=True),
        Column(title=form.say(texts.DISTRIBUTION), share=2.9),
        Column(title=form.say(texts.ESTIMATE), share=5.4),
        Column(title=form.say(texts.VALUE), share=2.5),
        Column(title="u", share=2.3),
        Column(title=form.say(texts.CONTRIBUTION), share=2.3),
    )
    rows = tuple(_component(form, one) for one in measurand.budget.components)
    coverage = measurand.budget.coverage
    if coverage.k is not None:
        factor = form.say(texts.COVERAGE_K, k=form.number(coverage.k))
    else:
        factor = form.say(texts.COVERAGE_P, p=form.number(100 * coverage.p))
    label, empty = Column(title="", share=10, is_label=True), Column(title="", share=5)
    below = (
        (form.titled(texts.COMBINED, measurand.unit), ""),
        (form.say(texts.DOF), ""),
        (f"{form.say(texts.COVERAGE_FACTOR)}, {factor}", ""),
        (form.titled(texts.EXPANDED, measurand.error_unit), ""),
    )
    return [
        Table(columns=columns, rows=rows, field="budget.component", row_mm=WRITING_MM),
        Table(columns=(label, empty), rows=below, field="budget.coverage", row_mm=WRITING_MM),
    ]


def _component(form: Form, component: Component) -> tuple[str, ...]:
    lines = [_estimate(form, component)]
    if component.sensitivity is not None and component.sensitivity.text != "1":
        lines.append(form.say(texts.SENSITIVITY, value=formula(component.sensitivity)))
    if component.quantity:
        lines.append(form.say(texts.SENSITIVITY_TO, quantity=component.quantity))
    if component.beta is not None:
        lines.append(form.say(texts.EDGE, beta=form.number(component.beta)))
    if component.dof is not None and math.isfinite(component.dof):
        lines.append(form.say(texts.DEGREES, dof=form.number(component.dof)))
    if component.skip_at_zero:
        lines.append(form.say(texts.NOT_AT_ZERO))
    distribution = f"{component.type}, {form.say(_DISTRIBUTIONS[component.distribution])}"
    return component.name, distribution, "\n".join(lines), "", "", ""


def _estimate(form: Form, component: Component) -> str:
    if component.source is not None:
        return _source(form, component.source)
    if component.half_width is not None:
        return form.say(texts.HALF_WIDTH, value=form.amount(component.half_width, component.unit))
    if component.u is not None:
        return form.say(texts.IS_U, value=form.amount(component.u, component.unit))
    if component.expanded is None:
        raise ValueError(f"{component.name} has no number, which a checked template has")
    value = form.amount(component.expanded, component.unit)
    return form.say(texts.IS_EXPANDED, value=value, k=form.number(component.k or math.nan))


def _source(form: Form, source: Source) -> str:
    if source.kind == "window":
        return form.say(texts.OF_WINDOW)
    if source.kind == "test":
        return form.say(texts.OF_MEAN if source.of == "mean" else texts.OF_SINGLE, name=source.name)
    if not source.field:
        return form.say(texts.OF_CERTIFICATE, name=source.name)
    return form.say(texts.OF_FIELD, field=source.field, name=source.name)


def limits(form: Form) -> list[Block]:
    blocks: list[Block] = [form.heading(texts.LIMITS)]
    for measurand in form.template.measurands:
        blocks += _named(form, measurand)
        if measurand.acceptance is None:
            blocks.append(Paragraph(text=form.say(texts.NO_CONFORMITY), field="acceptance"))
        else:
            blocks += _limits(form, measurand, measurand.acceptance)
    return blocks


def _limits(form: Form, measurand: Measurand, acceptance: Acceptance) -> list[Block]:
    unit, error_unit = measurand.unit, measurand.error_unit
    columns = (
        Column(title=form.titled(texts.FROM, unit), share=2.6, align="number"),
        Column(title=form.titled(texts.UP_TO, unit), share=2.6, align="number"),
        Column(title=form.titled(texts.LOWER, error_unit), share=3.4, align="number"),
        Column(title=form.titled(texts.UPPER, error_unit), share=3.4, align="number"),
        Column(title=form.titled(texts.LARGEST_FOUND, error_unit), share=4),
        Column(title=form.say(texts.VERDICT), share=3),
    )
    rows = tuple(
        (
            end(form, one.above),
            end(form, one.upto),
            bound(form, one.lower, -one.relative),
            bound(form, one.upper, one.relative),
            "",
            "",
        )
        for one in acceptance.limits
    )
    factor = form.number(acceptance.guard_factor)
    sentences = [f"{form.say(texts.RULE)}: {form.say(RULES[acceptance.rule], factor=factor)}."]
    sentences.append(form.say(BASES[acceptance.basis]))
    if acceptance.agreed_with_customer:
        sentences.append(form.say(texts.AGREED))
    return [
        Paragraph(text=" ".join(sentences), field="acceptance"),
        Table(columns=columns, rows=rows, field="acceptance.limit", row_mm=WRITING_MM),
    ]


def end(form: Form, value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else form.number(value)


def bound(form: Form, value: float | None, share: float) -> str:
    """What is permitted on one side: a number, a share of the basis, or both."""
    if value is None or not share:
        return end(form, value)
    if not value:
        return f"{form.number(100 * share)} %"
    sign = "\N{MINUS SIGN}" if share < 0 else "+"
    return f"{form.number(value)} {sign} {form.number(100 * abs(share))} %"


def results(form: Form) -> list[Block]:
    """Curves and numbers that are computed at the end, each with a place for it."""
    rows = [(f"{form.say(texts.FIT)}: {_curve(form, one.fit)}", "-", "") for one in form.template.measurands if one.fit]
    for result in form.template.results:
        unit = form.unit(result.unit)
        name = f"{result.name}\n= {form.amount(result.value, result.unit)}"
        rows.append((name, form.permitted(result.lower, result.upper, unit), ""))
    if not rows:
        return []
    columns = (
        Column(title=form.say(texts.QUANTITY), share=9, is_label=True),
        Column(title=form.say(texts.PERMITTED), share=4),
        Column(title=form.say(texts.FOUND), share=5),
    )
    return [
        form.heading(texts.RESULTS),
        Table(columns=columns, rows=tuple(rows), field="result", row_mm=NOTE_MM),
    ]


def _curve(form: Form, fit: Fit) -> str:
    axes = form.say(_FITTED[fit.y]), form.say(_FITTED[fit.x])
    parts = [form.say(texts.FIT_CURVE, y=axes[0], x=axes[1], order=fit.order)]
    if fit.through_origin:
        parts.append(form.say(texts.THROUGH_ORIGIN))
    if fit.origin:
        parts.append(form.say(texts.ORIGIN, origin=form.number(fit.origin)))
    if fit.weights == "uncertainty":
        parts.append(form.say(texts.WEIGHTED))
    return ", ".join(parts)


def _named(form: Form, measurand: Measurand) -> list[Block]:
    """The measurand's name, where there are several."""
    if len(form.template.measurands) == 1:
        return []
    return [Heading(text=measurand.name, level=2, field="measurand.name")]
