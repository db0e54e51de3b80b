"""Where U comes from: the budget of the worst point in full, all points in short, and what U means; blocks out. Pure.

ISO/IEC 17025:2017, 7.8.4.1 a; the sentences are those of EA-4/02 M:2022, 6, for what k was taken from.
"""

import math
from collections.abc import Iterable, Sequence

from kleinmaelzung_services.calibration.calculation.results import Line, MeasurandResult, PointResult, Uncertainty
from kleinmaelzung_services.calibration.documents import numerals, texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Column, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import figures, words_results, worked
from kleinmaelzung_services.calibration.documents.certificate import words_budgets as words
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.texts import Words

_DISTRIBUTIONS = {
    "normal": words.NORMAL,
    "rectangular": words.RECTANGULAR,
    "triangular": words.TRIANGULAR,
    "arcsine": words.ARCSINE,
    "trapezoid": words.TRAPEZOID,
}
_BASES = {
    "t": words.BASIS_T,
    "rectangular": words.BASIS_RECTANGULAR,
    "trapezoid": words.BASIS_TRAPEZOID,
    "fixed": words.BASIS_FIXED,
    "monte carlo": words.BASIS_MONTE_CARLO,
}
_SHORT = {
    "t": words.SHORT_T,
    "rectangular": words.SHORT_RECTANGULAR,
    "trapezoid": words.SHORT_TRAPEZOID,
    "fixed": words.SHORT_FIXED,
    "monte carlo": words.SHORT_MONTE_CARLO,
}
_SENTENCES = {
    "t": words.SENTENCE_T,
    "normal": words.SENTENCE_NORMAL,
    "rectangular": words.SENTENCE_RECTANGULAR,
    "trapezoid": words.SENTENCE_TRAPEZOID,
    "fixed": words.SENTENCE_FIXED,
    "monte carlo": words.SENTENCE_MONTE_CARLO,
}


def blocks(sheet: Sheet) -> list[Block]:
    found: list[Block] = []
    for name, series in sheet.series:
        title = sheet.say(words.TITLE)
        if sheet.results.as_left is not None:
            title = sheet.say(words.OF_SERIES, title=title, series=sheet.say(name))
        found.append(Heading(text=title, field="budget"))
        for result in series.measurands:
            if len(series.measurands) > 1:
                found.append(Heading(text=result.measurand.name, level=2, field="measurand.name"))
            found += _of(sheet, result)
    return found


def _of(sheet: Sheet, result: MeasurandResult) -> Iterable[Block]:
    worst, measurand = result.worst, result.measurand
    sentence = words.WORST_U if worst.decision is None else words.WORST
    yield Paragraph(text=_sentence(sheet, result, worst, sentence), field="budget")
    yield _full(sheet, result, worst.uncertainty)
    yield sheet.pairs(list(_total(sheet, result, worst)), "budget", label=4.4)
    yield Paragraph(text=sheet.say(words.NOTE, error_unit=sheet.unit(measurand.error_unit) or "1"), field="budget")
    yield Heading(text=sheet.say(words.SUMMARY), level=2, field="budget")
    yield _summary(sheet, result)
    yield from (Paragraph(text=sentence, field="budget") for sentence in _coverage(sheet, result))


def _sentence(sheet: Sheet, result: MeasurandResult, point: PointResult, sentence: Words) -> str:
    return sheet.say(
        sentence,
        point=sheet.number(point.nominal),
        unit=sheet.unit(result.measurand.unit),
        direction=sheet.say(words_results.UPWARDS if point.direction == "up" else words_results.DOWNWARDS),
    )


def _full(sheet: Sheet, result: MeasurandResult, found: Uncertainty) -> Table:
    columns = (
        Column(title=sheet.say(words.QUANTITY), share=4.2, is_label=True),
        Column(title=sheet.say(words.ESTIMATE), share=2.5),
        Column(title=sheet.say(words.U), share=2.0, align="number"),
        Column(title=sheet.say(words.UNIT), share=1.6, align="center"),
        Column(title=sheet.say(words.DISTRIBUTION), share=2.9),
        Column(title=sheet.say(words.DOF), share=1.0, align="center"),
        Column(title=sheet.say(words.SENSITIVITY), share=1.4, align="number"),
        Column(title=sheet.titled(words.CONTRIBUTION, result.measurand.error_unit), share=1.9, align="number"),
        Column(title=sheet.say(words.SHARE), share=1.5, align="number"),
    )
    return Table(columns=columns, rows=tuple(_line(sheet, found, one) for one in found.lines), field="budget.component")


def _line(sheet: Sheet, found: Uncertainty, line: Line) -> tuple[str, ...]:
    return (
        line.name,
        _estimate(sheet, line),
        figures.significant(line.u, 2, sheet.language),
        numerals.unit(line.unit) or "1",
        f"{line.type}, {_distribution(sheet, line)}",
        figures.degrees(line.dof, sheet.language),
        figures.short(line.sensitivity, 4, sheet.language),
        figures.finer(abs(line.contribution), figures.of_uncertainty(found), sheet.language),
        figures.fixed(100 * line.share, 1, sheet.language),
    )


