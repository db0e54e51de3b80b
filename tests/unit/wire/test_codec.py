"""msgpack and JSON: what is packed comes back, and nothing hostile costs more than a sentence."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import Fields, WireError

# The most that an honest message of MAX_BYTES may become: a list costs 56 bytes for its one byte.
MAX_MEMORY = 16 * 1024 * 1024

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    text,
    st.binary(max_size=40),
)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5), max_leaves=20
)


@given(values)
def test_what_is_packed_comes_back_with_its_types(value: Any) -> None:
    try:
        codec.check_depth(value)
    except WireError:
        return
    back = codec.unpack(codec.pack(value))
    assert back == value
    assert type(back) is type(value)


def test_the_exact_bytes() -> None:
    value = {"a": [1, -1, 1.5, True, None, "µ", b"\x00"]}
    packed = bytes.fromhex("81a16197 01 ff cb3ff8000000000000 c3 c0 a2c2b5 c40100")
    assert codec.pack(value) == packed
    assert codec.unpack(packed) == value


@given(values)
def test_every_truncation_and_every_extra_byte_is_refused(value: Any) -> None:
    packed = codec.pack(value)
    for end in range(len(packed)):
        with pytest.raises(WireError):
            codec.unpack(packed[:end])
    with pytest.raises(WireError, match="not msgpack"):
        codec.unpack(packed + b"\xc0")


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_wire_error(payload: bytes) -> None:
    try:
        value = codec.unpack(payload)
    except WireError:
        return
    codec.check_depth(value)


HOSTILE = {
    "lists in lists, one byte each": b"\x91" * 65_536,
    "the same behind an honest beginning": b"\x92\x00" + b"\x91" * 65_000,
    "maps in maps": b"\x81\xa1a" * 20_000,
    "lists that claim 8192 elements": b"\xdc\x20\x00" * 20_000,
    "the same behind an honest beginning, claiming": b"\x92\x00" + b"\xdc\x20\x00" * 20_000,
    "maps that claim 256 keys": b"\xde\x01\x00\xa1a" * 20_000,
    "a list of 4 G": b"\xdd\xff\xff\xff\xff",
    "a map of 4 G": b"\xdf\xff\xff\xff\xff",
    "a text of 4 G": b"\xdb\xff\xff\xff\xff",
    "bytes of 4 G": b"\xc6\xff\xff\xff\xff",
    "an extension of 4 G": b"\xc9\xff\xff\xff\xff\x01",
    "an extension": b"\xd4\x01\x00",
    "an empty extension": b"\xc7\x00\x01",
    "a timestamp": b"\xd6\xff\x00\x00\x00\x01",
    "the byte that is never used": b"\xc1",
    "nothing": b"",
    "a number as key": b"\x81\x01\x01",
    "bytes as key": b"\x81\xc4\x01a\x01",
    "nil as key": b"\x81\xc0\x01",
    "a list as key": b"\x81\x91\x01\x01",
    "a key twice": b"\x82\xa1a\x01\xa1a\x02",
    "a key twice, deep within": b"\x91\x81\xa1a\x82\xa1n\x01\xa1n\x01",
    "text that is not UTF-8": b"\xa2\xff\xfe",
    "half a surrogate pair": b"\xa3\xed\xa0\x80",
    "a text that is too long": msgpack.packb("x" * (codec.MAX_TEXT + 1)),
    "a list that is too long": msgpack.packb([0] * (codec.MAX_ARRAY + 1)),
    "a map that is too large": msgpack.packb({str(key): 0 for key in range(codec.MAX_MAP + 1)}),
    "a message that is too large": msgpack.packb(b"x" * codec.MAX_BYTES),
}


@contextmanager
def bounded_memory() -> Iterator[None]:
    """No more memory than the largest honest message may take."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MAX_MEMORY, f"{peak / 1e6:.0f} MB"


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_refused_in_bounded_memory(payload: bytes) -> None:
    with bounded_memory(), pytest.raises(WireError):
        codec.unpack(payload)


