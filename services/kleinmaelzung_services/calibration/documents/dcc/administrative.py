"""Who, what, when and where, for programs: results and issue in, `dcc:administrativeData` out. Pure.

It holds what ISO/IEC 17025:2017, 7.8.2.1 asks for, and 7.8.8 for an amendment.
"""

from datetime import UTC, date, datetime
from typing import Final
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.dcc import statements, words
from kleinmaelzung_services.calibration.documents.dcc.elements import Text, Voice, line, needed, node, said
from kleinmaelzung_services.calibration.documents.dcc.quantities import OWN
from kleinmaelzung_services.calibration.records.record import Item, Party, Person, Record

# ISO 3166 leaves it to users: a country that nobody named. The schema does not let it be left out.
UNKNOWN_COUNTRY: Final = "ZZ"
_PLACES: Final = {"permanent": "laboratory", "customer": "customer"}
_ROLES: Final = {"operator": words.OPERATOR, "reviewer": words.REVIEWER, "approver": words.APPROVER}


def data(results: Results, issue: Issue, voice: Voice) -> Element:
    record = results.record
    return node(
        "dcc:administrativeData",
        software("dcc:dccSoftware", issue.software, voice),
        _ref_types(voice),
        _core(record, issue, voice),
        node("dcc:items", _item(record, voice)),
        node("dcc:calibrationLaboratory", _contact("dcc:contact", record.laboratory, voice)),
        node("dcc:respPersons", *(_person(one, index, voice) for index, one in enumerate(record.people))),
        _contact("dcc:customer", record.customer, voice),
        node("dcc:statements", *statements.of(results, issue, voice)),
    )


def software(tag: str, named: str, voice: Voice) -> Element:
    """`kleinmaelzung 0.1.0, numpy 2.1`: each has a name and a version."""
    listed = [each.strip().rpartition(" ") for each in named.split(",") if each.strip()]
    return node(tag, *(_program(name, release, voice) for name, _, release in listed or [("", "", "")]))


def _program(name: str, release: str, voice: Voice) -> Element:
    """One that is told without a version has a dash for it."""
    return node(
        "dcc:software",
        voice.tell("dcc:name", name or release),
        needed("dcc:release", "issue.software", "-" if release and not name else release),
        node("dcc:type", "application"),
    )


def day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def optional_day(tag: str, found: date | None) -> Element | None:
    return None if found is None else node(tag, found.isoformat())


def specimen(name: Text, record: Record) -> Text:
    """Marks a name as one of simulated data: a program that shows it alone shows that, too."""
    return said(words.SPECIMEN_OF, name=name) if record.is_simulated else name


def identification(issuer: str, field: str, value: str, name: Text, voice: Voice, ref: str = "") -> Element:
    return node(
        "dcc:identification",
        node("dcc:issuer", issuer),
        needed("dcc:value", field, value),
        voice.tell("dcc:name", name),
        ref=ref,
    )


def hashed(tag: str, referral: Text, number: Element, sha256: str, voice: Voice, *about: Text) -> Element:
    """A reference to a file; the schema wants a hash, where there is none it says so."""
    unknown = () if sha256 else (words.NO_HASH,)
    return node(
        tag,
        voice.tell("dcc:referral", referral),
        number,
        node("dcc:procedure", "SHA-256" if sha256 else "-"),
        node("dcc:value", sha256 or "-"),
        voice.describe(*about, *unknown),
    )


def _ref_types(voice: Voice) -> Element:
    definition = node(
        "dcc:refTypeDefinition",
        voice.tell("dcc:name", words.REF_TYPES),
        voice.tell("dcc:description", words.REF_TYPES_NOTE),
        node("dcc:namespace", OWN.rstrip("_")),
        node("dcc:link", "docs/calibration-dcc.md"),
    )
    return node("dcc:refTypeDefinitions", definition)


