"""A calibration record as JSON: bytes in, a Record or all mistakes at once out; and the way back. Pure.

Strict: no key that is not known, none twice, no NaN, no text for a number. The dataclasses of record.py are the rule.
"""

import dataclasses
import json
import math
import re
import types
import typing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, TypeVar

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records import countries, record
from kleinmaelzung_services.calibration.records.record import Record
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.mistakes import LARGEST, hint, show_path, shown
from kleinmaelzung_services.calibration.units import UnitError
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import MAX_EPOCH, MAX_NUMBER

MAX_BYTES: Final = 64 * 1024 * 1024
LONGEST_TEXT: Final = 10_000
LONGEST_LIST: Final = 1_000_000
MOST_MISTAKES: Final = 100
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong: where, what was found (empty: nothing), the rule that it breaks, and what to do."""

    path: str
    found: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        found = f"found {self.found}; " if self.found else ""
        return f"{self.path or 'the record'}: {found}{self.rule}; {self.remedy}"


class RecordError(ValueError):
    """This is no record that can be used; `mistakes` has all of what is wrong."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(mistakes[:MOST_MISTAKES])
        left = len(mistakes) - len(self.mistakes)
        super().__init__("\n".join([*map(str, self.mistakes), *([f"and {left} more"] if left else [])]))