def _distribution(sheet: Sheet, line: Line) -> str:
    name = sheet.say(_DISTRIBUTIONS[line.distribution])
    return name if line.beta is None else sheet.say(words.BETA, distribution=name, beta=sheet.number(line.beta))


def _estimate(sheet: Sheet, line: Line) -> str:
    """What u was made of, three digits of it."""
    if line.estimate is None:
        return f"{'s' if line.type == 'A' else 'u'} = {figures.significant(line.u, 2, sheet.language)}"
    sign = "U" if line.distribution == "normal" else "a"
    return f"{sign} = {figures.short(line.estimate, 3, sheet.language)}"


def _total(sheet: Sheet, result: MeasurandResult, point: PointResult) -> Iterable[tuple[str, str]]:
    found, unit = point.uncertainty, sheet.unit(result.measurand.error_unit)
    yield sheet.say(words.COMBINED), f"{figures.significant(found.u_c, 4, sheet.language)} {unit}".strip()
    yield sheet.say(words.NU_EFF), figures.degrees(found.nu_eff, sheet.language)
    k = figures.factor(found, sheet.language)
    yield sheet.say(words.FACTOR), sheet.say(words.FACTOR_IS, k=k, basis=_from(sheet, found))
    expanded = sheet.say(
        words.EXPANDED_IS,
        exact=figures.significant(found.expanded, 4, sheet.language),
        rounded=numerals.rounded(figures.expanded(point), sheet.language),
        unit=unit,
    )
    yield sheet.say(words.EXPANDED), expanded.replace(" ,", ",").strip()


def _from(sheet: Sheet, found: Uncertainty) -> str:
    """What k comes from."""
    return sheet.say(
        _BASES[found.basis],
        p=_percent(sheet, found.p),
        trials=found.drawn.trials if found.drawn else "",
        seed=found.drawn.seed if found.drawn else "",
        share=figures.fixed(100 * (found.second_order or 0.0), 0, sheet.language),
    )


def _summary(sheet: Sheet, result: MeasurandResult) -> Table:
    measurand = result.measurand
    columns = (
        Column(title="", share=0.8, align="center"),
        Column(title=sheet.titled(texts.POINT, measurand.unit), share=3, align="number"),
        Column(title=_titled(sheet, "u", result), share=3, align="number"),
        Column(title="ν", share=2, align="center"),
        Column(title="k", share=2, align="number"),
        Column(title=sheet.say(words.K_FROM), share=3, align="center"),
        Column(title=_titled(sheet, "U", result), share=3, align="number"),
    )
    nominals = sheet.column([point.nominal for point in result.points])
    rows = tuple(_short(sheet, point, shown) for point, shown in zip(result.points, nominals, strict=True))
    return Table(columns=columns, rows=rows, field="budget", marked=(result.points.index(result.worst),))


def _titled(sheet: Sheet, name: str, result: MeasurandResult) -> str:
    unit = sheet.unit(result.measurand.error_unit)
    return f"{name}, {unit}" if unit else name


def _short(sheet: Sheet, point: PointResult, nominal: str) -> tuple[str, ...]:
    found = point.uncertainty
    return (
        figures.UP if point.direction == "up" else figures.DOWN,
        nominal,
        figures.finer(found.u_c, figures.of_uncertainty(found), sheet.language),
        figures.degrees(found.nu_eff, sheet.language),
        figures.factor(found, sheet.language),
        sheet.say(_SHORT[found.basis]),
        numerals.rounded(figures.expanded(point), sheet.language),
    )


def _coverage(sheet: Sheet, result: MeasurandResult) -> list[str]:
    """A sentence for each thing that k was taken from; with its points, where there are several."""
    found = list[str]()
    groups = dict[str, list[PointResult]]()
    for point in result.points:
        groups.setdefault(_basis(point.uncertainty), []).append(point)
    unit = sheet.unit(result.measurand.unit)
    for basis, points in groups.items():
        sentence = _covered(sheet, basis, points)
        if len(groups) > 1:
            named = list(dict.fromkeys(sheet.number(point.nominal) for point in points))
            of = words.OF_POINT if len(named) == 1 else words.OF_POINTS
            sentence = sheet.say(of, points=", ".join(named), unit=unit, sentence=sentence).replace(" :", ":")
        found.append(sentence)
    return [*found[:-1], f"{found[-1]} {sheet.say(words.METHOD)}"]


def _basis(found: Uncertainty) -> str:
    """A t-distribution whose k is that of a normal one to its last printed digit is called so."""
    normal = worked.factor_of(found.p)
    return "normal" if found.basis == "t" and round(found.k, 2) == round(normal, 2) else found.basis


def _covered(sheet: Sheet, basis: str, points: Sequence[PointResult]) -> str:
    factors = dict.fromkeys(figures.factor(point.uncertainty, sheet.language) for point in points)
    k = sheet.say(words.ONE_K, k=next(iter(factors))) if len(factors) == 1 else sheet.say(words.EACH_K)
    first = points[0].uncertainty
    p = worked.probability(first.k) if basis == "fixed" else first.p
    return sheet.say(_SENTENCES[basis], k=k, p=_percent(sheet, p))


def _percent(sheet: Sheet, p: float) -> str:
    return sheet.number(math.floor(1e4 * p + 0.5) / 100)
