"""What a digital calibration certificate says, read back: bytes of any origin in; what `verify` compares out. Pure.

A file may come from anywhere: nothing in it makes this program read another file, or grow without bound.
"""

import math
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from kleinmaelzung_services.calibration.documents.dcc.elements import NAMESPACES
from kleinmaelzung_services.calibration.documents.dcc.quantities import OWN
from kleinmaelzung_services.calibration.errors import CalibrationError

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 100
MAX_DIGITS: Final = 100  # of one number
MAJOR: Final = "3"
_ROOT: Final = f"{{{NAMESPACES['dcc']}}}digitalCalibrationCertificate"
_CORE: Final = "dcc:administrativeData/dcc:coreData"
_FIELD: Final = "the digital calibration certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The numbers of a `gp_table1`, by the refType of each column. `uncertainties` are those of the errors."""

    columns: dict[str, tuple[float, ...]]
    uncertainties: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """`record` is the id of the record, `template_sha256` the procedure's; empty in files of other programs."""

    schema_version: str
    unique_identifier: str
    issued: str
    record: str
    template_sha256: str
    is_specimen: bool
    tables: tuple[Table, ...]


def read(content: bytes) -> Read:
    """Raises CalibrationError for what is no certificate that can be read."""
    root = _parse(content)
    version = root.get("schemaVersion", "")
    if root.tag != _ROOT:
        raise CalibrationError("the root of the XML", root.tag, "it is no digital calibration certificate", _GIVE)
    if version.partition(".")[0] != MAJOR:
        rule = f"this program reads {MAJOR}.x"
        raise CalibrationError("schemaVersion", version, rule, "use a program that reads this one")
    return Read(
        schema_version=version,
        unique_identifier=_required(root, f"{_CORE}/dcc:uniqueIdentifier"),
        issued=_text(root, f"{_CORE}/dcc:issueDate"),
        record=_text(root, f"{_CORE}/dcc:identifications/*[@refType='{OWN}record']/dcc:value"),
        template_sha256=_template(root),
        is_specimen=_find(root, f"{_CORE}/dcc:identifications/*[@refType='{OWN}specimen']") is not None,
        tables=tuple(_table(one) for one in root.iterfind(".//dcc:list[@refType='gp_table1']", NAMESPACES)),
    )


_GIVE: Final = "give a dcc.xml, such as the one attached to a certificate"


def _parse(content: bytes) -> Element:
    if len(content) > MAX_BYTES:
        raise CalibrationError(f"the size of {_FIELD}", len(content), f"it has at most {MAX_BYTES} bytes", _GIVE)
    try:
        _guard(content)
        return ElementTree.fromstring(content)  # noqa: S314 - _guard() has refused what makes XML dangerous
    except (expat.ExpatError, ElementTree.ParseError, ValueError, LookupError) as error:
        if isinstance(error, CalibrationError):
            raise
        raise CalibrationError(_FIELD, f"{len(content)} bytes", f"it is no XML ({error})", _GIVE) from None


def _guard(content: bytes) -> None:
    """Raises CalibrationError at a document type, without which there are no entities, and at a pile of elements."""
    parser, depth = expat.ParserCreate(), 0

    def refuse(name: str, *_: object) -> None:
        rule = "it has a document type, and could name other files or grow without bound"
        raise CalibrationError(_FIELD, f"<!DOCTYPE {name}", rule, "take it out, or ask who sent it")

    def start(name: str, _: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            rule = f"its elements are nested more than {MAX_DEPTH} deep"
            raise CalibrationError(_FIELD, name, rule, "ask who sent it")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(content, True)


def _template(root: Element) -> str:
    references = root.iterfind(f".//dcc:usedMethod[@refType='{OWN}template']/dcc:reference", NAMESPACES)
    named = ((one.text or "").partition("sha256:") for one in references)
    return next((sha256 for _, found, sha256 in named if found), "")


def _table(one: Element) -> Table:
    columns, uncertainties = dict[str, tuple[float, ...]](), tuple[float, ...]()
    for quantity in one.iterfind("dcc:quantity", NAMESPACES):
        if (values := _find(quantity, "si:realListXMLList/si:valueXMLList")) is None:
            continue
        columns[quantity.get("refType", "")] = _numbers(values)
        stated = _find(quantity, "si:realListXMLList/si:expandedUncXMLList/si:uncertaintyXMLList")
        uncertainties = uncertainties if stated is None else _numbers(stated)
    return Table(columns=columns, uncertainties=uncertainties)


def _numbers(element: Element) -> tuple[float, ...]:
    try:
        return tuple(map(_number, (element.text or "").split()))
    except ValueError:
        field = element.tag.rpartition("}")[2]
        raise CalibrationError(field, element.text, "it is a list of numbers", "ask who sent it") from None


def _number(text: str) -> float:
    """Raises ValueError, also for what Python takes for a number and the D-SI does not."""
    if len(text) > MAX_DIGITS or "_" in text or not math.isfinite(value := float(text)):
        raise ValueError
    return value


def _find(element: Element, path: str) -> Element | None:
    return element.find(path, NAMESPACES)


def _text(element: Element, path: str) -> str:
    found = _find(element, path)
    return "" if found is None else (found.text or "").strip()


def _required(element: Element, path: str) -> str:
    if not (text := _text(element, path)):
        raise CalibrationError(path.rpartition(":")[2], "missing", "every certificate has one", _GIVE)
    return text
