"""The gateway's own TLS: certificate and key from two files, read again when they change: a renewal needs no restart.

What cannot be used is said once and the certificate before stays in use.
"""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Never

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 10.0


class CertificateError(Exception):
    """Certificate and key cannot be used; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """The certificate with those between it and the CA, and its key, both PEM."""

    certificate: Path
    key: Path

    def version(self) -> tuple[tuple[int, int, int], ...]:
        """What changes when a file is written or replaced. Raises OSError."""
        found = [path.stat() for path in (self.certificate, self.key)]
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


class Certificate:
    """The certificate in use; `context` is for the server and takes each new one."""

    def __init__(self, files: CertificateFiles) -> None:
        self.files = files
        self.context = make_context(files)
        self._seen = files.version()

    def reload(self, *, even_unchanged: bool = False) -> bool:
        """Take the files if they have changed; whether new connections get another certificate."""
        try:
            version = self.files.version()
            if version == self._seen and not even_unchanged:
                return False
            make_context(self.files)  # first elsewhere: a half that fails would spoil the context in use
            self.context.load_cert_chain(self.files.certificate, self.files.key)
        except (OSError, CertificateError) as error:
            self._complain(error)
            return False
        self._seen = version
        logger.info("the certificate in %s was read again", self.files.certificate)
        return True

    async def keep_fresh(self, now: asyncio.Event) -> Never:
        """Look every few seconds, and at once when `now` is set (SIGHUP)."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await now.wait()
            except TimeoutError:
                pass
            asked = now.is_set()
            now.clear()
            self.reload(even_unchanged=asked)

    def _complain(self, error: Exception) -> None:
        logger.warning("the certificate before stays in use: %s", error)


def make_context(files: CertificateFiles) -> ssl.SSLContext:
    """For a server, TLS 1.2 or newer. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in (files.certificate, files.key):
        _check_readable(path)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except ssl.SSLError as error:
        raise CertificateError(_why_not(error, files)) from error
    except ValueError as error:
        raise CertificateError(f"{files.key} is protected by a password; expected a key without one") from error
    return context


def _no_password() -> str:
    raise ValueError("no password")  # otherwise OpenSSL asks at the terminal, and waits


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror}") from error


def _why_not(error: ssl.SSLError, files: CertificateFiles) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{files.key} is not the key of the certificate in {files.certificate}"
    return f"{files.certificate} and {files.key} are no certificate and key in PEM form ({error.reason or error})"
