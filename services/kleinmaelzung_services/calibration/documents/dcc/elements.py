"""Elements of the certificate's XML: tags, texts in both languages in; ElementTree elements and bytes out. Pure.

Tags are written with their prefixes, which the root declares: ElementTree's own table of prefixes is one for the whole
process, and the bytes would depend on who wrote in it before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.documents import numerals, texts
from kleinmaelzung_services.calibration.documents.texts import Language, Words
from kleinmaelzung_services.calibration.errors import CalibrationError

NAMESPACES: Final = {"dcc": "https://ptb.de/dcc", "si": "https://ptb.de/si"}
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACES: Final = " \t\r\n"  # what XML Schema takes for white space


@dataclass(frozen=True, slots=True)
class Said:
    """Words with what stands in their braces: other words and numbers are told in the same language."""

    words: Words
    values: Mapping[str, object]


Text = Words | Said | str


def said(words: Words, **values: object) -> Said:
    return Said(words, values)


def node(tag: str, *inside: Element | str | None, ref: str = "", **attributes: str) -> Element:
    """Return an element; what is None is left out. `ref` is its refType."""
    found = Element(tag, {**({"refType": ref} if ref else {}), **attributes})
    for each in inside:
        if isinstance(each, str):
            found.text = each.replace("\r\n", "\n").replace("\r", "\n")
        elif each is not None:
            found.append(each)
    return found


def line(tag: str, text: str) -> Element | None:
    """A text that may not be empty there, nor begin or end with a space; None where there is none."""
    stripped = text.strip(_SPACES)
    return node(tag, stripped) if stripped else None


def needed(tag: str, field: str, text: str) -> Element:
    """The same, where it must be. Raises CalibrationError."""
    found = line(tag, text)
    if found is None:
        rule = "the digital calibration certificate must have it"
        raise CalibrationError(field, "empty", rule, "write something")
    return found


@dataclass(frozen=True, slots=True)
class Voice:
    """Says texts in the document's language, then in the others. What a record says stands as it is, without one."""

    language: Language

    @property
    def languages(self) -> tuple[Language, ...]:
        return (self.language, *(one for one in texts.LANGUAGES if one != self.language))

    def tell(self, tag: str, *parts: Text, ref: str = "", written_in: str = "") -> Element:
        """A name or a description: `parts` are its paragraphs. `written_in` is the language of plain texts."""
        kept = [part for part in parts if part != ""]
        if all(isinstance(part, str) for part in kept):
            lang = {"lang": written_in} if written_in else {}
            return node(tag, node("dcc:content", "\n".join(map(str, kept)), **lang), ref=ref)
        contents = [
            node("dcc:content", "\n".join(_say(part, language) for part in kept), lang=language)
            for language in self.languages
        ]
        return node(tag, *contents, ref=ref)

    def describe(self, *parts: Text, written_in: str = "") -> Element | None:
        """A description, where there is something to say."""
        return self.tell("dcc:description", *parts, written_in=written_in) if any(parts) else None


def _say(part: object, language: Language) -> str:
    match part:
        case Words():
            return texts.say(part, language)
        case Said():
            values = {name: _say(value, language) for name, value in part.values.items()}
            return texts.say(part.words, language, **values)
        case float():
            return numerals.number(part, language)
    return str(part)


def written(root: Element) -> bytes:
    """The same elements always give the same bytes."""
    for prefix, uri in NAMESPACES.items():
        root.set(f"xmlns:{prefix}", uri)
    ElementTree.indent(root, " ")
    return _DECLARATION + ElementTree.tostring(root, encoding="unicode").encode() + b"\n"
