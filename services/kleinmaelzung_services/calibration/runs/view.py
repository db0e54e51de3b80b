"""A run, and what a run can be led by, as wire/runs.py tells them: a Run or a template in; maps for the wire out. Pure.

What is to be done is told in sentences, so that page, terminal and any other program say the same.
"""

from collections.abc import Iterator
from typing import Any

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.runs import channels, choosing, permitting, showing, steps
from kleinmaelzung_services.calibration.runs.events import Created, RunStandard
from kleinmaelzung_services.calibration.runs.run import Run, Series, StepRun
from kleinmaelzung_services.calibration.templates import names
from kleinmaelzung_services.calibration.templates.template import Template, Test


def summary(run: Run) -> dict[str, Any]:
    """A run in a list."""
    return {**_common(run), "steps": len(steps_of(run).steps)}


def view(run: Run) -> dict[str, Any]:
    """Everything that somebody sees who leads a run."""
    created, series = run.created.what, steps_of(run)
    return {
        **_common(run),
        "template": {
            "id": run.template.id,
            "version": run.template.version,
            "title": run.template.title,
            "sha256": run.template.sha256,
            "language": run.template.language,
            "instrument_type": run.template.instrument_type,
        },
        "item": _item(created),
        "customer": _party(created),
        "place": {"kind": created.place.kind, "address": created.place.address},
        "condition": created.item.condition,
        "received": created.item.received.isoformat() if created.item.received else "",
        "review": created.reviewer,
        "standards": [_standard(one) for one in created.standards],
        "channels": {one: created.channel(one) for one in channels.own(run.template)},
        "sensors": list(_sensors(run)),
        "checks": list(_checks(run)),
        "questions": list(_questions(run)),
        "tests": [_test(run, index, test) for index, test in enumerate(run.template.tests)],
        "steps": [showing.step(run, series, one) for one in series.steps],
        "as_found": _as_found(run),
        "next": run.next.step.number if run.state == "measuring" and run.next else None,
        "acts": permitting.acts(run),
        "missing": list(missing(run)),
        "deviations": [{"text": one.text, "by": one.by, "at": one.at_us, "test": one.test} for one in run.deviations],
        "adjustment": _adjustment(run),
        "results": _results(run),
        "reviewed": _reviewed(run),
    }


def offer(name: str, template: Template) -> dict[str, Any]:
    """A template that a run can be led by, with what it needs."""
    return {
        "name": name,
        "id": template.id,
        "version": template.version,
        "title": template.title,
        "instrument_type": template.instrument_type,
        "sensors": [
            {"name": one.name, "unit": one.unit.symbol, "is_required": one.sensor == "required"}
            for one in template.environment
        ],
        "standards": [
            {
                "role": one.role,
                "kind": one.kind,
                "classes": list(one.classes),
                "unit": one.unit.symbol if one.unit else "",
                "is_live": bool(one.channel),
                "positions": choosing.positions(template, one),
            }
            for one in template.standards
        ],
    }


def steps_of(run: Run) -> Series:
    """The steps of the phase it is in; before it begins they are all open."""
    made = tuple(StepRun(step=step) for step in steps.steps(run.template)) if run.series is None else ()
    return run.series or Series(phase=run.phase, started_us=run.created.time_us, steps=made)


def missing(run: Run) -> Iterator[str]:
    """What is still to be done before it can go on."""
    if run.is_paused:
        yield "it is paused: resume it"
    match run.state:
        case "created":
            ticked, answered = {one.what.check for one in run.ticks}, {one.what.name for one in run.answers}
            yield from (f'tick "{one}"' for one in steps.checks(run.template) if one not in ticked)
            asked = (one for one in steps.questions(run.template) if one.name not in answered)
            yield from (f"answer {one.name}, in {one.unit.symbol}: {one.meaning}" for one in asked)
        case "measuring" if run.next is not None:
            yield from _open(run, run.next)
        case "measuring" | "measured":
            if run.rejected:
                yield f"{run.rejected.user} did not approve it: {run.rejected.what.text}"
            yield "calculate it, or adjust the instrument" if run.phase == "as_found" else "calculate it"
        case "adjusting":
            yield "adjust the instrument, then begin as left: everything is measured again"
        case "calculated":
            others = f"somebody else than {', '.join(run.operators)}"
            yield f"{others if run.created.what.reviewer == 'another' else 'somebody'} reviews it"
        case "reviewed":
            yield "issue it"