@pytest.mark.parametrize("filler", [b"\x90", b"\x80", b"\xa0", b"\xcb" + b"\x3f" * 8])
def test_the_largest_honest_message_stays_in_the_limit_too(filler: bytes) -> None:
    rows, left = [], codec.MAX_BYTES - 3
    while (length := min(codec.MAX_ARRAY, (left - 3) // len(filler))) > 0:
        rows.append(b"\xdc" + length.to_bytes(2, "big") + filler * length)
        left -= len(rows[-1])
    with bounded_memory():
        codec.unpack(b"\xdc" + len(rows).to_bytes(2, "big") + b"".join(rows))


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_the_deepest_allowed_passes_and_one_more_does_not() -> None:
    codec.unpack(codec.pack(nested(codec.MAX_DEPTH)))
    codec.from_json(json.dumps(nested(codec.MAX_DEPTH)))
    with pytest.raises(WireError, match="nested deeper than 12"):
        codec.unpack(codec.pack(nested(codec.MAX_DEPTH + 1)))
    with pytest.raises(WireError, match="nested deeper than 12"):
        codec.from_json(json.dumps(nested(codec.MAX_DEPTH + 1)))


def test_the_longest_allowed_passes() -> None:
    for value in ("x" * codec.MAX_TEXT, [0] * codec.MAX_ARRAY, {str(key): 0 for key in range(codec.MAX_MAP)}):
        assert codec.unpack(codec.pack(value)) == value
    largest = codec.MAX_BYTES - len(codec.pack(b"")) - 3  # its header is five bytes long
    assert len(codec.unpack(codec.pack(b"x" * largest))) == largest


def recursive() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize(
    "value", [2**64, -(2**63) - 1, object(), {1, 2}, "\ud800", recursive()], ids=lambda value: type(value).__name__
)
def test_what_the_contract_cannot_carry_is_not_packed(value: Any) -> None:
    with pytest.raises(WireError, match="cannot be packed"):
        codec.pack(value)


def test_nan_and_infinity_pass_msgpack_but_are_null_in_json() -> None:
    values = codec.unpack(codec.pack([float("inf"), float("-inf")]))
    assert codec.to_json([*values, float("nan"), 1.5]) == "[null,null,null,1.5]"


def test_json_shows_bytes_as_hex_and_keeps_units_readable() -> None:
    assert codec.to_json({"a": b"\r\n", "u": "µm", "t": (1, 2)}) == '{"a":{"$hex":"0d0a"},"u":"µm","t":[1,2]}'


HOSTILE_JSON: list[str | bytes] = [
    "",
    "{",
    "[1,]",
    "NaN",
    "[Infinity]",
    "-Infinity",
    "[" * 60_000,
    '{"a":' * 20_000,
    "1" * 5000,
    b"\xff\xfe\xff",
    '["\\ud800"]',
    b'"\xed\xa0\x80"',
    "'a'",
    '{"a":1,"a":1}',
    '[{"a":{"b":1,"c":2,"b":3}}]',
]


@pytest.mark.parametrize("hostile", HOSTILE_JSON, ids=lambda hostile: str(hostile[:12]))
def test_hostile_json_is_refused_in_bounded_memory(hostile: str | bytes) -> None:
    with bounded_memory(), pytest.raises(WireError, match="not JSON"):
        codec.from_json(hostile)


def test_json_that_is_too_large_is_refused() -> None:
    with pytest.raises(WireError, match=f"message of {codec.MAX_BYTES + 1} characters, allowed are {codec.MAX_BYTES}"):
        codec.from_json(" " * codec.MAX_BYTES + "1")


def test_each_getter_says_what_it_found() -> None:
    fields = Fields({"n": 3, "t": "abc", "b": True, "x": b"1", "m": {}, "l": [], "f": 1.5, "z": None}, "frame")
    assert (fields.integer("n"), fields.text("t"), fields.boolean("b"), fields.binary("x")) == (3, "abc", True, b"1")
    assert (fields.map("m"), fields.list("l"), fields.get("nothing")) == ({}, [], None)
    assert fields.text("nothing", default="-") == "-"
    assert [fields.optional_integer(key) for key in ("n", "z", "nothing")] == [3, None, None]
    mistakes: dict[Callable[[], object], str] = {
        lambda: fields.integer("nothing"): "frame.nothing is missing",
        lambda: fields.integer("z"): "frame.z is missing",
        lambda: fields.integer("b"): "frame.b is true or false, expected an integer",
        lambda: fields.integer("f"): "frame.f is float, expected an integer",
        lambda: fields.optional_integer("t"): "frame.t is text, expected an integer",
        lambda: fields.integer("n", maximum=2): "frame.n is 3, expected -9223372036854775808 to 2",
        lambda: fields.integer("n", minimum=4): "frame.n is 3, expected 4 to 9223372036854775807",
        lambda: fields.text("x"): "frame.x is bytes, expected text",
        lambda: fields.text("t", longest=2): "frame.t has 3 characters, allowed are 2",
        lambda: fields.boolean("n"): "frame.n is an integer, expected true or false",
        lambda: fields.binary("t"): "frame.t is text, expected bytes",
        lambda: fields.map("l"): "frame.l is a list, expected a map",
        lambda: fields.list("m"): "frame.m is a map, expected a list",
    }
    for ask, sentence in mistakes.items():
        with pytest.raises(WireError) as refused:
            ask()
        assert str(refused.value) == sentence


@pytest.mark.parametrize(("value", "found"), [(None, "nil"), ([], "a list"), ("x", "text"), (1.5, "float")])
def test_what_is_no_map_has_no_fields(value: Any, found: str) -> None:
    with pytest.raises(WireError, match=f"frame is {found}, expected a map"):
        Fields(value, "frame")
