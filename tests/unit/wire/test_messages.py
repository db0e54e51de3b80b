"""The messages besides frames: round trips, the exact bytes once each, and a sentence for each mistake."""

import json
import math
from typing import Any, Protocol, Self, get_args

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import codec, descriptions, frames, messages
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.descriptions import Argument, Channel, CommandDescription, Description
from kleinmaelzung_wire.messages import (
    AgentStatus,
    Command,
    Control,
    LoggedRanges,
    Reply,
    ServiceStatus,
    State,
)

T = 1_764_000_000_000_000


class Message(Protocol):
    def encode(self) -> bytes: ...

    @classmethod
    def decode(cls, payload: bytes) -> Self: ...


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)
counts = st.integers(0, 2**53)
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), numbers, texts)
figures = st.dictionaries(texts, values, max_size=3)
arguments = st.builds(
    Argument,
    name=names,
    type=st.sampled_from(get_args(descriptions.ArgumentType)),
    unit=texts,
    minimum=st.none() | numbers,
    maximum=st.none() | numbers,
    choices=st.lists(texts, max_size=3),
    default=values,
)
commands = st.builds(
    CommandDescription,
    name=names,
    arguments=st.lists(arguments, max_size=3),
    timeout_s=st.floats(0.001, 3600),
    label=texts,
    dangerous=st.booleans(),
    safe=st.booleans(),
    interlocks=st.lists(texts, max_size=2),
)
channels = st.builds(Channel, name=names, unit=texts, label=texts)
every_message = st.one_of(
    st.builds(State, state=st.sampled_from(get_args(messages.Condition)), since=counts, reason=texts),
    st.builds(
        Description,
        channels=st.lists(channels, max_size=3),
        commands=st.lists(commands, max_size=3),
        driver=texts,
        label=texts,
        profile=texts,
        port=texts,
        identity=st.dictionaries(texts, texts, max_size=3),
    ),
    st.builds(
        AgentStatus, online=st.booleans(), since=counts, epoch=counts, clock=figures, orders=figures, reason=texts
    ),
    st.builds(ServiceStatus, role=texts, online=st.booleans(), healthy=st.booleans(), since=counts, figures=figures),
    st.builds(Control, user=texts, session=texts, since=counts, until=counts),
    st.builds(
        Reply,
        id=texts,
        name=texts,
        user=texts,
        result=st.sampled_from(get_args(messages.Result)),
        reason=texts,
        values=figures,
        units=st.dictionaries(texts, texts, max_size=3),
        bytes_out=st.binary(max_size=20),
        bytes_in=st.binary(max_size=20),
        took_us=counts,
        time=counts,
    ),
)


every_command = st.builds(
    Command,
    id=texts,
    name=names | names.map(lambda name: f"_{name}"),
    user=texts,
    arguments=figures,
    timeout_us=st.integers(1_000, 3_600_000_000),
    sent=counts,
    nonce=texts,
)


@given(every_command)
def test_a_command_comes_back_as_it_was_but_its_user_comes_from_the_topic(command: Command) -> None:
    assert Command.decode(command.encode(), user=command.user) == command
    assert Command.decode(command.encode(), user="otto").user == "otto"


def test_a_user_in_the_payload_is_not_believed() -> None:
    command = Command(id="c1", name="tare", user="", timeout_us=5_000_000, sent=T)
    forged = codec.pack({**codec.unpack(command.encode()), "user": "admin"})
    assert Command.decode(forged, user="anna").user == "anna"


@given(every_message)
def test_every_message_comes_back_as_it_was(message: Message) -> None:
    assert type(message).decode(message.encode()) == message