def _open(run: Run, next_: StepRun) -> Iterator[str]:
    if run.waiting:
        yield f"{steps.told(next_.step)} waits until it is stable"
        return
    if next_.reason:
        yield f"{steps.told(next_.step)} was not captured: {next_.reason}; place it again"
    elif not next_.wanted:
        yield f"{steps.told(next_.step)}: type what the instrument shows"
    else:
        also = ", and type what the instrument shows" if next_.is_typing_wanted else ""
        yield f"{steps.told(next_.step)}: place it{also}"
    series = steps_of(run)
    yield f"{sum(not one.is_done for one in series.steps)} of {len(series.steps)} steps are open"


def _common(run: Run) -> dict[str, Any]:
    return {
        "run": run.name,
        "instrument": run.instrument,
        "state": run.state,
        "phase": run.phase,
        "is_paused": run.is_paused,
        "head": run.head,
        "created": run.created.time_us,
        "by": run.created.user,
        "template": {"id": run.template.id, "version": run.template.version, "title": run.template.title},
        "certificate": run.issued.what.certificate if run.issued else "",
        "captured": sum(one.has_reading for one in steps_of(run).steps),
    }


def _item(created: Created) -> dict[str, Any]:
    item = created.item
    return {
        "name": item.id,
        "instrument_type": item.instrument_type,
        "maker": item.maker,
        "model": item.model,
        "serial": item.serial,
        "asset": item.asset,
        "firmware": item.firmware,
        "interval_months": created.interval_months,
        "is_simulated": created.is_simulated,
    }


def _party(created: Created) -> dict[str, Any]:
    one = created.customer
    return {"name": one.name, "address": one.address, "contact": one.contact, "country": one.country}


def _standard(one: RunStandard) -> dict[str, Any]:
    certificate = one.used.certificate
    return {
        "role": one.used.role,
        "name": one.used.id,
        "position": one.used.position,
        "description": one.used.description,
        "certificate": {
            "number": certificate.number,
            "laboratory": certificate.laboratory,
            "calibrated": certificate.calibrated.isoformat(),
            "due": certificate.due.isoformat(),
        },
        "instrument": one.instrument,
        "channel": one.channel,
    }


def _sensors(run: Run) -> Iterator[dict[str, Any]]:
    chosen = {one.name: one for one in run.created.what.sensors}
    for wanted in run.template.environment:
        one = next((each for name, each in chosen.items() if name == wanted.name), None)
        if one is not None:
            yield {
                "name": one.name,
                "instrument": one.instrument,
                "channel": one.channel,
                "unit": wanted.unit.symbol,
                "low": wanted.low,
                "high": wanted.high,
                "is_required": wanted.sensor == "required",
            }


def _checks(run: Run) -> Iterator[dict[str, Any]]:
    ticked = {one.what.check: one for one in run.ticks}
    for check in steps.checks(run.template):
        one = ticked.get(check)
        yield {"check": check, "by": one.user if one else "", "at": one.time_us if one else None}


def _questions(run: Run) -> Iterator[dict[str, Any]]:
    answered = {one.what.name: one for one in run.answers}
    for question in steps.questions(run.template):
        one = answered.get(question.name)
        yield {
            "name": question.name,
            "unit": question.unit.symbol,
            "meaning": question.meaning,
            "low": question.low,
            "high": question.high,
            "value": units.convert(one.what.value, units.find(one.what.unit), question.unit) if one else None,
            "by": one.user if one else "",
            "at": one.time_us if one else None,
        }


def _test(run: Run, index: int, test: Test) -> dict[str, Any]:
    measurand = next(one for one in run.template.measurands if one.name == test.measurand)
    return {
        "test": index,
        "kind": names.KINDS[type(test)],
        "title": test.title,
        "measurand": measurand.name,
        "unit": measurand.unit.symbol,
        "error_unit": measurand.error_unit.symbol,
        "is_skipped": any(one.is_left_out for one in steps_of(run).steps if one.step.test == index),
    }


def _as_found(run: Run) -> list[dict[str, Any]]:
    if run.phase == "as_found" or run.as_found is None:
        return []
    return [showing.step(run, run.as_found, one) for one in run.as_found.steps]


def _adjustment(run: Run) -> dict[str, Any] | None:
    if (one := run.adjustment) is None:
        return None
    what = one.what
    return {"text": what.text, "before": what.before, "after": what.after, "by": one.user, "at": one.time_us}


def _results(run: Run) -> dict[str, Any] | None:
    if run.calculated is None:
        return None
    what = run.calculated.what
    found = what.results or {}
    return {
        "verdict": what.verdict,
        "data_sha256": what.data_sha256,
        "as_found": found.get("as_found"),
        "as_left": found.get("as_left"),
    }


def _reviewed(run: Run) -> dict[str, Any] | None:
    one = run.reviewed
    return {"by": one.user, "at": one.time_us, "text": one.what.text} if one else None
