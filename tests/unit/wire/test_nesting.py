import msgpack
import pytest

from kleinmaelzung_wire import codec, nesting
from kleinmaelzung_wire.codec import WireError


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [0, 1, 5, 12])
def test_what_is_allowed_is_not_called_deep(depth: int) -> None:
    assert not nesting.is_deeper(msgpack.packb(nested(depth)), 12)


@pytest.mark.parametrize("depth", [13, 14, 500])
def test_what_is_deeper_is_found(depth: int) -> None:
    assert nesting.is_deeper(msgpack.packb(nested(depth)), 12)


def test_every_kind_of_value_is_stepped_over() -> None:
    values = [
        *(None, True, 1, -1, 200, 70_000, 2**40, -200, -70_000, -(2**40), 1.5, "a", "a" * 40, "a" * 300, "a" * 70_000),
        *(b"a", b"a" * 300, b"a" * 70_000, [1] * 20, [1] * 70_000, {str(key): 1 for key in range(20)}),
        *(msgpack.ExtType(1, b"a" * size) for size in (1, 2, 4, 8, 16, 3, 300, 70_000)),
    ]
    for value in values:
        assert not nesting.is_deeper(msgpack.packb([value, [[]]]), 3)
        assert nesting.is_deeper(msgpack.packb([value, [[[[]]]]]), 3), value


def test_bytes_that_end_too_soon_are_left_to_unpacking() -> None:
    whole = msgpack.packb({"a": [1, "text", b"bytes", 1.5]})
    for length in range(len(whole)):
        assert not nesting.is_deeper(whole[:length], 12)


def test_honest_numbers_that_look_like_headers_are_unpacked() -> None:
    honest = msgpack.packb([float.fromhex("0x1.cdcdcdcdcdcdcp+0")] * 1000)
    suspicious = b"\xdc" * 100
    assert nesting.is_suspicious(suspicious)
    assert codec.unpack(msgpack.packb([suspicious])) == [suspicious]
    assert len(codec.unpack(honest)) == 1000


def test_nested_claims_of_many_elements_are_refused() -> None:
    with pytest.raises(WireError, match="deeper than 12"):
        codec.unpack(b"\xdc\x20\x00" * 1000)
