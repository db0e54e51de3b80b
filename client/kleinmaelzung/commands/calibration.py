"""`kleinmaelzung calibration`: fits, budgets and conformity for people with data of their own; templates, certificates.

The engine belongs to the services and needs numpy, which a mere client has not: it is imported where it is used.
"""

import math
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import Error
from kleinmaelzung.commands import (
    calibration_certificate,
    calibration_entries,
    calibration_history,
    calibration_key,
    calibration_protocol,
    calibration_record,
    calibration_register,
    calibration_run,
    calibration_runs,
    calibration_template,
    calibration_texts,
    calibration_verify,
    options,
)
from kleinmaelzung.commands.typed import WrongUsage

EXTRA: Final = "services"
SIGNING_EXTRA: Final = "signing"
_OF_SIGNING: Final = ("pyhanko", "pyhanko_certvalidator", "cryptography", "asn1crypto")
TEMPLATE: Final = "template"  # with actions of its own
PROTOCOL, RECORD, CERTIFICATE = "protocol", "record", "certificate"
KEY, VERIFY = "key", "verify"
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NEGATIVE: Final = re.compile(r"-(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$")
FIT_EPILOG: Final = """\
DATA.csv has a header line that names the columns x and y, then a line for each point; commas, semicolons or tabs
separate.
Without weights, or with relative ones, the scatter of the residuals gives the uncertainties. A column of known standard
uncertainties of y gives them instead: --uncertainties COLUMN

  kleinmaelzung calibration fit points.csv --origin 20 --at 30
"""
BUDGET_EPILOG: Final = """\
BUDGET.toml, a component from a certificate and one from a resolution:

  [[component]]
  name = "reference"
  U = 0.045
  k = 2
  [[component]]
  name = "resolution"
  half_width = 0.005
  distribution = "rectangular"

Also: u instead of both, c (the sensitivity), dof; [coverage] with p; [[correlation]] with between = ["a", "b"] and r.
Distributions: normal, rectangular, triangular, arcsine, trapezoid (with beta, its top over its base).
"""
CONFORMITY_EPILOG: Final = """\
simple: a value within the limits passes. guard: within limits drawn in by R times U. nonbinary: both, with conditional
pass and conditional fail between. Where U is larger than half the tolerance there is no statement.
"""


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (add, _, meaning, epilog) in ACTIONS.items():
        chosen = actions.add_parser(
            name, help=meaning, description=meaning, epilog=epilog, formatter_class=RawDescriptionHelpFormatter
        )
        chosen._negative_number_matcher = _NEGATIVE  # before Python 3.14 its own takes -1e-3 for an option
        add(chosen)
        chosen.add_argument("--json", action="store_true", help="print one JSON document")
    calibration_template.add_to(actions)
    calibration_protocol.add_to(actions)
    calibration_record.add_to(actions)
    calibration_certificate.add_to(actions)
    calibration_key.add_to(actions)
    calibration_verify.add_to(actions)
    calibration_register.add_to(actions)
    calibration_run.add_to(actions)
    calibration_runs.add_to(actions)
    calibration_entries.add_to(actions)
    calibration_history.add_to(actions)


async def run(arguments: Namespace) -> int:
    if arguments.action == TEMPLATE:
        return calibration_template.run(arguments)
    if arguments.action in ASKED:
        return await ASKED[arguments.action](arguments)
    try:
        if arguments.action == VERIFY:
            return await calibration_verify.run(arguments)
        act = DOCUMENTS[arguments.action] if arguments.action in DOCUMENTS else ACTIONS[arguments.action][1]
        return act(arguments)
    except ModuleNotFoundError as error:
        raise Error(_missing(error.name or "a module")) from error


def _missing(module: str) -> str:
    extra = SIGNING_EXTRA if module.partition(".")[0] in _OF_SIGNING else EXTRA
    return f"`calibration` needs {module}, which is not installed: pip install 'kleinmaelzung[{extra}]'"


def _add_fit(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="DATA.csv", help="or - for the input")
    parser.add_argument("--order", type=int, choices=(0, 1, 2), default=1, help="1, a straight line, unless told")
    parser.add_argument("--through-origin", action="store_true", help="without a constant")
    parser.add_argument("--origin", type=_number, default=0.0, metavar="X0", help="powers of x - X0; 0 unless told")
    weighting = parser.add_mutually_exclusive_group()
    weighting.add_argument("--weights", metavar="COLUMN", help="relative weights of the points")
    weighting.add_argument("--uncertainties", metavar="COLUMN", help="standard uncertainties of y, known beforehand")
    parser.add_argument(
        "--at", type=_number, nargs="+", action="extend", default=[], metavar="X", help="what the function is there"
    )
    parser.add_argument("--decimal", choices=("point", "comma"), help="what the decimal sign in DATA.csv is")


