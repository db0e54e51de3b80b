"""What is said about a blank protocol that was made: a template's bytes in; the PDF and a plain dictionary out."""

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

from kleinmaelzung_services.calibration.documents import drawing
from kleinmaelzung_services.calibration.documents.protocol import blank as protocol
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.templates import checking, shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Either mistakes, each with its sentence, or a PDF."""

    pdf: bytes = b""
    summary: dict[str, Any] = field(default_factory=dict)
    mistakes: tuple[dict[str, Any], ...] = ()


def blank(content: bytes, language: Language | None) -> Made:
    """In the template's language unless told. Raises GlyphMissing."""
    checked = checking.check(content, shipped.register())
    template = checked.template
    if template is None:
        mistakes = tuple({**asdict(mistake), "sentence": str(mistake)} for mistake in checked.mistakes)
        return Made(mistakes=mistakes)
    chosen = language or template.language
    drawn = drawing.draw(protocol.document(template, content, chosen))
    summary = {
        "language": chosen,
        "pages": drawn.pages,
        "sha256": hashlib.sha256(drawn.pdf).hexdigest(),
        "template": {"id": template.id, "version": template.version, "sha256": template.sha256},
    }
    return Made(pdf=drawn.pdf, summary=summary)
