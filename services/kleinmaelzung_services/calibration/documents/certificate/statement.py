"""The end of a certificate: conformity, opinions, amendment, what must be said, signatures, the data's hash, the end.

blocks(sheet)    up to the notes (ISO/IEC 17025:2017, 7.8.2.1 l, 7.8.4.1 e and f, 7.8.4.3, 7.8.6 to 7.8.8)
closing(sheet)   authorisation, signature and hash, and the last line of the document (7.8.2.1 d and o)
"""

from typing import Final

from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Code, Column, Heading, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import conformity, entries
from kleinmaelzung_services.calibration.documents.certificate import words_statement as said
from kleinmaelzung_services.calibration.documents.certificate.entries import Entry
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet

RECORD: Final = "record.json"  # the attachment that the hash is of
_ROLES: Final = {"operator": texts.CALIBRATED_BY, "reviewer": texts.CHECKED_BY, "approver": texts.RELEASED_BY}


def blocks(sheet: Sheet) -> list[Block]:
    return [
        *conformity.blocks(sheet),
        *_opinions(sheet),
        *_interval(sheet),
        *_amendment(sheet),
        sheet.heading(said.NOTES),
        Paragraph(text=sheet.say(said.ONLY_ITEM), field="note"),
        Paragraph(text=sheet.say(said.IN_FULL), field="note"),
    ]


def closing(sheet: Sheet) -> list[Block]:
    issue = sheet.issue
    code = sheet.say(
        said.CODE, number=issue.number, revision=issue.revision, file=RECORD, sha256=_in_eights(sheet.data_sha256)
    )
    return [
        *_signatures(sheet),
        Code(content=coded(sheet), text=code, field="issue.number"),
        Heading(text=sheet.say(said.END), level=2, field="end"),
    ]


def coded(sheet: Sheet) -> str:
    """What the QR code says: which certificate this is, and the hash of its data."""
    return f"{sheet.issue.name}\nsha256:{sheet.data_sha256}"


def _in_eights(text: str) -> str:
    """So that it can be compared by eye."""
    return " ".join(text[at : at + 8] for at in range(0, len(text), 8))


def _opinions(sheet: Sheet) -> list[Block]:
    """In a box of their own, with who holds them: ISO/IEC 17025:2017, 7.8.7."""
    opinions = sheet.record.opinions
    if not opinions:
        return []
    names = ", ".join(f"{one.name}, {one.function}" if one.function else one.name for one in sheet.people("approver"))
    box = Table(
        columns=(
            Column(title=sheet.say(said.OPINION_OF, name=names) if names else sheet.say(said.OF_LABORATORY), share=1),
        ),
        rows=tuple((text,) for text in opinions),
        fields=tuple((f"opinions[{at}]",) for at in range(len(opinions))),
        field="people",
    )
    return [sheet.heading(said.OPINIONS), box]


def _interval(sheet: Sheet) -> list[Block]:
    """ISO/IEC 17025:2017, 7.8.4.3: only when agreed with the customer."""
    interval = sheet.template.interval
    if interval is None or not interval.print_on_certificate:
        return []
    return [
        sheet.heading(said.INTERVAL),
        Paragraph(text=sheet.say(said.MONTHS, months=interval.months), field="template.interval"),
    ]


def _amendment(sheet: Sheet) -> list[Block]:
    """ISO/IEC 17025:2017, 7.8.8."""
    issue = sheet.issue
    if not issue.replaces:
        return []
    amended = sheet.say(said.AMENDED, name=issue.replaces)
    found: list[Block] = [
        sheet.heading(said.AMENDMENT),
        Paragraph(text=f"{amended} {sheet.say(said.REASON)}: {issue.reason}", field="issue.reason"),
    ]
    if not issue.changes:
        return found
    columns = (
        Column(title=sheet.say(said.FIELD), share=4, is_label=True),
        Column(title=sheet.say(said.BEFORE), share=6),
        Column(title=sheet.say(said.AFTER), share=6),
    )
    rows = tuple((one.field, one.before or "-", one.after or "-") for one in issue.changes)
    return [*found, Table(columns=columns, rows=rows, field="issue.changes")]


def _signatures(sheet: Sheet) -> list[Block]:
    """Who did what and when, and with which key the file is signed."""
    columns = (
        Column(title=sheet.say(texts.FUNCTION), share=3, is_label=True),
        Column(title=sheet.say(texts.NAME), share=8),
        Column(title=sheet.say(texts.DATE), share=4),
    )
    people = [(at, one) for at, one in enumerate(sheet.record.people)]
    rows = tuple(
        (
            sheet.say(_ROLES[one.role]),
            f"{one.name}, {one.function}" if one.function else one.name,
            sheet.time(one.at) or "-",
        )
        for _, one in people
    )
    fields = tuple(("", f"people[{at}].name", "") for at, _ in people)
    return [
        sheet.heading(said.SIGNATURES),
        Table(columns=columns, rows=rows, fields=fields, field="people"),
        entries.below(sheet, _signature(sheet)),
    ]


def _signature(sheet: Sheet) -> list[Entry]:
    signer = sheet.issue.signer
    if signer is None:
        found = [Entry(said.SIGNED_BY, sheet.say(said.NOT_SIGNED), "issue.signer")]
    else:
        found = [
            Entry(said.SIGNED_BY, signer.name, "issue.signer.name"),
            Entry(said.FINGERPRINT, _in_eights(signer.fingerprint), "issue.signer.fingerprint"),
        ]
    return [*found, Entry(said.SOFTWARE, sheet.issue.software, "issue.software")]