EXACT: list[tuple[Message, bytes]] = [
    (
        State(state="silent", since=T, reason="no line"),
        b"\x84\xa1v\x01\xa5state\xa6silent\xa5since\xcf\x00\x06DYAb@\x00\xa6reason\xa7no line",
    ),
    (
        Description(
            channels=[Channel(name="weight", unit="g")],
            commands=[CommandDescription(name="tare", arguments=[Argument(name="mass", type="number", maximum=2.5)])],
            driver="text",
        ),
        (
            b"\x88\xa1v\x01\xa8channels\x91\x83\xa4name\xa6weight\xa4unit\xa1g\xa5label\xa0"
            b"\xa8commands\x91\x87\xa4name\xa4tare"
            b"\xa9arguments\x91\x87\xa4name\xa4mass\xa4type\xa6number\xa4unit\xa0\xa7minimum\xc0"
            b"\xa7maximum\xcb@\x04\x00\x00\x00\x00\x00\x00\xa7choices\x90\xa7default\xc0"
            b"\xa9timeout_s\xcb@\x14\x00\x00\x00\x00\x00\x00\xa5label\xa0"
            b"\xa9dangerous\xc2\xa4safe\xc2\xaainterlocks\x90"
            b"\xa6driver\xa4text\xa5label\xa0\xa7profile\xa0\xa4port\xa0\xa8identity\xa0"
        ),
    ),
    (
        AgentStatus(online=True, since=T, epoch=7),
        (
            b"\x8e\xa1v\x01\xa6online\xc3\xa5since\xcf\x00\x06DYAb@\x00\xa7version\xa0\xa7gateway\xa0\xa5epoch\x07"
            b"\xa5clock\x80\xa5taken\x00\xa7samples\x00\xa8unlogged\x00\xa6reason\xa0"
            b"\xa5nonce\xa0\xa5spool\x80\xa6orders\x80"
        ),
    ),
    (
        ServiceStatus(role="logger", online=True, healthy=False, reason="no database"),
        (
            b"\x88\xa1v\x01\xa4role\xa6logger\xa6online\xc3\xa7healthy\xc2\xa5since\x00\xa7version\xa0"
            b"\xa6reason\xabno database\xa7figures\x80"
        ),
    ),
    (
        Control(user="anna", session="s1", since=1, until=T),
        (b"\x85\xa1v\x01\xa4user\xa4anna\xa7session\xa2s1\xa5since\x01\xa5until\xcf\x00\x06DYAb@\x00"),
    ),
    (
        Reply(id="c1", name="tare", user="anna", result="done", values={"mass": 1.5}, units={"mass": "g"}, took_us=9),
        (
            b"\x8d\xa1v\x01\xa2id\xa2c1\xa4name\xa4tare\xa4user\xa4anna\xa6result\xa4done\xa6reason\xa0"
            b"\xa6values\x81\xa4mass\xcb?\xf8\x00\x00\x00\x00\x00\x00\xa5units\x81\xa4mass\xa1g"
            b"\xa9bytes_out\xc4\x00\xa8bytes_in\xc4\x00\xa7took_us\t\xa4time\x00\xa8recorded\xc3"
        ),
    ),
]


@pytest.mark.parametrize(("message", "payload"), EXACT, ids=[type(message).__name__ for message, _ in EXACT])
def test_the_exact_bytes(message: Message, payload: bytes) -> None:
    assert message.encode() == payload
    assert type(message).decode(payload) == message


def test_the_exact_bytes_of_a_command() -> None:
    command = Command(id="c1", name="tare", user="anna", arguments={"x": 1}, timeout_us=5_000_000, sent=T, nonce="n")
    assert command.encode() == (
        b"\x88\xa1v\x01\xa2id\xa2c1\xa4name\xa4tare\xa9arguments\x81\xa1x\x01"
        b"\xaatimeout_us\xce\x00LK@\xa4sent\xcf\x00\x06DYAb@\x00\xa5nonce\xa1n\xa4beat\x00"
    )


@pytest.mark.parametrize(("message", "payload"), EXACT, ids=[type(message).__name__ for message, _ in EXACT])
def test_truncated_of_another_version_or_no_map_it_is_refused(message: Message, payload: bytes) -> None:
    decode = type(message).decode
    for end in range(len(payload)):
        with pytest.raises(WireError):
            decode(payload[:end])
    wire = msgpack.unpackb(payload)
    with pytest.raises(WireError, match="has version 2, expected 1"):
        decode(msgpack.packb({**wire, "v": 2}))
    with pytest.raises(WireError, match="v is missing"):
        decode(msgpack.packb({key: value for key, value in wire.items() if key != "v"}))
    with pytest.raises(WireError, match="is a list, expected a map"):
        decode(b"\x90")


