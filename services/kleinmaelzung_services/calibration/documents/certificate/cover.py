"""Page 1 of a certificate: who, what, how, when, where, and the result in a line (ISO/IEC 17025:2017, 7.8.2.1 a to j).

Also what stands on every page: number, revision, what it replaces, and that it is a specimen or not signed.
"""

from typing import Final

from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Masthead, NewPage, Paragraph, Title
from kleinmaelzung_services.calibration.documents.certificate import entries, words, words_statement
from kleinmaelzung_services.calibration.documents.certificate import words_cover as said
from kleinmaelzung_services.calibration.documents.certificate.entries import Entry
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.protocol import blank
from kleinmaelzung_services.calibration.documents.protocol.budgets import RULES
from kleinmaelzung_services.calibration.records.record import Party

_PLACES: Final = {
    "permanent": said.PERMANENT,
    "site": said.SITE,
    "customer": said.AT_CUSTOMER,
    "mobile": said.MOBILE,
}
_FOOTER: Final = 120  # characters of a line that can still be read; the first page has all of it


def title(sheet: Sheet) -> str:
    return sheet.say(said.FILE_TITLE, name=sheet.issue.name, title=sheet.template.title)


def masthead(sheet: Sheet) -> Masthead:
    issue, laboratory = sheet.issue, sheet.record.laboratory
    parts = [
        sheet.say(said.NUMBER, number=issue.number, revision=issue.revision),
        sheet.say(said.REPLACES, name=issue.replaces) if issue.replaces else "",
        "" if issue.signer else sheet.say(said.UNSIGNED),
    ]
    return Masthead(
        left=sheet.say(said.TITLE),
        right=", ".join(part for part in parts if part),
        footer=_shortened(f"{laboratory.name}, {laboratory.address}"),
    )


def watermark(sheet: Sheet) -> str:
    return sheet.say(said.WATERMARK) if sheet.record.is_simulated else ""


def blocks(sheet: Sheet) -> list[Block]:
    issue = sheet.issue
    number = sheet.say(said.NUMBER, number=issue.number, revision=issue.revision)
    return [
        Title(text=sheet.say(said.TITLE), below=number, field="issue.number"),
        *_amendment(sheet),
        *([Paragraph(text=sheet.say(said.SPECIMEN), field="note")] if sheet.record.is_simulated else []),
        entries.beside(sheet, _parties(sheet)),
        sheet.heading(texts.INSTRUMENT),
        entries.beside(sheet, _instrument(sheet)),
        sheet.heading(said.CALIBRATION),
        entries.below(sheet, _calibration(sheet)),
        sheet.heading(said.DATES),
        entries.below(sheet, _dates(sheet)),
        sheet.heading(said.RESULT),
        entries.below(sheet, _result(sheet)),
        NewPage(),
    ]


def _amendment(sheet: Sheet) -> list[Block]:
    """ISO/IEC 17025:2017, 7.8.8."""
    issue = sheet.issue
    if not issue.replaces:
        return []
    text = sheet.say(said.AMENDMENT, name=issue.replaces, reason=issue.reason)
    if issue.changes:
        text += "\n" + sheet.say(said.CHANGES_BELOW, heading=_quoted(sheet, sheet.say(words_statement.AMENDMENT)))
    return [Paragraph(text=text, field="issue.reason")]


def _parties(sheet: Sheet) -> list[Entry]:
    laboratory, customer = sheet.record.laboratory, sheet.record.customer
    found = [
        Entry(said.LABORATORY, laboratory.name, "laboratory.name"),
        Entry(texts.CUSTOMER, customer.name, "customer.name"),
        Entry(said.ADDRESS, _address(laboratory), "laboratory.address"),
        Entry(said.ADDRESS, _address(customer), "customer.address"),
    ]
    if laboratory.contact or customer.contact:
        found.append(Entry(said.CONTACT, laboratory.contact or "-", "laboratory.contact"))
        found.append(Entry(said.CONTACT, customer.contact or "-", "customer.contact"))
    return found


def _address(party: Party) -> str:
    return f"{party.address}, {party.country}" if party.country else party.address


