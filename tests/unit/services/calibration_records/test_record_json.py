"""Records as JSON: what is refused, and where it says so."""

import json
from typing import Any

import pytest

from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record_json import RecordError
from tests.unit.services.calibration_records.examples import CONTENT, VALUES, Key, changed

S: tuple[Key, ...] = ("standards", 0)
W: tuple[Key, ...] = ("as_found", "tests", 0, "readings", 0, "indication")

# What is changed into what, and parts of where, found, rule and remedy.
REFUSED: list[tuple[tuple[Key, ...], Any, str]] = [
    (("item", "serial"), ..., "item.serial: missing; add it"),
    (("item", "serial"), " ", 'item.serial: found " "; the text is empty; write something'),
    (("item", "serial"), 12, "item.serial: found 12; expected a text; put it in quotes"),
    (("item", "serial"), "a\nb", "item.serial: found"),
    (("item", "condition"), "x" * 10_001, "expected at most 10000 characters, found 10001; shorten it"),
    (("item", "sereal"), "1", 'item.sereal: unknown key; did you mean "serial"?'),
    (("item", "received"), "10.03.2026", "expected a date; write it like 2026-03-14"),
    (("item",), [], "item: found an empty list; expected an object; write { ... }"),
    (("is_simulated",), "yes", 'is_simulated: found "yes"; expected true or false'),
    (
        ("template", "version"),
        1.0,
        "template.version: found 1; expected a whole number; write it without a point or quotes",
    ),
    (("template", "version"), True, "template.version: found true; expected a whole number"),
    (("place", "kind"), "abroad", 'expected one of "permanent", "site", "customer", "mobile"'),
    (("people", 0, "role"), "boss", "people[0].role"),
    (("as_found", "started"), "2026-03-10T09:00:00", "as_found.started: found"),
    (("as_found", "started"), "now", "expected a time; write it like 2026-03-14T09:30:00+00:00, with its time zone"),
    ((*S, "certified", 1, "U"), "0.03", 'standards[0].certified[1].U: found "0.03"; expected a number; write it'),
    ((*S, "certified", 1, "U"), 1e300, "standards[0].certified[1].U: found 1e+300; expected a number between"),
    ((*S, "certified"), {}, "standards[0].certified: found a table; expected a list"),
    ((*S, "unit"), "gramm", 'standards[0].unit: found "gramm"; "gramm" is no unit that is known here, did you mean'),
    ((*W, "kind"), "guess", 'expected an object with kind = "window" or "manual"; add kind'),
    ((*W, "values", 3), None, "as_found.tests[0].readings[0].indication.values[3]"),
    (W, {"kind": "manual", "unit": "g", "value": 100.0}, "readings[0].indication.reason: missing; add it"),
    (W, {"kind": "manual", "unit": "g", "value": 1.0, "reason": ""}, 'indication.reason: found ""; the text is empty'),
]

FRAMES = {"instrument": "pi-1/balance", "epoch": 123456789, "first": 1041, "last": 1049}
HASH = "0123456789abcdef" * 4
# Where a window was taken from, and what is said of it.
ORIGINS: list[tuple[dict[str, Any], str]] = [
    ({"frames": [FRAMES]}, 'indication.sha256: found ""; expected the SHA-256 of the frames\' bytes, 64 digits'),
    ({"frames": [FRAMES], "sha256": HASH.upper()}, "expected the SHA-256 of the frames' bytes, 64 digits of 0-9 a-f"),
    ({"frames": [FRAMES], "sha256": HASH[1:]}, "indication.sha256: found"),
    ({"sha256": HASH}, "indication.frames: missing: the hash is that of frames; write both, or leave both out"),
    ({"frames": [{**FRAMES, "first": 0}], "sha256": HASH}, "frames[0].first: found 0; expected 1 to 9007199254740991"),
    (
        {"frames": [{**FRAMES, "last": 1040}], "sha256": HASH},
        "frames[0].last: found 1040; expected 1041, the first, to",
    ),
    ({"frames": [{**FRAMES, "epoch": 0}], "sha256": HASH}, "frames[0].epoch: found 0; expected 1 to 9007199254740991"),
    ({"frames": [{**FRAMES, "instrument": "balance"}], "sha256": HASH}, "expected <agent>/<instrument>; write it like"),
    ({"frames": [{**FRAMES, "instrument": "pi-1/B"}], "sha256": HASH}, "instrument 'B' is not a name"),
    ({"frames": [{**FRAMES, "last": 1049.0}], "sha256": HASH}, "frames[0].last: found 1049; expected a whole number"),
    ({"frames": [{**FRAMES, "hash": ""}], "sha256": HASH}, "frames[0].hash: unknown key"),
    ({"frames": [{"instrument": "pi-1/balance"}], "sha256": HASH}, "frames[0].epoch: missing; add it"),
]


