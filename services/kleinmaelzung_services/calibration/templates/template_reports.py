"""What is said about templates, as documents for JSON: a file's bytes or a name in, plain dictionaries out."""

from dataclasses import asdict
from typing import Any

from kleinmaelzung_services.calibration.templates import checking
from kleinmaelzung_services.calibration.templates import shipped as template_shipped
from kleinmaelzung_services.calibration.templates.shipped import Shipped
from kleinmaelzung_services.calibration.templates.template import Template


def check(content: bytes) -> dict[str, Any]:
    """All mistakes of a template's file; or what it is, where there is none."""
    checked = checking.check(content, template_shipped.register())
    return {
        "ok": checked.template is not None,
        "sha256": checked.sha256,
        "template": _summary(checked.template) if checked.template else None,
        "mistakes": [{**asdict(mistake), "sentence": str(mistake)} for mistake in checked.mistakes],
    }


def listing() -> dict[str, Any]:
    """The templates that come along."""
    return {"templates": [_shipped(one) for one in template_shipped.templates()]}


def shipped(name: str) -> dict[str, Any] | None:
    """One of them with its text, by its name or id; None where there is none."""
    wanted = name.lower()
    found = (one for one in template_shipped.templates() if wanted in (one.name, one.template.id.lower()))
    return next(({**_shipped(one), "text": one.content.decode()} for one in found), None)


def _shipped(one: Shipped) -> dict[str, Any]:
    return {"name": one.name, **_summary(one.template), "sha256": one.template.sha256}


def _summary(template: Template) -> dict[str, Any]:
    return {
        "id": template.id,
        "version": template.version,
        "title": template.title,
        "instrument_type": template.instrument_type,
        "language": template.language,
        "measurands": [
            {"name": one.name, "unit": one.unit.symbol, "components": len(one.budget.components)}
            for one in template.measurands
        ],
        "tests": len(template.tests),
    }
