"""What the register knows of the laboratory, of a standard, of an instrument: what came over the wire in, checked out.

Pure, and strict: no key that is not known, each value of its type, units that units.py knows; all mistakes at once.
Stored is what comes out of plain(): each key, so that a change shows.
"""

import calendar
import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record import Certified, CountryCode, Field, UnitText
from kleinmaelzung_services.calibration.records.record_json import Notes
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.register import ITEM, LABORATORY, STANDARD, Kind

MOST: Final = 200  # ranges or fields of a standard
MOST_MONTHS: Final = 600
_NOWHERE: Final = CountryCode("")
LARGEST: Final = 32 * 1024  # characters of an entry: one before and one after a change go into one answer
_K: Final = (1, 10)  # as record_standards.py takes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """`reviewer` says whether who reviews a run must be another than who measured. `place` is where it calibrates."""

    name: str
    address: str
    contact: str = ""
    country: CountryCode = _NOWHERE
    reviewer: Literal["another", "same"] = "another"
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardCertificate:
    number: str
    laboratory: str = ""
    calibrated: date
    due: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """Without a certificate it may be entered, and not used. `instrument` reads it live, "" where nothing does.

    With a third part, as in pi-1/bridge/t1, it is read of that channel.
    """

    kind: str
    description: str
    maker: str = ""
    serial: str
    accuracy_class: str = ""
    unit: UnitText | None = None
    certificate: StandardCertificate | None = None
    certified: tuple[Certified, ...] = ()
    fields: tuple[Field, ...] = ()
    instrument: str = ""
    location: str = ""
    interval_months: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An instrument that is calibrated. One that `is_simulated` gets specimens for certificates."""

    instrument_type: str
    maker: str
    model: str
    serial: str
    asset: str = ""
    firmware: str = ""
    location: str = ""
    owner: str = ""
    interval_months: int | None = None
    acceptance: str = ""
    note: str = ""
    is_simulated: bool = False


Content = Laboratory | Standard | Item
KINDS: Final[Mapping[Kind, type[Content]]] = {LABORATORY: Laboratory, STANDARD: Standard, ITEM: Item}


def check(kind: Kind, name: str, found: Any, today: date) -> tuple[Content | None, list[str]]:
    """The content of an entry, or a sentence for each thing that is wrong with it."""
    notes = Notes()
    _check_name(kind, name, notes)
    read: Any = record_json.read(KINDS[kind], found, (), notes)
    if isinstance(read, Standard):
        _check_standard(read, today, notes)
    if isinstance(read, Standard | Item):
        _check_interval(read.interval_months, notes)
    if read is not None and len(json.dumps(plain(read))) > LARGEST:
        notes.add((), f"it has more than {LARGEST} characters", "shorten it")
    return (None if notes.mistakes else read), [_sentence(str(one)) for one in notes.mistakes]


def of(kind: Kind, stored: Mapping[str, Any]) -> Content:
    """The content of an entry of the log."""
    notes = Notes()
    read: Any = record_json.read(KINDS[kind], dict(stored), (), notes)
    if read is None:
        raise ValueError("; ".join(map(str, notes.mistakes)))
    content: Content = read
    return content


def plain(found: Any) -> Any:
    """As it is stored and told."""
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return {each.name: plain(getattr(found, each.name)) for each in dataclasses.fields(found)}
    if isinstance(found, tuple):
        return [plain(each) for each in found]
    return found.isoformat() if isinstance(found, date) else found


def after_months(day: date, months: int) -> date:
    """The same day so many months later; the last of a month that has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _check_name(kind: Kind, name: str, notes: Notes) -> None:
    if kind == LABORATORY and name != LABORATORY:
        notes.add(("name",), f'a laboratory has the name "{LABORATORY}"', "there is one of a database", found=name)
    if kind == ITEM:
        _check_instrument(name, ("name",), notes)


def _check_instrument(name: str, path: Path, notes: Notes) -> None:
    try:
        topics.split_full_name(name)
    except WireError:
        rule = "expected an instrument of this system, as agent/instrument"
        notes.add(path, rule, "write it like pi-1/balance", found=name)


def _check_stream(name: str, path: Path, notes: Notes) -> None:
    """An instrument, or one channel of it."""
    instrument, _, channel = name.rpartition("/")
    is_channel = name.count("/") == 2 and topics.NAME.fullmatch(channel)
    _check_instrument(instrument if is_channel else name, path, notes)


def _check_standard(found: Standard, today: date, notes: Notes) -> None:
    if found.instrument:
        _check_stream(found.instrument, ("instrument",), notes)
    for key in ("certified", "fields"):
        if len(getattr(found, key)) > MOST:
            notes.add((key,), f"expected at most {MOST}, found {len(getattr(found, key))}", "keep those that are used")
    if found.certified and found.unit is None:
        notes.add(("unit",), "missing: certified values are in it", "say in which unit they are")
    if found.certificate is not None:
        _check_certificate(found.certificate, today, notes)
    for path, one in _ranges(found):
        _check_range(one, path, notes)
    _check_once(found, notes)


def _check_certificate(found: StandardCertificate, today: date, notes: Notes) -> None:
    if found.due <= found.calibrated:
        rule = f"is not after {found.calibrated}, when it was calibrated"
        notes.add(("certificate", "due"), rule, "correct one of them", found=found.due.isoformat())
    if found.calibrated > today:
        rule = f"is in the future, today is {today}"
        notes.add(("certificate", "calibrated"), rule, "correct the date", found=found.calibrated.isoformat())


def _check_range(one: Certified, path: Path, notes: Notes) -> None:
    as_told = "enter both as the certificate says"
    if one.high < one.low:
        notes.add((*path, "high"), f"is below low = {one.low:g}", "exchange them", found=one.high)
    if one.U is not None and one.U <= 0:
        notes.add((*path, "U"), "an uncertainty is above zero", as_told, found=one.U)
    if one.U is not None and one.k is None:
        notes.add((*path, "k"), "missing: U without k says nothing about u", as_told)
    if one.U is None and one.k is not None:
        notes.add((*path, "U"), "missing: k is a factor of U", as_told)
    if one.k is not None and not _K[0] <= one.k <= _K[1]:
        notes.add((*path, "k"), f"k is expected from {_K[0]} to {_K[1]}", as_told, found=one.k)
    if one.mpe is not None and one.mpe <= 0:
        notes.add((*path, "mpe"), "a permissible error is above zero", "correct it, or leave it out", found=one.mpe)


def _check_once(found: Standard, notes: Notes) -> None:
    keys: list[tuple[str, list[Any]]] = [
        ("certified", [(one.low, one.high) for one in found.certified]),
        ("fields", [one.name for one in found.fields]),
    ]
    for key, values in keys:
        for place, value in enumerate(values):
            if value in values[:place]:
                what = f"{value[0]:g} to {value[1]:g}" if key == "certified" else value
                notes.add((key, place), "it is there twice", "keep one of them", found=what)


def _check_interval(months: int | None, notes: Notes) -> None:
    if months is not None and not 1 <= months <= MOST_MONTHS:
        rule = f"expected 1 to {MOST_MONTHS} months"
        notes.add(("interval_months",), rule, "correct it, or leave it out", found=months)


def _ranges(found: Standard) -> Iterator[tuple[Path, Certified]]:
    for place, one in enumerate(found.certified):
        yield ("certified", place), one


def _sentence(text: str) -> str:
    return text.replace("the record: ", "the entry: ", 1) if text.startswith("the record: ") else text