def _add_budget(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="BUDGET.toml", help="or - for the input")


def _add_conformity(parser: ArgumentParser) -> None:
    parser.add_argument("--value", type=_typed, required=True, metavar="V", help="the measured value, or error")
    parser.add_argument("--U", type=_typed, required=True, dest="expanded", metavar="U", help="expanded uncertainty")
    parser.add_argument("--k", type=_typed, required=True, metavar="K", help="its coverage factor")
    parser.add_argument("--lower", type=_typed, metavar="L", help="lower tolerance limit")
    parser.add_argument("--upper", type=_typed, metavar="H", help="upper tolerance limit")
    parser.add_argument("--rule", choices=("simple", "guard", "nonbinary"), default="simple", help="simple unless told")
    parser.add_argument("--guard-factor", type=_typed, metavar="R", help="guard bands are R times U; 1 unless told")


def _fit(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration import errors, reports

    content = _content(arguments.file)
    try:
        document = reports.fit(
            content,
            order=arguments.order,
            through_origin=arguments.through_origin,
            origin=arguments.origin,
            weights=arguments.weights,
            uncertainties=arguments.uncertainties,
            at=arguments.at,
            decimal=arguments.decimal,
        )
    except errors.CalibrationError as error:
        raise Error(f"{arguments.file}: {error}") from error
    return _show(arguments, document, calibration_texts.fit)


def _budget(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration import errors, reports

    content = _content(arguments.file)
    try:
        document = reports.budget(content)
    except errors.CalibrationError as error:
        raise Error(f"{arguments.file}: {error}") from error
    return _show(arguments, document, calibration_texts.budget)


def _conformity(arguments: Namespace) -> int:
    from kleinmaelzung_services.calibration import errors, reports

    if arguments.guard_factor is not None and arguments.rule == "simple":
        raise WrongUsage("--guard-factor is for --rule guard and nonbinary: the rule simple has no guard band")
    try:
        document = reports.conform(
            arguments.value,
            arguments.expanded,
            arguments.k,
            lower=arguments.lower,
            upper=arguments.upper,
            rule=arguments.rule,
            guard_factor=arguments.guard_factor,
        )
    except errors.CalibrationError as error:
        raise WrongUsage(str(error)) from error
    return _show(arguments, document, calibration_texts.conformity)


def _show(arguments: Namespace, document: dict[str, Any], text: Callable[[dict[str, Any]], str]) -> int:
    options.show(arguments, document, lambda: text(document))
    return 0


def _content(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Error(f"{file} cannot be read: {error.strerror or error}") from error


def _typed(text: str) -> str:
    """A number, kept as it was typed: limits are compared in decimals."""
    _number(text)
    return text


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        raise ArgumentTypeError(f"{text!r:.40} is no number, expected one such as 1.25 or -1.25e-3")
    return number


_Action = tuple[Callable[[ArgumentParser], None], Callable[[Namespace], int], str, str]
ACTIONS: Final[dict[str, _Action]] = {
    "fit": (_add_fit, _fit, "fit a calibration function to points", FIT_EPILOG),
    "budget": (_add_budget, _budget, "combine an uncertainty budget", BUDGET_EPILOG),
    "conformity": (_add_conformity, _conformity, "judge a value against its limits", CONFORMITY_EPILOG),
}
# What a server is asked.
ASKED: Final[dict[str, Callable[[Namespace], Awaitable[int]]]] = {
    "run": calibration_run.run,
    **dict.fromkeys(calibration_runs.ACTIONS, calibration_runs.run),
    **dict.fromkeys(calibration_register.ACTIONS, calibration_register.run),
    **dict.fromkeys(calibration_entries.KINDS, calibration_entries.run),
    calibration_history.NAME: calibration_history.run,
}
DOCUMENTS: Final[dict[str, Callable[[Namespace], int]]] = {
    PROTOCOL: calibration_protocol.run,
    RECORD: calibration_record.run,
    CERTIFICATE: calibration_certificate.run,
    KEY: calibration_key.run,
}
