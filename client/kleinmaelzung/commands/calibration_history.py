"""`kleinmaelzung calibration history INSTRUMENT`: what was found of it each time, and how it has drifted."""

from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from kleinmaelzung import Drift, PastCalibration, PointFound
from kleinmaelzung.commands import options, texts
from kleinmaelzung.commands.typed import WrongUsage

NAME: Final = "history"
HEADING: Final = ("CERTIFICATE", "PERFORMED", "VERDICT", "STATE")
POINTS: Final = ("  MEASURAND", "NOMINAL", "ERROR FOUND", "U", "ERROR LEFT", "DRIFT", "E_n")
EPILOG: Final = """\
Error is what it showed less what it should have shown. Drift is the error found, less that which the calibration before
had left; E_n sets it in relation to the uncertainties of both, and above 1 they do not explain it.
"""


def add_to(actions: Any) -> None:
    """Add this to the subcommands of `calibration`."""
    meaning = "what was found of an instrument each time, and how it has drifted"
    parser = actions.add_parser(
        NAME, help=meaning, description=meaning, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("instrument", metavar="INSTRUMENT", help="<agent>/<instrument>")
    options.add_to(parser)


async def run(arguments: Namespace) -> int:
    try:
        async with options.connected(arguments) as lab:
            found = await lab.past_calibrations(arguments.instrument)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    options.show(
        arguments, {"calibrations": [asdict(one) for one in found]}, lambda: overview(arguments.instrument, found)
    )
    return 0


def overview(instrument: str, found: list[PastCalibration]) -> str:
    if not found:
        return f"{texts.plain(instrument)} was not calibrated yet: kleinmaelzung calibration list shows what was"
    return "\n\n".join(map(_calibration, found))


def _calibration(found: PastCalibration) -> str:
    number = f"{found.certificate} revision {found.revision}" if found.revision > 1 else found.certificate
    performed = found.performed or texts.local_second(found.issued).partition(" ")[0]
    lines = [texts.table([HEADING, tuple(map(texts.plain, (number, performed, found.verdict, found.state)))])]
    if found.as_found:
        lines.append(texts.table([POINTS, *_points(found)]))
    else:
        lines.append("  issued by an earlier version: what was found is in its PDF only")
    return "\n".join(lines)


def _points(found: PastCalibration) -> Iterable[tuple[str, ...]]:
    left = {(one.measurand, one.nominal): one for one in found.as_left or ()}
    drift = {(one.measurand, one.nominal): one for one in found.drift}
    for one in found.as_found:
        key = one.measurand, one.nominal
        yield (
            f"  {texts.plain(one.measurand)}",
            texts.value(one.nominal),
            _number(one.error, one.unit),
            _number(one.U, one.unit),
            _left(left.get(key)),
            *_drifted(drift.get(key)),
        )


def _left(found: PointFound | None) -> str:
    return _number(found.error, found.unit) if found else ""


def _drifted(found: Drift | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    return _number(found.change, found.unit), "" if found.E_n is None else f"{found.E_n:.2f}"


def _number(number: float, unit: str) -> str:
    return f"{number:.4g} {texts.plain(unit)}".rstrip()
