"""Certificates for tests, made by the openssl command: an authority that signs for a time and for names."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

CONFIGURATION = """
[ca]
default_ca = own
[own]
database = {directory}/index
rand_serial = yes
new_certs_dir = {directory}
certificate = {directory}/ca.pem
private_key = {directory}/ca.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """A CA of its own; `ca_file` is what its friends trust."""

    def __init__(self, directory: Path, name: str = "Test CA") -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        self.ca_file = directory / "ca.pem"
        extensions = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        files = ("-keyout", str(directory / "ca.key"), "-out", str(self.ca_file))
        _openssl("req", "-x509", *NEW_KEY, *files, "-days", "30", "-subj", f"/CN={name}", *extensions)
        (directory / "index").touch()

    def sign(self, certificate: Path, key: Path, names: str = "IP:127.0.0.1,DNS:localhost", days: int = 1) -> None:
        """Write a certificate for these names and its key: from 30 days ago until so many days from now."""
        request = self._directory / "request.pem"
        _openssl("req", "-new", *NEW_KEY, "-keyout", str(key), "-out", str(request), "-subj", "/CN=server")
        now = datetime.now(UTC)
        self._sign(request, certificate, names, now - timedelta(days=30), now + timedelta(days=days))

    def sign_for_later(self, certificate: Path, key: Path) -> None:
        """A certificate that is not valid yet."""
        self.sign(certificate, key)
        now = datetime.now(UTC)
        request = self._directory / "request.pem"
        self._sign(request, certificate, "IP:127.0.0.1", now + timedelta(days=1), now + timedelta(days=2))

    def _sign(self, request: Path, certificate: Path, names: str, since: datetime, until: datetime) -> None:
        settings = self._directory / "settings"
        settings.write_text(CONFIGURATION.format(directory=self._directory, names=names))
        times = ("-startdate", f"{since:%Y%m%d%H%M%SZ}", "-enddate", f"{until:%Y%m%d%H%M%SZ}")
        files = ("-in", str(request), "-out", str(certificate))
        _openssl("ca", "-batch", "-notext", "-config", str(settings), "-extensions", "leaf", *times, *files)


def self_signed(certificate: Path, key: Path) -> None:
    """A certificate that nobody but itself signed."""
    files = ("-keyout", str(key), "-out", str(certificate))
    _openssl("req", "-x509", *NEW_KEY, *files, "-days", "1", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1")


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
