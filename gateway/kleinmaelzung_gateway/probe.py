"""Asks a gateway on this machine whether it is well: for health checks.

python3 -m kleinmaelzung_gateway.probe      exit code 0 or 1, by the gateway's own variables
"""

import contextlib
import http.client
import os
import ssl
import sys
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 2.0


def is_well(host: str, port: int, certificate: Path | None) -> bool:
    """Whether /healthz says so."""
    try:
        connection = (
            http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=_pinned(certificate))
            if certificate
            else http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        )
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK
    except (http.client.HTTPException, OSError):
        return False


def _pinned(certificate: Path) -> ssl.SSLContext:
    """Trusts this very certificate and nothing else: it is our own gateway that is asked, under whatever name."""
    context = ssl.create_default_context(cafile=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


def main() -> int:
    port = int(os.environ.get("KLEINMAELZUNG_LISTEN", ":8080").rpartition(":")[2])
    certificate = os.environ.get("KLEINMAELZUNG_TLS_CERT")
    return 0 if is_well("127.0.0.1", port, Path(certificate) if certificate else None) else 1


if __name__ == "__main__":
    sys.exit(main())
