"""The code by which a machine becomes an agent, and what both ends make of it."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleinmaelzung_wire import access, enrolment
from kleinmaelzung_wire.codec import WireError

PADS = st.binary(min_size=129, max_size=129)
KEYS = st.binary(min_size=32, max_size=32)
# SHA-256 of what version 0.1.0 made of the code and the secret in the test.
EARLIER = "27810e79c5b9ec592b8079c8b6c3c72428217fbaffa2c9b273cd65934e735786"


def test_a_code_is_forty_bits_that_people_can_read_to_each_other() -> None:
    codes = {enrolment.make_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(len(code) == 9 and code[4] == "-" for code in codes)
    assert not set("".join(codes)) & set("ILOU")
    assert len(enrolment.ALPHABET) ** enrolment.LENGTH == 2**40


@pytest.mark.parametrize("typed", ["7F3K-9QXD", "7f3k9qxd", " 7f3k 9qxd\n", "7-F-3-K-9-Q-X-D"])
def test_a_code_may_be_typed_in_other_ways(typed: str) -> None:
    assert enrolment.read_code(typed) == "7F3K-9QXD"


def test_letters_that_look_like_digits_are_taken_for_them() -> None:
    assert enrolment.read_code("oO1l-Ii00") == "0011-1100"


@pytest.mark.parametrize("typed", ["", "7F3K", "7F3K-9QXDD", "7F3K-9QXU", "7F3K-9QX!", "７F3K-9QXD"])
def test_what_is_no_code_gets_a_sentence(typed: str) -> None:
    with pytest.raises(WireError, match="is no code: expected 8 letters and digits, such as 7F3K-9QXD"):
        enrolment.read_code(typed)


def test_a_code_opens_something_else_for_each_agent() -> None:
    one, other = enrolment.keys("pi-1", "7F3K-9QXD"), enrolment.keys("pi-2", "7F3K-9QXD")
    assert (one.password, one.pad) != (other.password, other.pad)
    assert one == enrolment.keys("pi-1", "7F3K-9QXD")
    assert one.password == "e7de0e5dcbd6f035576d8c7c3ae88202aba569f2ac7c97c4"  # both ends must make the same
    assert one.password not in repr(one)


def test_a_sealed_secret_is_opened_by_its_code_only() -> None:
    secret = access.make_secret()
    right, wrong = enrolment.keys("pi-1", "7F3K-9QXD"), enrolment.keys("pi-1", "7F3K-9QXE")
    sealed = enrolment.seal(secret, right.pad)
    assert secret.encode() not in sealed
    assert enrolment.open_sealed(sealed, right.pad) == secret
    with pytest.raises(WireError, match="does not fit the code"):
        enrolment.open_sealed(sealed, wrong.pad)


@given(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=64), PADS)
def test_every_secret_comes_back_and_its_length_does_not_show(secret: str, pad: bytes) -> None:
    sealed = enrolment.seal(secret, pad)
    assert enrolment.open_sealed(sealed, pad) == secret
    assert len(sealed) == len(enrolment.seal("x", pad))


@given(PADS, st.integers(0, 80), st.integers(1, 255))
@settings(max_examples=50)
def test_a_changed_byte_is_noticed(pad: bytes, place: int, change: int) -> None:
    sealed = bytearray(enrolment.seal("a secret", pad))
    sealed[place] ^= change
    with pytest.raises(WireError):
        enrolment.open_sealed(bytes(sealed), pad)


@pytest.mark.parametrize("sealed", [b"", b"x", b"x" * 81, b"x" * 500])
def test_garbage_is_not_opened(sealed: bytes) -> None:
    with pytest.raises(WireError):
        enrolment.open_sealed(sealed, b"p" * 129)


@pytest.mark.parametrize("secret", ["", "x" * 65, "ä" * 33])
def test_a_secret_that_does_not_fit_is_not_sealed(secret: str) -> None:
    with pytest.raises(ValueError, match="1 to 64 bytes"):
        enrolment.seal(secret, b"p" * 129)


def test_what_an_earlier_version_sealed_or_opens_is_the_same() -> None:
    """Both ends must make the same of a code, also where one of them knows nothing of a key."""
    pad = enrolment.keys("pi-1", "7F3K-9QXD").pad
    sealed = enrolment.seal("the secret of pi-1", pad)
    assert hashlib.sha256(sealed).hexdigest() == EARLIER
    assert enrolment.open_sealed(sealed, pad) == "the secret of pi-1"


@given(KEYS, PADS)
def test_every_key_comes_back(key: bytes, pad: bytes) -> None:
    assert enrolment.open_key(enrolment.seal_key(key, pad), pad) == key


@given(KEYS, PADS, st.integers(0, 47), st.integers(1, 255))
@settings(max_examples=50)
def test_a_changed_key_is_noticed(key: bytes, pad: bytes, place: int, change: int) -> None:
    sealed = bytearray(enrolment.seal_key(key, pad))
    sealed[place] ^= change
    with pytest.raises(WireError, match="does not fit the code"):
        enrolment.open_key(bytes(sealed), pad)


def test_a_key_is_sealed_by_other_bytes_than_the_secret() -> None:
    """Who knows the secret, and sees it sealed, knows these bytes of the pad."""
    pad = enrolment.keys("pi-1", "7F3K-9QXD").pad
    for place in range(81):
        other = pad[:place] + bytes([pad[place] ^ 1]) + pad[place + 1 :]
        assert enrolment.seal_key(b"k" * 32, other) == enrolment.seal_key(b"k" * 32, pad)


@pytest.mark.parametrize("sealed", [b"", b"x", b"x" * 48, b"x" * 81, b"x" * 500])
def test_garbage_is_no_key(sealed: bytes) -> None:
    with pytest.raises(WireError):
        enrolment.open_key(sealed, b"p" * 129)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_what_is_no_key_is_not_sealed(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        enrolment.seal_key(b"k" * length, b"p" * 129)


@given(PADS)
def test_what_waits_is_the_secret_and_perhaps_a_key_behind_it(pad: bytes) -> None:
    secret, key = enrolment.seal("a secret", pad), enrolment.seal_key(b"k" * 32, pad)
    assert enrolment.split(secret) == (secret, b"")
    assert enrolment.split(secret + key) == (secret, key)