class Notes:
    """The mistakes that were found so far."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def add(self, path: Path, rule: str, remedy: str, *, found: Any = None) -> None:
        told = "" if found is None else shown(found)
        self.mistakes.append(Mistake(path=show_path(path), found=told, rule=rule, remedy=remedy))


class _Unusable(Exception):
    """A mistake has been noted; there is no value."""


def encode(found: Record) -> bytes:
    """The same record always gives the same bytes."""
    values = {"schema": record.SCHEMA, **_plain(found)}
    return json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def decode(content: bytes) -> Record:
    """Raises RecordError with every mistake."""
    values, notes = parse(content), Notes()
    schema = values.pop("schema", None)
    if schema != record.SCHEMA:
        notes.add(
            ("schema",), f'this program reads "{record.SCHEMA}"', "use a program that reads this one", found=schema
        )
        raise RecordError(notes.mistakes)  # the rest would only be mistakes about another format
    if (found := read(Record, values, (), notes)) is None:
        raise RecordError(notes.mistakes)
    return found


def read(kind: type[_Kind], values: Any, path: Path, notes: Notes) -> _Kind | None:
    """Make a dataclass of an object; None where mistakes were noted."""
    try:
        found = _dataclass(kind, values, path, notes)
    except _Unusable:
        return None
    assert isinstance(found, kind)
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {each.name: _plain(found) for each, found in fields.items() if found or not _may_be_left_out(each)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value  # a datetime is a date


def _may_be_left_out(field: "dataclasses.Field[Any]") -> bool:
    return bool(field.metadata.get("left_out"))


def parse(content: bytes) -> dict[str, Any]:
    """The object of a JSON text, each key once. Raises RecordError."""
    if len(content) > MAX_BYTES:
        raise _whole(f"has {len(content)} bytes, expected at most {MAX_BYTES}", "this is hardly a record")
    try:
        values = json.loads(content.decode(), object_pairs_hook=_each_once, parse_constant=_no_constant)
    except RecursionError:
        raise _whole("is nested too deeply", "write it as encode() does") from None
    except ValueError as error:
        raise _whole(f"is not JSON: {error}", "correct this place") from None
    if not isinstance(values, dict):
        raise _whole("is no JSON object", "write { ... }")
    return values


def _whole(rule: str, remedy: str) -> RecordError:
    return RecordError([Mistake(path="", found="", rule=rule, remedy=remedy)])


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r:.60} is there twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _dataclass(kind: Any, value: Any, path: Path, notes: Notes) -> Any:
    if not isinstance(value, dict):
        raise _noted(path, "expected an object", "write { ... }", notes, value)
    fields = {each.name: each for each in dataclasses.fields(kind)}
    for key in value:
        if key not in fields:
            notes.add((*path, key), "unknown key", hint(key, fields) or f"known here: {', '.join(fields)}")
    hints, found, before = typing.get_type_hints(kind), dict[str, Any](), len(notes.mistakes)
    for name, field in fields.items():
        is_needed = field.default is dataclasses.MISSING
        if name not in value:
            if is_needed:
                notes.add((*path, name), "missing", "add it")
            continue
        try:
            found[name] = _value(hints[name], value[name], (*path, name), notes, may_be_empty=field.default == "")
        except _Unusable:
            continue
    if len(notes.mistakes) > before or any(key not in fields for key in value):
        raise _Unusable
    made = kind(**found)
    _check_together(made, path, notes)
    if len(notes.mistakes) > before:
        raise _Unusable
    return made


def _check_together(made: Any, path: Path, notes: Notes) -> None:
    """What one field alone does not show: where a window comes from leads to frames, or is not there at all."""
    match made:
        case record.FrameRange():
            _check_frames(made, path, notes)
        case record.Window(frames=frames, sha256=sha256) if frames or sha256:
            if not _SHA256.fullmatch(sha256):
                rule = "expected the SHA-256 of the frames' bytes, 64 digits of 0-9 a-f"
                notes.add((*path, "sha256"), rule, "write both, or leave both out", found=sha256)
            if not frames:
                rule = "missing: the hash is that of frames"
                notes.add((*path, "frames"), rule, "write both, or leave both out")


def _check_frames(made: record.FrameRange, path: Path, notes: Notes) -> None:
    try:
        topics.split_full_name(made.instrument)
    except WireError as error:
        notes.add((*path, "instrument"), str(error), "write it like pi-1/balance", found=made.instrument)
    if not 1 <= made.epoch <= MAX_EPOCH:
        notes.add((*path, "epoch"), f"expected 1 to {MAX_EPOCH}", "correct it", found=made.epoch)
    if not 1 <= made.first <= MAX_NUMBER:
        notes.add((*path, "first"), f"expected 1 to {MAX_NUMBER}", "correct it", found=made.first)
    if not made.first <= made.last <= MAX_NUMBER:
        rule = f"expected {made.first}, the first, to {MAX_NUMBER}"
        notes.add((*path, "last"), rule, "correct one of the two", found=made.last)


def _value(kind: Any, value: Any, path: Path, notes: Notes, *, may_be_empty: bool = False) -> Any:
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return _of_union(typing.get_args(kind), value, path, notes)
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            raise _noted(path, f"expected one of {', '.join(map(shown, choices))}", "write one of these", notes, value)
        return value
    if typing.get_origin(kind) is tuple:
        return _tuple(typing.get_args(kind)[0], value, path, notes)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, path, notes)
    if kind is float:
        return _number(value, path, notes)
    if kind in (int, bool):
        if type(value) is not kind:
            what = "a whole number" if kind is int else "true or false"
            raise _noted(path, f"expected {what}", "write it without a point or quotes", notes, value)
        return value
    text = _text(value, path, notes, may_be_empty=may_be_empty)
    return _meaning(kind, text, path, notes)


def _of_union(kinds: tuple[Any, ...], value: Any, path: Path, notes: Notes) -> Any:
    """X | None; or several dataclasses, told apart by `kind`."""
    if type(None) in kinds and value is None:
        return None
    left = [kind for kind in kinds if kind is not type(None)]
    if len(left) == 1:
        return _value(left[0], value, path, notes)
    by_kind = {typing.get_args(typing.get_type_hints(kind)["kind"])[0]: kind for kind in left}
    named = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(named, str) or named not in by_kind:
        rule = f"expected an object with kind = {' or '.join(map(shown, by_kind))}"
        raise _noted(path, rule, "add kind", notes, named)
    return _dataclass(by_kind[named], value, path, notes)


def _tuple(kind: Any, value: Any, path: Path, notes: Notes) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > LONGEST_LIST:
        raise _noted(path, f"expected a list of at most {LONGEST_LIST}", "write [ ... ]", notes, value)
    found, is_whole = [], True
    for index, each in enumerate(value):
        try:
            found.append(_value(kind, each, (*path, index), notes))
        except _Unusable:
            is_whole = False
    if not is_whole:
        raise _Unusable
    return tuple(found)


def _number(value: Any, path: Path, notes: Notes) -> float:
    if type(value) not in (int, float):
        raise _noted(path, "expected a number", "write it without quotes, with a point", notes, value)
    if not abs(value) <= LARGEST or not math.isfinite(value):
        raise _noted(path, f"expected a number between -{LARGEST:g} and {LARGEST:g}", "correct it", notes, value)
    return float(value)


def _text(value: Any, path: Path, notes: Notes, *, may_be_empty: bool) -> str:
    if not isinstance(value, str):
        raise _noted(path, "expected a text", "put it in quotes", notes, value)
    if not value.strip() and not may_be_empty:
        raise _noted(path, "the text is empty", "write something", notes, value)
    if len(value) > LONGEST_TEXT:
        rule = f"expected at most {LONGEST_TEXT} characters, found {len(value)}"
        raise _noted(path, rule, "shorten it", notes, value)
    if not value.isprintable():
        raise _noted(path, "has a character that cannot be printed", "take it out", notes, value)
    return value


def _meaning(kind: Any, text: str, path: Path, notes: Notes) -> Any:
    """The text itself, or the date, time or unit that it writes."""
    try:
        if kind is datetime:
            found = datetime.fromisoformat(text)
            if found.tzinfo is None:
                raise ValueError("no time zone")
            return found
        if kind is date:
            return date.fromisoformat(text)
        if kind is record.UnitText:
            units.find(text)
        if kind is record.CountryCode and text and text not in countries.CODES:
            rule = "expected the two capital letters of a country in ISO 3166-1"
            raise _noted(path, rule, "write it like DE, CH or GB", notes, text)
    except UnitError as error:
        raise _noted(path, str(error), "write a unit of docs/calibration-templates.md", notes, text) from None
    except ValueError:
        example = "2026-03-14T09:30:00+00:00, with its time zone" if kind is datetime else "2026-03-14"
        what = "a time" if kind is datetime else "a date"
        raise _noted(path, f"expected {what}", f"write it like {example}", notes, text) from None
    return text


def _noted(path: Path, rule: str, remedy: str, notes: Notes, found: Any) -> _Unusable:
    notes.add(path, rule, remedy, found=found)
    return _Unusable()