def _instrument(sheet: Sheet) -> list[Entry]:
    item = sheet.record.item
    return [
        Entry(texts.INSTRUMENT_TYPE, item.instrument_type, "item.instrument_type"),
        Entry(said.INSTRUMENT_ID, item.id, "item.id"),
        Entry(texts.MAKER, item.maker, "item.maker"),
        Entry(texts.MODEL, item.model, "item.model"),
        Entry(texts.SERIAL, item.serial, "item.serial"),
        Entry(texts.ASSET, item.asset, "item.asset"),
        Entry(said.CONDITION, item.condition, "item.condition"),
        Entry(texts.FIRMWARE, item.firmware, "item.firmware"),
    ]


def _calibration(sheet: Sheet) -> list[Entry]:
    template = sheet.template
    version = sheet.say(texts.TEMPLATE_VERSION, id=template.id, version=template.version)
    procedure = f"{template.title}\n{version}\nSHA-256: {template.sha256}"
    sensors = [each.display.sensor for each in template.measurands if each.display.sensor]
    return [
        Entry(texts.METHOD, "\n".join(template.method), "template.method"),
        Entry(texts.TEMPLATE, procedure, "template.title"),
        *(Entry(texts.MEASURAND, blank.measured(sheet, one), "template.quantity") for one in template.measurands),
        *(Entry(said.SENSOR, blank.felt(sheet, sensor), "template.instrument.sensor") for sensor in sensors),
    ]


def _dates(sheet: Sheet) -> list[Entry]:
    record = sheet.record
    received = record.item.received.isoformat() if record.item.received else ""
    place = f"{record.place.address} ({sheet.say(_PLACES[record.place.kind])})"
    return [
        Entry(said.RECEIVED, received, "item.received"),
        Entry(said.PERFORMED, _performed(sheet), "as_found.started"),
        Entry(said.ISSUED, sheet.time(sheet.issue.issued_at), "issue.issued_at"),
        Entry(texts.PLACE, place, "place.address"),
    ]


def _performed(sheet: Sheet) -> str:
    """Of both series where something was adjusted between them."""
    found, left = sheet.record.as_found, sheet.record.as_left
    if left is None:
        return sheet.span(found.started, found.finished)
    both = ((words.AS_FOUND, found), (words.AS_LEFT, left))
    return "\n".join(f"{sheet.say(name)}: {sheet.span(one.started, one.finished)}" for name, one in both)


def _result(sheet: Sheet) -> list[Entry]:
    return [
        Entry(said.CONFORMITY, _verdict(sheet), "verdict"),
        Entry(said.TRACEABILITY, _traceability(sheet), "standards.certificate"),
        Entry(said.AUTHORISED, _authorised(sheet), "people"),
    ]


def _verdict(sheet: Sheet) -> str:
    """In one line with its rule; of both series where something was adjusted, the last one first."""
    found = [(series, sheet.say(said.SENTENCES[one.verdict])) for series, one in reversed(sheet.series)]
    if len(found) == 1:
        lines = [f"{found[0][1]}."]
    else:
        lines = [f"{sheet.say(said.SERIES, series=sheet.say(series), sentence=text)}." for series, text in found]
    return "\n".join(lines + [sheet.say(said.RULE, rule=rule) for rule in rules(sheet)])


def rules(sheet: Sheet) -> list[str]:
    """The decision rules of all measurands, each once."""
    found = [one.acceptance for one in sheet.template.measurands if one.acceptance]
    said_of = (sheet.say(RULES[one.rule], factor=sheet.number(one.guard_factor)) for one in found)
    return list(dict.fromkeys(said_of))


def _traceability(sheet: Sheet) -> str:
    """ISO/IEC 17025:2017, 7.8.4.1 c."""
    found = [one.certificate for one in sheet.record.standards if one.certificate.number]
    named = (
        sheet.say(said.OF_LABORATORY, number=one.number, laboratory=one.laboratory) if one.laboratory else one.number
        for one in found
    )
    heading = _quoted(sheet, sheet.say(texts.STANDARDS))
    return sheet.say(said.TRACEABLE, heading=heading, certificates="; ".join(dict.fromkeys(named)))


def _authorised(sheet: Sheet) -> str:
    """ISO/IEC 17025:2017, 7.8.2.1 o."""
    found = [
        ", ".join(part for part in (one.name, one.function, sheet.time(one.at)) if part)
        for one in sheet.people("approver")
    ]
    return "\n".join(found) or sheet.say(said.NOBODY)


def _quoted(sheet: Sheet, text: str) -> str:
    return f"„{text}“" if sheet.language == "de" else f"“{text}”"


def _shortened(text: str) -> str:
    return text if len(text) <= _FOOTER else f"{text[: _FOOTER - 1]}…"
