"""Host, Origin and address of a request: who is let in, and what the others are told."""

import pytest
from websockets.datastructures import Headers

from kleinmaelzung_gateway import door
from kleinmaelzung_gateway.door import Names

NAMES = Names(hosts=frozenset({"lab.example", "*.malt.example"}), origins=frozenset({"https://board.example:8443"}))


def status(path: str = "/", **headers: str) -> int:
    refusal = door.check(path, Headers({"Host": "lab:8080", **headers}), NAMES)
    return refusal.status.value if refusal else 0


@pytest.mark.parametrize(
    "host",
    ["lab:8080", "LAB", "localhost:1", "127.0.0.1:8080", "[::1]:8080", "lab.example", "Lab.Example.:80",
     "a.malt.example", "x.localhost"],
)  # fmt: skip
def test_a_name_of_ours_is_served(host: str) -> None:
    assert status(Host=host) == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "lab.example.evil.example", "malt.example", "a.b.malt.example", "127.0.0.1.evil.example"]
)
def test_a_strangers_name_that_leads_here_is_misdirected(host: str) -> None:
    refusal = door.check("/", Headers({"Host": host}), NAMES)
    assert refusal is not None
    assert (refusal.status, "KLEINMAELZUNG_HOSTS" in refusal.sentence) == (421, True)


@pytest.mark.parametrize("host", ["", "a b", "lab:many", "user@lab", "lab/x", "[::1", "lab:99999", "läb"])
def test_what_is_no_host_is_a_bad_request(host: str) -> None:
    assert status(Host=host) == 400


def test_a_host_that_is_missing_or_comes_twice_is_a_bad_request() -> None:
    for headers in (Headers(), Headers([("Host", "lab"), ("Host", "lab")])):
        refusal = door.check("/", headers, NAMES)
        assert refusal is not None
        assert refusal.status == 400


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("lab:8080", "http://lab:8080"),
        ("lab", "http://lab"),
        ("lab", "https://lab"),  # a proxy does TLS
        ("lab:443", "https://lab"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("lab.example", "https://LAB.example"),
        ("lab", "https://board.example:8443"),
    ],
)
def test_our_own_page_and_those_we_were_told_may_connect(host: str, origin: str) -> None:
    assert status(Host=host, Origin=origin) == 0


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://lab:8081", "https://lab", "null", "", "lab:8080", "file://", "http://lab:8080.evil",
     "http://lab:8080@evil.example", "chrome-extension://abc", "https://board.example", "http://evil:8080"],
)  # fmt: skip
def test_a_foreign_page_is_forbidden(origin: str) -> None:
    assert status(Origin=origin) == 403


def test_two_origins_are_forbidden_even_if_one_is_ours() -> None:
    headers = Headers([("Host", "lab"), ("Origin", "http://lab"), ("Origin", "http://evil.example")])
    refusal = door.check("/", headers, NAMES)
    assert refusal is not None
    assert refusal.status == 403


@pytest.mark.parametrize(
    "query",
    ["token=geheim", "access_token=geheim", "user=anna&password=geheim", "PASSWORD=geheim", "secret=geheim",
     "x=1&Authorization=geheim", "p%61ssword=geheim", "token"],
)  # fmt: skip
def test_a_secret_in_the_address_is_refused_and_not_repeated(query: str) -> None:
    for path in ("/client", "/agent", "/", "/metrics"):
        refusal = door.check(f"{path}?{query}", Headers({"Host": "lab"}), NAMES)
        assert refusal is not None
        assert refusal.status == 401
        assert "geheim" not in refusal.sentence
        assert "Authorization header" in refusal.sentence


def test_an_ordinary_query_is_none_of_its_business() -> None:
    assert status("/client?x=1&page=2") == 0


def test_what_strangers_send_is_repeated_short_and_in_plain_characters() -> None:
    refusal = door.check("/", Headers({"Host": "lab", "Origin": "http://é" + "x" * 5000}), NAMES)
    assert refusal is not None
    assert len(refusal.sentence) < 300
    assert refusal.sentence.isascii()
    assert refusal.sentence.isprintable()


def test_a_machine_knows_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Lab-Pi.uni.example")
    names = Names(hosts=door.own_names("gate.uni.example", ["Www.uni.example"]))
    for host in ("lab-pi.uni.example", "lab-pi.local", "gate.uni.example", "www.uni.example"):
        assert names.knows(host)
    assert not names.knows("other.uni.example")
