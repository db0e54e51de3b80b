"""Requests and answers: round trip, the exact bytes once, and what is refused."""

import pytest

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import MAX_ANSWER, Answer, Request


def test_a_request_comes_back_as_it_was() -> None:
    request = Request(name="completeness", arguments={"from": 5}, instrument="pi-1/+", timeout_us=2_000_000)
    assert Request.decode(request.encode(), "pi-1/+") == request
    assert codec.unpack(request.encode()) == {
        "v": 1,
        "request": "completeness",
        "from": 5,
        "timeout_us": 2_000_000,
    }


def test_from_a_socket_the_gateways_limit_counts() -> None:
    asked = {"request": "completeness", "timeout_us": 59_000_000, "x": None}
    request = Request.from_map(asked, 1_000_000)
    assert (request.timeout_us, request.arguments) == (1_000_000, {"x": None})


def test_what_a_request_is_about_is_what_its_topic_says() -> None:
    forged = codec.pack({"v": 1, "request": "completeness", "instrument": "pi-9/oven"})
    assert Request.decode(forged).instrument is None
    assert Request.decode(forged, "pi-1/+").instrument == "pi-1/+"
    assert Request.from_map({"request": "completeness", "instrument": "pi-1/+"}).instrument == "pi-1/+"
    for wrong in ("pi-1", "pi-1/#", "_any/_any", 3):
        with pytest.raises(WireError):
            Request.from_map({"request": "completeness", "instrument": wrong})


def test_an_argument_cannot_take_the_place_of_what_is_the_requests_own() -> None:
    request = Request(name="a", arguments={"request": "b", "v": 9, "timeout_us": 1})
    assert Request.decode(request.encode()) == Request(name="a", arguments={})


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"v": 2, "request": "x"},
        {"v": 1},
        {"v": 1, "request": 3},
        {"v": 1, "request": "No!"},
        {"v": 1, "request": "x", "timeout_us": 0},
        {"v": 1, "request": "x", "timeout_us": 60_000_001},
        {"v": 1, "request": "x", "timeout_us": 1.5},
    ],
)
def test_what_is_no_request_is_refused(value: object) -> None:
    with pytest.raises(WireError):
        Request.decode(codec.pack(value))


def test_a_request_that_is_too_large_is_refused_before_it_is_sent() -> None:
    with pytest.raises(WireError, match="too many for one message"):
        Request(name="x", arguments={"a": bytes(codec.MAX_BYTES)}).encode()


def test_answers_come_back_as_they_were() -> None:
    for answer in (
        Answer(ok=True, content={"a": [1, None, 2.5]}),
        Answer(ok=True),
        Answer(ok=False, code="unknown", sentence="there is none"),
    ):
        assert Answer.decode(answer.encode()) == answer
    assert codec.unpack(Answer(ok=True, content=1).encode()) == {"v": 1, "ok": True, "answer": 1}


def test_an_answer_leaves_room_for_what_a_socket_adds() -> None:
    with pytest.raises(WireError, match="too many for one message"):
        Answer(ok=True, content=bytes(MAX_ANSWER)).encode()
    long = Answer(ok=False, code="failed", sentence="x" * 1000)
    assert len(Answer.decode(long.encode()).sentence) == 500


@pytest.mark.parametrize("value", [1, {"v": 1}, {"v": 3, "ok": True}, {"v": 1, "ok": False, "code": "x" * 99}])
def test_what_is_no_answer_is_refused(value: object) -> None:
    with pytest.raises(WireError):
        Answer.decode(codec.pack(value))
