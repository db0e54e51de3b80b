"""TLS as our own clients use it: the context to connect with, and plain sentences for what can be wrong with it.

The name is checked always and there is no way to leave verification out: a laboratory's own CA is named by its file.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

EXPIRED: Final = 10
NOT_YET_VALID: Final = 9
WRONG_NAME: Final = (62, 64)  # a name, an address
UNKNOWN_SIGNER: Final = (18, 19, 20, 21)
NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")


class CaFileError(OSError):
    """The file that was named as CA cannot be used; the text is a sentence."""


def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """For connecting: trusts the system's CAs, or only what is in `ca_file`. Raises CaFileError.

    Made anew for each connection, so that a replaced file is used without a restart.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise CaFileError(f"ca_file {ca_file} holds no certificate in PEM form") from error
    except OSError as error:
        raise CaFileError(f"ca_file {ca_file} cannot be read: {error.strerror}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def sentence(error: OSError, server: str, ca_file: Path | None, now: datetime | None = None) -> str:
    """What is wrong and what to do, for a connection by TLS that failed; "" where TLS is not to blame."""
    if isinstance(error, CaFileError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _verification(error.verify_code, str(error.verify_message), server, ca_file, now or datetime.now(UTC))
    if isinstance(error, ConnectionResetError | ConnectionAbortedError | ssl.SSLEOFError):
        return f"{server} ended the connection as TLS began: does it speak TLS at this port?"
    if isinstance(error, ssl.SSLError) and error.reason in NO_TLS:
        return f"{server} does not speak TLS at this port: is it http:// (ws://, mqtt://) there, or another port?"
    return f"{server}: TLS failed: {error.reason or error}" if isinstance(error, ssl.SSLError) else ""


def _verification(code: int, message: str, server: str, ca_file: Path | None, now: datetime) -> str:
    clock = f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC"
    if code == EXPIRED:
        return f"the certificate of {server} has expired: renew it there ({clock})"
    if code == NOT_YET_VALID:
        return f"the certificate of {server} is not valid yet: {clock}; if that is wrong, synchronise it"
    if code in WRONG_NAME:
        return f"the certificate of {server} is for another name: use a name that it holds, or renew it with this one"
    if code in UNKNOWN_SIGNER and ca_file is None:
        return f"nobody this machine trusts has signed the certificate of {server}: name your own CA's file as ca_file"
    if code in UNKNOWN_SIGNER:
        return f"the certificate of {server} is not signed by the CA in {ca_file}: put the CA there that signed it"
    return f"the certificate of {server} is not accepted: {message}"