@pytest.mark.parametrize(("message", "payload"), EXACT, ids=[type(message).__name__ for message, _ in EXACT])
def test_a_newer_part_may_add_a_key(message: Message, payload: bytes) -> None:
    assert type(message).decode(msgpack.packb({**msgpack.unpackb(payload), "later": [1]})) == message


def broken(message: Message, **changes: Any) -> bytes:
    packed: bytes = msgpack.packb({**msgpack.unpackb(message.encode()), **changes})
    return packed


STATE, DESCRIPTION, AGENT, SERVICE, CONTROL, REPLY = (message for message, _ in EXACT)
ARGUMENT = {"name": "mass", "type": "number"}


def described(**argument: Any) -> dict[str, Any]:
    return {"commands": [{"name": "tare", "timeout_s": 5, "arguments": [{**ARGUMENT, **argument}]}]}


def lasting(timeout_s: Any) -> dict[str, Any]:
    return {"commands": [{"name": "tare", "timeout_s": timeout_s}]}


MALFORMED: list[tuple[Message, dict[str, Any], str]] = [
    (STATE, {"state": "asleep"}, "state.state is 'asleep', expected one of connected, searching, silent, error"),
    (STATE, {"since": None}, "state.since is missing"),
    (STATE, {"since": "now"}, "state.since is text, expected an integer"),
    (STATE, {"since": 2**63}, "state.since is 9223372036854775808, expected -9223372036854775808 to"),
    (STATE, {"reason": "x" * 501}, "state.reason has 501 characters, allowed are 500"),
    (DESCRIPTION, {"channels": None}, "description.channels is missing"),
    (DESCRIPTION, {"channels": ["weight"]}, "channel is text, expected a map"),
    (DESCRIPTION, {"channels": [{"name": "Weight"}]}, "channel 'Weight' is not a name"),
    (DESCRIPTION, {"channels": [{"name": "weight", "unit": 5}]}, "channel.unit is an integer, expected text"),
    (DESCRIPTION, {"driver": None}, "description.driver is missing"),
    (DESCRIPTION, {"commands": [5]}, "command is an integer, expected a map"),
    (DESCRIPTION, lasting("5"), "command.timeout_s is not a number of seconds"),
    (DESCRIPTION, lasting(True), "command.timeout_s is not a number of seconds"),
    (DESCRIPTION, lasting(math.nan), "command.timeout_s is not a number of seconds"),
    (DESCRIPTION, lasting(0), "command.timeout_s is not a number of seconds"),
    (DESCRIPTION, {"commands": [{"name": "t are", "timeout_s": 5}]}, "command 't are' is not a name"),
    (DESCRIPTION, described(type="colour"), "argument.type is 'colour', expected one of number, integer, text"),
    (DESCRIPTION, described(name=""), "argument '' is not a name"),
    (DESCRIPTION, described(minimum="0"), "argument.minimum is '0', expected a number or nil"),
    (DESCRIPTION, described(maximum=math.inf), "argument.maximum is inf, expected a number or nil"),
    (DESCRIPTION, described(maximum=True), "argument.maximum is True, expected a number or nil"),
    (DESCRIPTION, described(choices=["a", 5]), "argument.choices holds something else than text"),
    (DESCRIPTION, described(choices="ab"), "argument.choices is text, expected a list"),
    (DESCRIPTION, described(default=[1]), "argument.default is [1], expected number, text, bool or nil"),
    (AGENT, {"online": 1}, "status.online is an integer, expected true or false"),
    (AGENT, {"online": None}, "status.online is missing"),
    (AGENT, {"clock": []}, "status.clock is a list, expected a map"),
    (AGENT, {"taken": 1.5}, "status.taken is float, expected an integer"),
    (SERVICE, {"role": None}, "status.role is missing"),
    (SERVICE, {"healthy": "yes"}, "status.healthy is text, expected true or false"),
    (SERVICE, {"figures": 5}, "status.figures is an integer, expected a map"),
    (REPLY, {"result": "perhaps"}, "reply.result is 'perhaps', expected one of done, refused, failed"),
    (REPLY, {"bytes_in": "text"}, "reply.bytes_in is text, expected bytes"),
    (REPLY, {"values": [1]}, "reply.values is a list, expected a map"),
    (REPLY, {"reason": "x" * 501}, "reply.reason has 501 characters, allowed are 500"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "changes", "sentence"), MALFORMED, ids=[one[2][:50] for one in MALFORMED])
