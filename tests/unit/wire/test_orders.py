"""What the server's key signs, and the key's file."""

import subprocess
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_wire import codec, orders
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.orders import Order

SHA256 = bytes(range(32))
PROGRAM = Order(kind="program", agent="pi-2", issued=1_790_000_000_000_000, sha256=SHA256, size=7)
EXACT = (
    b"\x87\xa1v\x01\xa4kind\xa7program\xa5agent\xa4pi-2\xa6issued\xcf\x00\x06[\xfe\xda%\xe0\x00"
    b"\xa6sha256\xc4 " + SHA256 + b"\xa4size\x07\xa8replaces\xc4\x00"
)
KEYS = st.binary(min_size=32, max_size=32)


def test_the_exact_bytes() -> None:
    """They are signed: another version must make the same."""
    assert PROGRAM.encode() == EXACT
    assert Order.decode(EXACT) == PROGRAM


@given(
    st.builds(
        Order,
        kind=st.sampled_from(["configuration", "program"]),
        agent=st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,31}\Z"),
        issued=st.integers(1, 2**63 - 1),
        sha256=KEYS,
        size=st.integers(1, 1024 * 1024),
        replaces=st.one_of(st.just(b""), KEYS),
    )
)
def test_every_order_comes_back(order: Order) -> None:
    assert Order.decode(order.encode()) == order


def packed(**changed: Any) -> bytes:
    return codec.pack_versioned(asdict(PROGRAM) | changed)


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"", "not msgpack"),
        (b"\xc0", "expected a map"),
        (packed(kind="reboot"), "order.kind"),
        (packed(agent="Pi 2"), "is not a name"),
        (packed(agent="+"), "is not a name"),
        (packed(issued=0), "order.issued"),
        (packed(issued="now"), "order.issued"),
        (packed(sha256=b"short"), "a SHA-256 has 32 bytes"),
        (packed(replaces=b"short"), "a SHA-256 has 32 bytes"),
        (packed(size=0), "order.size"),
        (packed(size=64 * 1024 * 1024 + 1), "order.size"),
        (packed(kind="configuration", size=1024 * 1024 + 1), "order.size"),
    ],
)
def test_what_is_no_order_is_refused(payload: bytes, sentence: str) -> None:
    with pytest.raises(WireError, match=sentence):
        Order.decode(payload)


def test_what_is_signed_is_nothing_else_that_the_key_could_sign() -> None:
    assert orders.signed(EXACT) == b"kleinmaelzung order\n" + EXACT
    assert orders.signed(replace(PROGRAM, agent="pi-3").encode()) != orders.signed(EXACT)


@given(KEYS)
def test_a_public_key_comes_back_from_its_file(key: bytes) -> None:
    assert orders.read_pem(orders.pem(key)) == key
    assert orders.read_pem(orders.pem(key).strip()) == key


def test_openssl_writes_and_reads_the_same_file() -> None:
    private = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, check=True).stdout
    convert = ["openssl", "pkey", "-pubout"]
    public = subprocess.run(convert, input=private, capture_output=True, check=True).stdout.decode()
    assert orders.pem(orders.read_pem(public)) == public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "ä\nä\nä\n",
        orders.pem(SHA256).replace("PUBLIC", "PRIVATE"),
        orders.pem(SHA256)[:-30],
        orders.pem(SHA256) + "more",
        orders.pem(SHA256) * 2,
        orders.pem(SHA256).replace("MCow", "MCox"),
        "-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
    ],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="no Ed25519 public key"):
        orders.read_pem(text)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_gets_no_file(length: int) -> None:
    with pytest.raises(WireError, match="32 bytes"):
        orders.pem(b"k" * length)


def test_a_fingerprint_is_what_people_can_compare() -> None:
    assert orders.fingerprint(SHA256) == "630d cd29 66c4 3366 9112 5448 bbb2 5b4f"


def test_a_piece_fits_into_a_command() -> None:
    assert orders.PIECE < codec.MAX_BYTES - 2048
