"""The arrays of the two WebSockets, in both subprotocols."""

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import codec, sockets
from kleinmaelzung_wire.codec import WireError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
shared = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), finite, text),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(st.sampled_from([sockets.MSGPACK, sockets.JSON]), text, st.lists(shared, max_size=4))
def test_a_message_comes_back_in_either_subprotocol(subprotocol: str, kind: str, rest: list[Any]) -> None:
    try:
        codec.check_depth([kind, *rest])
    except WireError:
        return
    assert sockets.decode(sockets.encode([kind, *rest], subprotocol), subprotocol) == (kind, rest)


def test_the_exact_messages() -> None:
    message = ["message", "pi-1/balance/data", b"\x81\xa1v\x01"]
    assert sockets.encode(message, sockets.MSGPACK) == b"\x93\xa7message\xb1pi-1/balance/data\xc4\x04\x81\xa1v\x01"
    assert sockets.encode(message, sockets.JSON) == '["message","pi-1/balance/data",{"$hex":"81a17601"}]'
    assert sockets.decode('["watch", 1, "+/+"]', sockets.JSON) == ("watch", [1, "+/+"])


@pytest.mark.parametrize("value", [[], {}, "watch", 5, None, [1, "watch"], [None], [["watch"]], {"kind": "watch"}])
def test_what_is_no_message_is_refused(value: Any) -> None:
    for received, subprotocol in ((msgpack.packb(value), sockets.MSGPACK), (json.dumps(value), sockets.JSON)):
        with pytest.raises(WireError, match="a message is an array whose first element is its kind"):
            sockets.decode(received, subprotocol)


def test_text_on_a_binary_socket_is_refused() -> None:
    with pytest.raises(WireError, match=r"text received, kleinmaelzung\.v1\+msgpack is binary"):
        sockets.decode('["watch", 1, "+/+"]', sockets.MSGPACK)


@pytest.mark.parametrize("question", [0, -1, 2**53 - 1, "", "a", "é" * 64, "😀"])
def test_an_id_comes_back_as_it_was(question: sockets.Id) -> None:
    assert sockets.check_id(question) == question
    sockets.encode(["done", question, None], sockets.JSON)


@pytest.mark.parametrize("question", [None, True, 1.0, 2**53, -(2**53), "x" * 65, b"x", [], {}, "\ud800", "a\udfff"])
def test_what_is_no_id_is_refused(question: Any) -> None:
    with pytest.raises(WireError, match="an id is an integer or a text of at most 64 characters"):
        sockets.check_id(question)


def test_a_payload_is_shown_decoded_whatever_format_it_has() -> None:
    assert sockets.readable(b"\x81\xa1v\x01", is_json=False) == {"v": 1}
    assert sockets.readable(b'{"v":1}', is_json=True) == {"v": 1}
    with pytest.raises(WireError):
        sockets.readable(b'{"v":1}', is_json=False)
