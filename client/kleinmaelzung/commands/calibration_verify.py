"""`kleinmaelzung calibration verify`: whether a certificate is unchanged, complete, right, and known to a server.

The file may come from anybody: it is read within limits of size, time and memory, and nothing of it is written.
What judges it belongs to the services and needs pyHanko: it is imported where it is used.
"""

import hashlib
import logging
import os
import resource
import signal
import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Error, LogCheck, SettingsError
from kleinmaelzung.certificates import Known
from kleinmaelzung.commands import options, texts
from kleinmaelzung.commands.typed import WrongUsage

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_TRUSTED: Final = 1024 * 1024
TIME_S: Final = 300.0  # a certificate of a million readings takes less than a minute
MEMORY: Final = 2 * 1024**3  # beyond what the program has when it begins
LOOK_S: Final = 0.1
MEANING: Final = "tell whether a certificate is unchanged, complete, right, and known; or whether the server's log is"
EPILOG: Final = """\
  kleinmaelzung calibration verify K-2026-0007.pdf --trust lab.pem

One finding a line: who signed it and whether anything was changed or added since; whether all attachments are there and
belong together; whether its numbers and its pages are what the attached record and template give; and, with --url,
whether a server knows it. docs/certificates.md says what each finding means.

Without a file: whether the server's log of calibrations and its register of certificates are as they were written, from
the first entry on; the first wrong one is named. Exit code: 0 when all is well, else 1.
"""
_WORDS: Final = {"ok": "ok   ", "wrong": "WRONG", "open": "-    "}


