"""`kleinmaelzung calibration key make`: a laboratory's own key to sign certificates with. No server is asked.

The certificate is made by the calibration documents, imported where they are used.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Error, key_files
from kleinmaelzung.commands import options, signing_key, texts

KINDS: Final = ("rsa", "ec")
MEANING: Final = "make a key to sign certificates with"
EPILOG: Final = """\
  kleinmaelzung calibration key make -o lab.p12 --name "Laboratory of Example Malt, Bamberg"

Two files are made: lab.p12, the key, which stays secret and is encrypted with the passphrase; and lab.pem, its
certificate, for those who verify. A self-made certificate proves that nothing was changed, and not who signed: tell
people its fingerprint in another way than with the documents. A laboratory with a key of an authority can use
that instead.
"""


def add_to(actions: Any) -> None:
    """Add `key` to the subcommands of `calibration`."""
    parser: ArgumentParser = actions.add_parser("key", help=MEANING, description=MEANING)
    below = parser.add_subparsers(dest="key_action", required=True, metavar="make")
    make = below.add_parser(
        "make", help=MEANING, description=MEANING, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    make.add_argument("-o", "--output", type=Path, metavar="LAB.p12", required=True, help="the file to write")
    make.add_argument("--name", required=True, help="whose key it is, as verifiers see it")
    make.add_argument("--kind", choices=KINDS, default="rsa", help="RSA-3072, or EC P-256; rsa unless told")
    make.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line; asked for unless told")
    make.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration import errors
    from kleinmaelzung_services.calibration.documents import key_making

    output: Path = arguments.output
    certificate = output.with_suffix(".pem")
    _check_output(output, certificate)
    passphrase = signing_key.passphrase(arguments.passphrase_file, f"New passphrase of {output}: ", twice=True)
    try:
        made = key_making.make(arguments.name, passphrase, at=datetime.now(UTC), kind=arguments.kind)
    except errors.CalibrationError as error:
        raise Error(str(error)) from error
    key_files.write_both(output, made.p12, 0o600, certificate, made.pem)
    document = {
        "file": str(output),
        "certificate": str(certificate),
        "name": made.signer.name,
        "fingerprint": made.signer.fingerprint,
        "valid_until": made.valid_until.isoformat(),
    }
    options.show(arguments, document, lambda: _sentences(document))
    return 0


def _check_output(output: Path, certificate: Path) -> None:
    if output == certificate:
        raise Error(f"{output} would be the name of its certificate too: name the key .p12 with -o")
    key_files.check_free(output, certificate)


def _sentences(document: dict[str, Any]) -> str:
    return (
        f"{texts.plain(document['file'])}: the key of {texts.plain(document['name'])}, valid until "
        f"{document['valid_until'][:10]}; keep it and its passphrase safe\n"
        f"{texts.plain(document['certificate'])}: its certificate, for those who verify\n"
        f"SHA-256 fingerprint {document['fingerprint']}\n"
        "A self-made certificate proves that nothing was changed, not who signed: tell people the fingerprint yourself."
    )