@pytest.mark.parametrize(("origin", "said"), ORIGINS, ids=lambda each: None)
def test_where_a_window_comes_from_is_read_strictly(origin: dict[str, Any], said: str) -> None:
    changes = [((*W, key), value) for key, value in origin.items()]
    with pytest.raises(RecordError) as refused:
        record_json.decode(changed("balance", *changes))
    assert said in str(refused.value)


def test_where_a_window_comes_from_survives_and_is_left_out_where_nobody_kept_it() -> None:
    content = changed("balance", ((*W, "frames"), [FRAMES]), ((*W, "sha256"), HASH))
    found = record_json.decode(content)
    assert json.loads(record_json.encode(found)) == json.loads(content)
    taken = json.loads(record_json.encode(found))["as_found"]["tests"][0]["readings"]
    assert list(taken[0]["indication"])[-2:] == ["frames", "sha256"]
    assert not {"frames", "sha256"} & set(taken[1]["indication"])
    empty = changed("balance", ((*W, "frames"), []), ((*W, "sha256"), ""))
    assert record_json.encode(record_json.decode(empty)) == CONTENT["balance"]


@pytest.mark.parametrize("name", CONTENT)
def test_a_record_survives_the_way_there_and_back_and_gives_the_same_bytes(name: str) -> None:
    found = record_json.decode(CONTENT[name])
    assert record_json.encode(found) == CONTENT[name]
    assert record_json.decode(record_json.encode(found)) == found


@pytest.mark.parametrize(("path", "value", "said"), REFUSED, ids=lambda each: None)
def test_a_mistake_is_said_with_its_place_and_what_to_do(path: tuple[Key, ...], value: Any, said: str) -> None:
    with pytest.raises(RecordError) as refused:
        record_json.decode(changed("balance", (path, value)))
    assert said in str(refused.value)


def test_all_mistakes_are_said_at_once() -> None:
    content = changed("balance", (("id",), ...), (("item", "model"), 3), ((*W, "unit"), "gramm"), (("colour",), "red"))
    with pytest.raises(RecordError) as refused:
        record_json.decode(content)
    places = {one.path for one in refused.value.mistakes}
    assert places == {"id", "item.model", "as_found.tests[0].readings[0].indication.unit", "colour"}


@pytest.mark.parametrize("version", ["calibration-record/2", "calibration-template/1", None, 1])
def test_another_version_is_refused_and_nothing_else_is_said(version: Any) -> None:
    with pytest.raises(RecordError, match=r'schema: .*this program reads "calibration-record/1"') as refused:
        record_json.decode(changed("balance", (("schema",), version), (("id",), ...)))
    assert len(refused.value.mistakes) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[]", "is no JSON object"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schema": "calibration-record/1", "schema": "x"}', "the key 'schema' is there twice"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b" " * (record_json.MAX_BYTES + 1), "expected at most"),
    ],
    ids=lambda each: None,
)
def test_what_is_no_json_is_refused_as_a_whole(content: bytes, said: str) -> None:
    with pytest.raises(RecordError, match="the record: ") as refused:
        record_json.decode(content)
    assert said in str(refused.value)


def test_letters_of_all_languages_stay_as_they_are() -> None:
    name = "Ωμ±ß 张 <b>x</b> http://example.org"
    found = record_json.decode(changed("balance", (("customer", "name"), name)))
    assert found.customer.name == name
    assert name.encode() in record_json.encode(found)


def test_the_examples_say_that_they_are_simulated() -> None:
    for name, values in VALUES.items():
        assert values["is_simulated"] is True, name
        assert "simulated" in json.dumps(values["laboratory"])
