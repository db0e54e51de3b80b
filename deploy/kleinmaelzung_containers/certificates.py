"""The certificates of the profile `tls`: given, or signed by a private CA that is made here, by the openssl command.

certificates/ca.key              the private CA's key (0400, root): who has it can be any server to our agents
certificates/public/ca.pem       the private CA, for agents and browsers to trust
certificates/gateway/, broker/   server.pem and server.key, each the reader's own (0400)
"""

import ipaddress
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kleinmaelzung_containers import openssl
from kleinmaelzung_containers.place import BROKER, OURS, Place, Refused, make_directory, write

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
CA_DAYS = 3650
SERVER_DAYS = 800  # some browsers refuse a certificate of more than 825 days
RENEW_DAYS = 60  # `install` makes a new one when the one before has less left


@dataclass(frozen=True, slots=True)
class Given:
    """Files that somebody else made. `ca` is only needed where no system trusts it already."""

    certificate: Path
    key: Path
    ca: Path | None


def alternative_names(names: Sequence[str]) -> str:
    """`lab.local`, `192.168.1.10` -> `DNS:lab.local,IP:192.168.1.10,...`, and what this machine calls itself."""
    every = dict.fromkeys([*names, "localhost", "127.0.0.1", "gateway"])
    return ",".join(f"{'IP' if is_address(name) else 'DNS'}:{name}" for name in every)


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def make(place: Place, names: Sequence[str], *, renew: bool = False) -> bool:
    """Have a certificate for these names by the private CA; whether there is another one than before."""
    make_directory(place.certificates, mode=0o755)
    make_directory(place.certificates / "public", mode=0o755)
    key, ca = place.certificates / "ca.key", place.certificates / "public" / "ca.pem"
    if not (key.exists() and ca.exists()):
        _make_authority(key, ca)
    wanted = alternative_names(names)
    server = place.certificates / "gateway" / "server.pem"
    if not renew and server.exists() and _says(server, wanted) and _is_signed_by(server, ca) and _has_time_left(server):
        return False
    with tempfile.TemporaryDirectory(dir=place.certificates) as directory:
        signed, server_key = _sign(Path(directory), key, ca, wanted)
        return _place(place, signed.read_bytes(), server_key.read_bytes())


def take(place: Place, given: Given) -> bool:
    """Use files that were given and checked; whether they are others than before."""
    make_directory(place.certificates, mode=0o755)
    make_directory(place.certificates / "public", mode=0o755)
    if given.ca:
        write(place.certificates / "public" / "ca.pem", given.ca.read_bytes(), mode=0o444)
    return _place(place, given.certificate.read_bytes(), given.key.read_bytes())


def check(given: Given) -> None:
    """Raises Refused."""
    for path in filter(None, (given.certificate, given.key, given.ca)):
        if not path.is_file():
            raise Refused(f"there is no file {path}")
    public = openssl.run("x509", "-in", str(given.certificate), "-noout", "-pubkey")
    if public != openssl.run("pkey", "-in", str(given.key), "-pubout"):
        raise Refused(f"the key {given.key} is not that of the certificate {given.certificate}")
    if not _has_time_left(given.certificate, 0):
        raise Refused(f"the certificate {given.certificate} has expired")


def _place(place: Place, certificate: bytes, key: bytes) -> bool:
    changed = False
    for reader, owner in (("gateway", OURS), ("broker", BROKER)):
        directory = place.certificates / reader
        make_directory(directory, owner, 0o500)
        changed |= write(directory / "server.key", key, owner=owner)
        changed |= write(directory / "server.pem", certificate, owner=owner)
    return changed


def _make_authority(key: Path, ca: Path) -> None:
    with tempfile.TemporaryDirectory(dir=key.parent) as name:
        made_key, made = Path(name) / "ca.key", Path(name) / "ca.pem"
        uses = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        subject = ("-subj", "/CN=Kleinmaelzung private CA", "-days", str(CA_DAYS))
        openssl.run("req", "-x509", *NEW_KEY, *subject, *uses, "-keyout", str(made_key), "-out", str(made))
        write(key, made_key.read_bytes())
        write(ca, made.read_bytes(), mode=0o444)


def _sign(directory: Path, ca_key: Path, ca: Path, names: str) -> tuple[Path, Path]:
    request, key, certificate = directory / "request.pem", directory / "server.key", directory / "server.pem"
    extensions = directory / "extensions"
    extensions.write_text(
        f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl.run("req", "-new", *NEW_KEY, "-subj", "/CN=Kleinmaelzung", "-keyout", str(key), "-out", str(request))
    signing = ("-CA", str(ca), "-CAkey", str(ca_key), "-CAcreateserial", "-CAserial", str(directory / "serial"))
    files = ("-in", str(request), "-out", str(certificate), "-extfile", str(extensions))
    openssl.run("x509", "-req", *signing, "-days", str(SERVER_DAYS), *files)
    return certificate, key


def _says(certificate: Path, names: str) -> bool:
    told = openssl.run("x509", "-in", str(certificate), "-noout", "-ext", "subjectAltName")
    found = {word.strip() for word in told.partition("\n")[2].replace("IP Address:", "IP:").split(",")}
    return found == set(names.split(","))


def _is_signed_by(certificate: Path, ca: Path) -> bool:
    return openssl.start("verify", "-CAfile", str(ca), str(certificate)).returncode == 0


def _has_time_left(certificate: Path, days: int = RENEW_DAYS) -> bool:
    return openssl.start("x509", "-in", str(certificate), "-noout", "-checkend", str(days * 86400)).returncode == 0
