"""The certificates that deploy/install makes or takes, by the real openssl command."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from kleinmaelzung_containers import certificates
from kleinmaelzung_containers.certificates import Given
from kleinmaelzung_containers.place import BROKER, OURS, Place, Refused
from tests.certificates import Authority

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files for the containers' users can only be made by root")
NAMES = ["lab.test", "192.168.1.10"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_certificate_is_made_once_for_each_set_of_names(place: Place) -> None:
    assert certificates.make(place, NAMES)
    first = contents(place)
    assert not certificates.make(place, NAMES)
    assert contents(place) == first
    assert certificates.make(place, [*NAMES, "another.test"])
    assert contents(place)["public/ca.pem"] == first["public/ca.pem"]
    assert contents(place)["gateway/server.pem"] != first["gateway/server.pem"]


@pytest.mark.parametrize(("kind", "name"), [("-verify_hostname", "lab.test"), ("-verify_ip", "192.168.1.10")])
def test_who_trusts_the_ca_trusts_the_server(place: Place, kind: str, name: str) -> None:
    certificates.make(place, NAMES)
    trusting = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca_of(place), kind, name]
    done = subprocess.run([*trusting, server_of(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_each_key_is_its_readers_alone(place: Place) -> None:
    certificates.make(place, NAMES)
    for name, owner in {"ca.key": 0, "gateway/server.key": OURS, "broker/server.key": BROKER}.items():
        status = (place.certificates / name).stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (owner, 0o400), name


def test_one_that_soon_expires_is_renewed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "SERVER_DAYS", 30)
    certificates.make(place, NAMES)
    assert certificates.make(place, NAMES)


def test_a_given_one_is_taken_for_gateway_and_broker(place: Place, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = tmp_path / "given.pem", tmp_path / "given.key"
    authority.sign(certificate, key)
    given = Given(certificate, key, authority.ca_file)
    certificates.check(given)
    assert certificates.take(place, given)
    assert not certificates.take(place, given)
    assert contents(place)["broker/server.pem"] == certificate.read_bytes()
    assert contents(place)["public/ca.pem"] == authority.ca_file.read_bytes()


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    good, other = (tmp_path / "a.pem", tmp_path / "a.key"), (tmp_path / "b.pem", tmp_path / "b.key")
    authority.sign(*good)
    authority.sign(*other, days=-1)
    for given, sentence in {
        Given(tmp_path / "nowhere", good[1], None): "there is no file",
        Given(good[0], other[1], None): "is not that of the certificate",
        Given(*other, None): "has expired",
    }.items():
        with pytest.raises(Refused, match=sentence):
            certificates.check(given)


def contents(place: Place) -> dict[str, bytes]:
    files = (path for path in place.certificates.rglob("*") if path.is_file())
    return {path.relative_to(place.certificates).as_posix(): path.read_bytes() for path in files}


def ca_of(place: Place) -> str:
    return str(place.certificates / "public" / "ca.pem")


def server_of(place: Place) -> str:
    return str(place.certificates / "gateway" / "server.pem")