def add_to(actions: Any) -> None:
    """Add `verify` to the subcommands of `calibration`."""
    parser: ArgumentParser = actions.add_parser(
        "verify", help=MEANING, description=MEANING, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE.pdf", help="the certificate")
    parser.add_argument(
        "--trust",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="CERT.pem",
        help="certificates of laboratories, or of who issued theirs, PEM or DER",
    )
    options.add_to(parser)


async def run(arguments: Namespace) -> int:
    return await (_verify_log(arguments) if arguments.file is None else _verify(arguments))


async def _verify_log(arguments: Namespace) -> int:
    if arguments.trust:
        raise WrongUsage("--trust is for a certificate's file: name it")
    async with options.connected(arguments) as lab:
        check = await lab.register.verify()
    options.show(arguments, {"ok": check.is_whole, **asdict(check)}, lambda: log_report(check))
    return 0 if check.is_whole else 1


def log_report(check: LogCheck) -> str:
    entries = "1 entry" if check.checked == 1 else f"{check.checked} entries"
    if check.is_whole:
        return f"the log of calibrations and the register of certificates are whole: {entries}\nhead {check.head}"
    where = "" if check.first_wrong is None else f"first wrong entry {check.first_wrong}: "
    good = f"{entries} before good" if check.checked else "no entry before is good"
    return texts.plain(f"{where}{check.wrong}") + f"\n{good}; compare with a backup"


async def _verify(arguments: Namespace) -> int:
    content = _content(arguments.file, MAX_BYTES, "a certificate")
    trusted = {str(file): _content(file, MAX_TRUSTED, "a key's certificate") for file in arguments.trust}
    verified = _verified(content, trusted)
    sha256 = hashlib.sha256(content).hexdigest()
    known = await _known(arguments, sha256, verified["number"])
    findings = [*(_vouched(verified["findings"]) if known["state"] == "ok" else verified["findings"]), known]
    is_well = all(one["state"] != "wrong" for one in findings)
    document = {"file": str(arguments.file), "sha256": sha256, **verified, "ok": is_well, "findings": findings}
    options.show(arguments, document, lambda: _report(findings))
    return 0 if is_well else 1


def _verified(content: bytes, trusted: dict[str, bytes]) -> dict[str, Any]:
    from kleinmaelzung_services.calibration.documents.verification import verification_reports

    for name in ("pyhanko", "pyhanko_certvalidator"):  # they log with tracebacks what is said in a sentence here
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for file, certificates in trusted.items():
        if why := verification_reports.why_not_trusted(certificates):
            raise Error(f"--trust {file}: {why}")
    with bounded():
        return verification_reports.verify(content, list(trusted.values()))


def _vouched(findings: list[dict[str, str]]) -> list[dict[str, str]]:
    from kleinmaelzung_services.calibration.documents.verification import verification_reports

    return verification_reports.vouched(findings)


async def _known(arguments: Namespace, sha256: str, number: str) -> dict[str, str]:
    """What the server says about it, if one is named."""
    if not _has_server(arguments):
        return _finding("open", "not asked: no server named (--url)")
    try:
        async with options.connected(arguments) as lab:
            return judged(await lab.certificates.known(sha256, number or None))
    except SettingsError:
        raise
    except Error as error:
        return _finding("wrong", f"the server cannot be asked: {error}")


def _has_server(arguments: Namespace) -> bool:
    try:
        options.login(arguments)
    except SettingsError:
        return bool(arguments.url or os.environ.get("KLEINMAELZUNG_URL"))  # it is named, and asking says what lacks
    return True


def judged(found: Known) -> dict[str, str]:
    """What a server's register says, as a finding."""
    same, newest = found.same, found.newest
    if same is None and newest is None:
        return _finding("wrong", "the server has issued neither this file nor anything under its number")
    if same is None and newest is not None:
        name = f"{newest.number}, revision {newest.revision}"
        return _finding("wrong", f"the server has issued other bytes as {name}: SHA-256 {newest.sha256}")
    assert same is not None
    name = f"{same.number}, revision {same.revision}"
    if same.withdrawn is not None:
        gone = same.withdrawn
        when = f"{texts.local_second(gone.time)} by {gone.user}"
        return _finding("wrong", f"issued by the server as {name}, and withdrawn {when}: {gone.reason}")
    if newest is not None and newest.revision > same.revision:
        return _finding("wrong", f"issued by the server as {name}, and replaced since by revision {newest.revision}")
    return _finding("ok", f"issued by the server as {name}, {texts.local_second(same.issued)} by {same.user}")


def _finding(state: str, sentence: str) -> dict[str, str]:
    return {"check": "known", "state": state, "sentence": sentence}


def _content(file: Path, limit: int, what: str) -> bytes:
    try:
        if not file.is_file():
            raise Error(f"{file} cannot be read: {'it is no plain file' if file.exists() else 'there is no such file'}")
        if (size := file.stat().st_size) > limit:
            raise Error(f"{file} has {size} bytes, {what} has {limit} at most: it was not read")
        with file.open("rb") as opened:
            return opened.read(limit + 1)
    except OSError as error:
        raise Error(f"{file} cannot be read: {error.strerror or error}") from error


class _Stopped(BaseException):
    """No Exception: a PDF's reader would take it for a mistake in the file, and go on."""


@contextmanager
def bounded() -> Iterator[None]:
    """A file that is made to take for ever, or all memory, ends in a sentence.

    A look now and then, and no limit of the system's: without any memory left not even a sentence could be said.
    """
    started, most = time.monotonic(), _peak() + MEMORY

    def look(*_: object) -> None:
        if time.monotonic() - started > TIME_S:
            raise _Stopped(f"gave up after {TIME_S:.0f} s: no certificate takes that long")
        if _peak() > most:
            raise _Stopped(f"gave up: it takes more than {MEMORY >> 20} MiB of memory, as no certificate does")

    before, before_time = signal.signal(signal.SIGALRM, look), signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)
    try:
        yield
    except _Stopped as stopped:
        raise Error(str(stopped)) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *before_time)


def _peak() -> int:
    """How much memory this process has had at most, in bytes."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


def _report(findings: list[dict[str, str]]) -> str:
    width = max(len(one["check"]) for one in findings)
    return "\n".join(
        f"{_WORDS[one['state']]}  {one['check']:<{width}}  {texts.plain(one['sentence'])}" for one in findings
    )