def test_a_malformed_message_is_refused_with_a_sentence(
    message: Message, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(WireError) as refused:
        type(message).decode(broken(message, **changes))
    assert str(refused.value).startswith(sentence)


def test_a_reply_passes_through_a_sockets_map() -> None:
    reply = Reply(id="c1", name="tare", user="anna", result="done", bytes_in=b"T S")
    assert Reply.from_map(reply.to_map()) == reply


def test_logged_ranges_come_back_and_are_short() -> None:
    logged = [LoggedRanges(instrument="balance", epoch=7, ranges=[(1, 3), (5, 5)])]
    payload = b"\x91\x93\xa7balance\x07\x92\x92\x01\x03\x92\x05\x05"
    assert messages.encode_logged(logged) == payload
    assert messages.decode_logged(payload) == logged
    assert messages.decode_logged(messages.encode_logged([])) == []


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "logged is not a list"),
        ([5], "logged holds something else than"),
        ([["balance", 7]], "logged holds something else than"),
        ([["balance", "7", []]], "logged holds something else than"),
        ([["Balance", 7, []]], "instrument 'Balance' is not a name"),
        ([["balance", 7, [[1]]]], "logged range [1] is not [first, last]"),
        ([["balance", 7, [[2, 1]]]], "logged range [2, 1] is not [first, last]"),
        ([["balance", 7, [[0, 1]]]], "logged range [0, 1] is not [first, last]"),
        ([["balance", 7, [[1, 2.5]]]], "logged range [1, 2.5] is not [first, last]"),
    ],
)
def test_what_is_no_list_of_ranges_is_refused(value: Any, sentence: str) -> None:
    with pytest.raises(WireError) as refused:
        messages.decode_logged(msgpack.packb(value))
    assert str(refused.value).startswith(sentence)


def test_the_newest_values_are_json_for_any_tool() -> None:
    frame = frames.Frame(
        epoch=7,
        number=1,
        times=(T, T + 5),
        channels={"weight": [1.0, 2.5], "stable": [True, None]},
        clock=frames.Clock(synchronised=True),
        units={"weight": "µg"},
        quality={"weight": [None, "unstable"]},
    )
    payload = messages.encode_latest(messages.latest(frame))
    assert payload.decode() == (
        '{"weight":{"value":2.5,"unit":"µg","quality":"unstable","time":1764000000000005},'
        '"stable":{"value":null,"unit":"","quality":"good","time":1764000000000005}}'
    )
    assert json.loads(payload) == messages.latest(frame)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": "x" * 65}, "command.id has 65 characters, allowed are 64"),
        ({"id": 5}, "command.id is an integer, expected text"),
        ({"name": "tare\r\n"}, "command 'tare\\r\\n' is not a name"),
        ({"arguments": []}, "command.arguments is a list, expected a map"),
        ({"timeout_us": 999}, "command.timeout_us is 999, expected 1000 to 3600000000"),
        ({"timeout_us": 3_600_000_001}, "command.timeout_us is 3600000001, expected 1000 to 3600000000"),
        ({"sent": None}, "command.sent is missing"),
        ({"name": "__take"}, "command '_take' is not a name"),
        ({"nonce": 5}, "command.nonce is an integer, expected text"),
    ],
)
def test_a_mistake_in_a_command_is_told(change: dict[str, Any], sentence: str) -> None:
    command = Command(id="c1", name="tare", user="", timeout_us=5_000_000, sent=T)
    wrong = codec.pack({**codec.unpack(command.encode()), **change})
    with pytest.raises(WireError) as refused:
        Command.decode(wrong, user="anna")
    assert str(refused.value).startswith(sentence)
