"""Topics: built from names alone, parsed back, and nothing else gets in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.topics import Address, Asker

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)

BAD_NAMES = {
    "empty": "",
    "33 characters": "a" * 33,
    "any": "+",
    "all": "#",
    "a slash": "a/b",
    "dollar": "$sys",
    "NUL": "a\x00",
    "newline at the end": "a\n",
    "newline": "a\nb",
    "space": "a b",
    "control": "a\x1b",
    "upper case": "Pi-1",
    "underscore first": "_service",
    "hyphen first": "-a",
    "dot": "..",
    "cyrillic a": "\u0430gent",
    "full width": "\uff50\uff49",
    "dotless i": "p\u0131",
    "long s": "\u017fcale",
    "Kelvin sign": "\u212a",
    "arabic digit": "\u0661",
    "superscript": "pi\u00b9",
    "joiner": "a\u200db",
    "umlaut": "wägung",
    "half a surrogate pair": "a\ud800",
    "quote": "a'b",
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_nothing_special_gets_into_any_topic(name: str) -> None:
    for build in (
        lambda: topics.check_name(name),
        lambda: topics.instrument(name, "balance", "data"),
        lambda: topics.instrument("pi-1", name, "data"),
        lambda: topics.instrument("pi-1", "balance", name),
        lambda: topics.status(name),
        lambda: topics.logged(name),
        lambda: topics.commands(name),
        lambda: topics.command(name, "balance", "anna"),
        lambda: topics.command("pi-1", name, "anna"),
        lambda: topics.command("pi-1", "balance", name),
        lambda: topics.command("pi-1", "balance", "anna", name),
        lambda: topics.refused(name),
        lambda: topics.rights(name),
        lambda: topics.online(name, "s1"),
        lambda: topics.online("anna", name),
        lambda: topics.service_status(name),
        lambda: topics.service_request(name, Asker("anna", "operator")),
        lambda: topics.service_request("logger", Asker(name, "operator")),
        lambda: topics.service_request("logger", Asker("anna", name)),
        lambda: topics.service_requests(name),
        lambda: topics.requests_by(name, "operator", []),
        lambda: topics.requests_by("anna", name, []),
        lambda: topics.inbox(name, "s1"),
        lambda: topics.inbox("anna", name),
        lambda: topics.split_full_name(f"{name}/balance"),
        lambda: topics.split_full_name(f"pi-1/{name}"),
        lambda: topics.from_agent("pi-1", f"{name}/data"),
        lambda: topics.from_agent("pi-1", f"balance/{name}"),
        lambda: topics.from_agent(name, "status"),
        lambda: topics.parse(f"kleinmaelzung/{name}/balance/data"),
        lambda: topics.parse(f"kleinmaelzung/pi-1/{name}/data"),
        lambda: topics.parse(f"kleinmaelzung/{name}/status"),
        lambda: topics.parse(f"kleinmaelzung/pi-1/balance/command/{name}"),
    ):
        with pytest.raises(WireError):
            build()
    assert not topics.is_inbox(f"kleinmaelzung/_client/{name}/s1/inbox")
    assert not topics.is_inbox(f"kleinmaelzung/_client/anna/{name}/inbox")
    assert topics.commanded(f"{name}/command/anna") is None
    assert topics.commanded(f"balance/{name}/anna") is None
    assert topics.commanded(f"balance/command/{name}") is None
    assert topics.online_session(f"_client/{name}/s1/online") is None
    assert topics.online_session(f"_client/anna/{name}/online") is None
    assert topics.asker(f"kleinmaelzung/_service/{name}/request/anna/operator") is None
    assert topics.asker(f"kleinmaelzung/_service/logger/request/{name}/operator") is None
    assert topics.asker(f"kleinmaelzung/_service/logger/request/anna/{name}") is None
    assert topics.asker(f"kleinmaelzung/_service/logger/request/anna/operator/{name}/balance") is None
    assert topics.asker(f"kleinmaelzung/_service/logger/request/anna/operator/pi-1/{name}") is None


@pytest.mark.parametrize("name", [name for name in BAD_NAMES.values() if name != "+"])
def test_nothing_special_gets_into_a_filter_but_the_one_wildcard(name: str) -> None:
    for pattern in (
        f"{name}/balance",
        f"pi-1/{name}",
        f"pi-1/balance/{name}",
        f"{name}/status",
        f"_service/{name}/status",
    ):
        with pytest.raises(WireError):
            topics.watch_filters(pattern)


def test_the_sentence_says_what_a_name_looks_like() -> None:
    with pytest.raises(WireError) as refused:
        topics.check_name("Pi 1", "agent")
    assert str(refused.value) == "agent 'Pi 1' is not a name: 1 to 32 of a-z 0-9 _ -, starting with a letter or digit"


@given(names, names, st.sampled_from(sorted(topics.INSTRUMENT_KINDS)))
def test_a_topic_that_was_built_parses_to_its_parts(agent: str, instrument: str, kind: str) -> None:
    topic = topics.instrument(agent, instrument, kind)
    assert topics.parse(topic) == Address(agent, instrument, kind)
    assert topics.parse(topic).full_name == f"{agent}/{instrument}"
    assert topics.parse(topics.status(agent)) == Address(agent, None, "status")
    assert topics.parse(topics.logged(agent)).full_name == agent
    assert topics.is_inbox(topics.inbox(agent, instrument))
    assert topics.split_full_name(f"{agent}/{instrument}") == (agent, instrument)


@given(st.text())
def test_any_text_is_a_topic_or_a_wire_error(topic: str) -> None:
    for text in (topic, f"kleinmaelzung/{topic}"):
        try:
            address = topics.parse(text)
        except WireError:
            continue
        assert text == _built(address)


def _built(address: Address) -> str:
    if address.instrument is None:
        return (topics.status if address.kind == "status" else topics.logged)(address.agent)
    if address.user is not None:
        return topics.command(address.agent, address.instrument, address.user, address.kind)
    return topics.instrument(address.agent, address.instrument, address.kind)


@given(names, names, names, st.sampled_from(sorted(topics.USER_KINDS)))
def test_a_command_says_who_sends_it(agent: str, instrument: str, user: str, kind: str) -> None:
    topic = topics.command(agent, instrument, user, kind)
    assert topics.parse(topic) == Address(agent, instrument, kind, user)
    assert topics.commanded(topics.tail(topic).removeprefix(f"{agent}/")) == (instrument, kind, user)
    assert any(topics.matches(topic_filter, topic) for topic_filter in topics.commands(agent))


def test_a_session_that_holds_something_says_whose_it_is() -> None:
    assert topics.online_session(topics.tail(topics.online("anna", "s1"))) == ("anna", "s1")
    assert topics.matches(topics.any_online(), topics.online("anna", "s1"))
    assert topics.inbox_session(topics.inbox("anna", "s1")) == "s1"
    assert topics.inbox_session(topics.online("anna", "s1")) is None


def test_the_exact_topics() -> None:
    assert topics.instrument("pi-1", "balance", "data") == "kleinmaelzung/pi-1/balance/data"
    assert topics.status("pi-1") == "kleinmaelzung/pi-1/status"
    assert topics.logged("pi-1") == "kleinmaelzung/pi-1/logged"
    assert topics.commands("pi-1") == ["kleinmaelzung/pi-1/+/command/+", "kleinmaelzung/pi-1/+/raw/+"]
    assert topics.command("pi-1", "balance", "anna") == "kleinmaelzung/pi-1/balance/command/anna"
    assert topics.command("pi-1", "balance", "anna", "raw") == "kleinmaelzung/pi-1/balance/raw/anna"
    assert topics.refused("gateway") == "kleinmaelzung/_service/gateway/refused"
    assert topics.rights("anna") == "kleinmaelzung/_client/anna/rights"
    assert topics.online("anna", "s1") == "kleinmaelzung/_client/anna/s1/online"
    assert topics.any_status() == "kleinmaelzung/+/status"
    assert topics.service_status("logger") == "kleinmaelzung/_service/logger/status"
    stem = "kleinmaelzung/_service/history/request"
    for about, tail in {None: "", "pi-1/balance": "/pi-1/balance", "pi-1/+": "/pi-1/_any", "+/+": "/_any/_any"}.items():
        assert topics.service_request("history", Asker("anna", "operator", about)) == f"{stem}/anna/operator{tail}"
    assert topics.service_requests("history") == [f"{stem}/+/+", f"{stem}/+/+/+/+"]
    by_anna = "kleinmaelzung/_service/+/request/anna/operator"
    assert topics.requests_by("anna", "operator", ["pi-1/+", "pi-2/oven"]) == [
        by_anna,
        f"{by_anna}/pi-1/+",
        f"{by_anna}/pi-2/oven",
    ]
    assert topics.service_mark("gateway") == "kleinmaelzung/_service/gateway/request/gateway/service"
    assert topics.any_service_status() == "kleinmaelzung/_service/+/status"
    assert topics.inbox("anna", "s1") == "kleinmaelzung/_client/anna/s1/inbox"
    assert topics.tail("kleinmaelzung/pi-1/status") == "pi-1/status"


@pytest.mark.parametrize(
    "topic",
    ["", "kleinmaelzung", "kleinmaelzung/", "other/pi-1/status", "kleinmaelzung/pi-1", "kleinmaelzung/pi-1/b/data/x",
     "kleinmaelzung/pi-1/b/status", "kleinmaelzung/pi-1/b/command",
     "kleinmaelzung/_service/logger/status", "kleinmaelzung/_client/anna/s1/inbox"],
)  # fmt: skip
def test_a_topic_of_somebody_else_is_no_address(topic: str) -> None:
    with pytest.raises(WireError):
        topics.parse(topic)


def test_what_an_agent_publishes_becomes_its_own_topic_with_the_tables_quality() -> None:
    assert topics.from_agent("pi-1", "status") == ("kleinmaelzung/pi-1/status", topics.STATUS)
    for kind in topics.FROM_AGENT:
        topic, travels = topics.from_agent("pi-1", f"balance/{kind}")
        assert topic == f"kleinmaelzung/pi-1/balance/{kind}"
        assert travels is topics.INSTRUMENT_KINDS[kind]


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "/",
        "balance",
        "balance/command",
        "balance/command/anna",
        "logged",
        "balance/data/x",
        "pi-2/balance/data",
        "/data",
        "status/",
    ],
)
def test_an_agent_cannot_name_what_it_does_not_send(tail: str) -> None:
    with pytest.raises(WireError):
        topics.from_agent("pi-1", tail)


@pytest.mark.parametrize(
    ("pattern", "filters"),
    [
        ("pi-1/balance", ["pi-1/balance/description", "pi-1/balance/state", "pi-1/balance/data"]),
        ("+/+", ["+/+/description", "+/+/state", "+/+/data"]),
        ("pi-1/+/latest", ["pi-1/+/latest"]),
        ("pi-1/status", ["pi-1/status"]),
        ("+/status", ["+/status"]),
        ("_service/logger/status", ["_service/logger/status"]),
        ("_service/+/status", ["_service/+/status"]),
    ],
)
def test_a_pattern_becomes_filters(pattern: str, filters: list[str]) -> None:
    assert topics.watch_filters(pattern) == [f"kleinmaelzung/{one}" for one in filters]


@pytest.mark.parametrize(
    "pattern",
    ["", "pi-1", "pi-1/balance/command", "pi-1/balance/command/anna",
     "pi-1/balance/backfill", "pi-1/balance/logged", "a/b/c/d",
     "_client/anna/s1/inbox",
     "_client/+/+", "_service/logger/request", "_service/logger"],
)  # fmt: skip
def test_what_is_not_for_watching_is_refused_with_a_sentence(pattern: str) -> None:
    with pytest.raises(WireError, match=r"cannot be watched: expected|is not a name"):
        topics.watch_filters(pattern)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "falls"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/b/c", "a/b/c", True),
        ("a/+/c", "a/b/d", False),
        ("a/+", "a/b/c", False),
        ("a/+/c", "a/c", False),
    ],
)
def test_a_topic_falls_under_a_filter(topic_filter: str, topic: str, falls: bool) -> None:
    assert topics.matches(topic_filter, topic) is falls


def test_a_request_says_who_asks_and_an_inbox_whose_it_is() -> None:
    for about in (None, "pi-1/balance", "pi-1/+", "+/balance", "+/+"):
        asker = Asker("anna", "observer", about)
        assert topics.asker(topics.service_request("logger", asker)) == asker
    assert topics.inbox_owner(topics.inbox("anna", "s1")) == "anna"
    for other in (topics.service_status("logger"), topics.instrument("pi-1", "balance", "data"), "", "a/b/c/request/d"):
        assert topics.asker(other) is None
        assert topics.inbox_owner(other) is None