def _core(record: Record, issue: Issue, voice: Voice) -> Element:
    last = record.as_left or record.as_found
    return node(
        "dcc:coreData",
        node("dcc:countryCodeISO3166_1", record.laboratory.country or UNKNOWN_COUNTRY),
        *(node("dcc:usedLangCodeISO639_1", language) for language in voice.languages),
        node("dcc:mandatoryLangCodeISO639_1", issue.language),
        needed("dcc:uniqueIdentifier", "issue.number", issue.name if issue.number.strip() else ""),
        node("dcc:identifications", *_identifications(record, issue, voice)),
        optional_day("dcc:receiptDate", record.item.received),
        node("dcc:beginPerformanceDate", day(record.as_found.started)),
        node("dcc:endPerformanceDate", day(last.finished)),
        node("dcc:performanceLocation", _PLACES.get(record.place.kind, "other")),
        node("dcc:issueDate", day(issue.issued_at)),
        _previous(issue, voice),
    )


def _identifications(record: Record, issue: Issue, voice: Voice) -> list[Element]:
    issuer = "calibrationLaboratory"
    found = [
        identification(issuer, "record.id", record.id, words.RECORD, voice, f"{OWN}record"),
        identification(issuer, "issue.revision", str(issue.revision), words.REVISION, voice, f"{OWN}revision"),
    ]
    if record.is_simulated:
        found.append(identification(issuer, "", "SPECIMEN", words.SPECIMEN, voice, f"{OWN}specimen"))
    return found


def _previous(issue: Issue, voice: Voice) -> Element | None:
    number = line("dcc:referralID", issue.replaces)
    if number is None:
        return None
    sha256 = issue.replaces_sha256
    return hashed("dcc:previousReport", words.CERTIFICATE, number, sha256, voice, *statements.amendment(issue))


def _item(record: Record, voice: Voice) -> Element:
    item = record.item
    return node(
        "dcc:item",
        voice.tell("dcc:name", specimen(_item_name(item), record)),
        voice.describe(said(words.CONDITION, condition=item.condition)),
        _firmware(item, voice),
        node("dcc:manufacturer", voice.tell("dcc:name", item.maker)),
        line("dcc:model", item.model),
        node("dcc:identifications", *_item_identifications(item, voice)),
    )


def _item_name(item: Item) -> str:
    return f"{item.instrument_type} {item.maker} {item.model}".strip()


def _firmware(item: Item, voice: Voice) -> Element | None:
    release = line("dcc:release", item.firmware)
    if release is None:
        return None
    name = voice.tell("dcc:name", texts.FIRMWARE)
    return node("dcc:installedSoftwares", node("dcc:software", name, release, node("dcc:type", "firmware")))


def _item_identifications(item: Item, voice: Voice) -> list[Element]:
    found = [
        identification("manufacturer", "item.serial", item.serial, texts.SERIAL, voice, "basic_serialNumber"),
        identification("calibrationLaboratory", "item.id", item.id, words.SYSTEM_ID, voice),
    ]
    if item.asset.strip():
        found.append(identification("owner", "item.asset", item.asset, texts.ASSET, voice))
    return found


def _contact(tag: str, party: Party, voice: Voice) -> Element:
    """The address is one text in a record, so it is no street and town here."""
    country = node("dcc:countryCode", party.country) if party.country else None
    address = voice.tell("dcc:further", *filter(None, (party.address, party.contact)))
    return node(tag, voice.tell("dcc:name", party.name), node("dcc:location", country, address))


def _person(person: Person, index: int, voice: Voice) -> Element:
    about = [said(words.FUNCTION, function=person.function)] if person.function else []
    if person.at:
        about.append(said(words.PERSON, role=_ROLES[person.role], at=statements.moment(person.at)))
    return node(
        "dcc:respPerson",
        node("dcc:person", voice.tell("dcc:name", person.name)),
        voice.describe(*about),
        needed("dcc:role", f"people[{index}].role", person.role),
        node("dcc:mainSigner", "true" if person.role == "approver" else "false"),
    )
