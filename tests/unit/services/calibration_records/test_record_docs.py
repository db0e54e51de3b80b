"""docs/calibration-records.md: its example can be read, and its keys are those that are read, each with its default."""

import dataclasses
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_services.calibration.records import record, record_json
from kleinmaelzung_services.calibration.records.record import Record

DOCS = (Path(__file__).parents[4] / "docs" / "calibration-records.md").read_text()
SECTIONS = {
    "The record": record.Record,
    "`template`": record.TemplateName,
    "`laboratory`, `customer`": record.Party,
    "`item`": record.Item,
    "`place`": record.Place,
    "`people`": record.Person,
    "`standards`": record.UsedStandard,
    "`certificate`": record.Certificate,
    "`certified`": record.Certified,
    "`fields`": record.Field,
    "`environment`": record.AmbientRange,
    "`answers`": record.Answer,
    "`preparations`": record.Tick,
    "`deviations`": record.Deviation,
    "`as_found`, `as_left`": record.Series,
    "`tests`": record.TestRun,
    "`readings`": record.Reading,
    "`standards` of a reading": record.StandardSignal,
    "Signal: `window`": record.Window,
    "`frames`": record.FrameRange,
    "Signal: `manual`": record.Manual,
    "`adjustment`": record.Adjustment,
}


def table(section: str) -> dict[str, str]:
    """Its keys, each with its default as JSON."""
    text = DOCS.partition(f"\n### {section}\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \|(?: .*)? \| (?:`(.*)` )?\|$", text, re.MULTILINE)
    return dict(rows)


def fields(kind: Any) -> dict[str, str]:
    return {each.name: default(each) for each in dataclasses.fields(kind)}


def default(field: "dataclasses.Field[Any]") -> str:
    if field.default is dataclasses.MISSING or field.name == "kind":
        return ""
    text = json.dumps(list(field.default) if isinstance(field.default, tuple) else field.default)
    return text.removesuffix(".0")


def kinds(hint: Any) -> set[Any]:
    """The dataclasses that a record is made of."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) in (types.UnionType, typing.Union, tuple):
        return set().union(*(kinds(each) for each in inner if each is not ...))
    if not dataclasses.is_dataclass(hint):
        return set()
    below = typing.get_type_hints(hint).values()
    return {hint}.union(*(kinds(each) for each in below))


def test_everything_that_a_record_is_made_of_has_its_section() -> None:
    assert kinds(Record) == set(SECTIONS.values())
    assert re.findall(r"^### (.*)$", DOCS, re.MULTILINE) == list(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_keys_of_a_section_are_those_that_are_read(section: str) -> None:
    found = table(section)
    if section == "The record":
        assert found.pop("schema") == ""
        assert f'`"{record.SCHEMA}"`' in DOCS
    assert list(found.items()) == list(fields(SECTIONS[section]).items())


def test_the_choices_are_written_down() -> None:
    for kind in SECTIONS.values():
        for hint in typing.get_type_hints(kind).values():
            if typing.get_origin(hint) is typing.Literal:
                assert all(f'`"{choice}"`' in DOCS for choice in typing.get_args(hint)), hint


def test_the_example_can_be_read() -> None:
    example, window = re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)
    found = record_json.decode(example.encode())
    assert (found.id, len(found.as_found.tests[0].readings)) == ("R-2026-0041", 1)
    notes = record_json.Notes()
    taken = record_json.read(record.Window, json.loads(window), (), notes)
    assert taken is not None, notes.mistakes
    assert taken.frames == (record.FrameRange(instrument="pi-1/balance", epoch=123456789, first=1041, last=1044),)
