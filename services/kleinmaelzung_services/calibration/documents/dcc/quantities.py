"""Numbers as the D-SI writes them: floats and a unit in, `si:real` and lists with expanded uncertainty out. Pure.

Nothing is rounded: a program that reads them rounds for itself, and what is rounded twice is wrong.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from xml.etree.ElementTree import Element

from kleinmaelzung_services.calibration.calculation.results import Uncertainty
from kleinmaelzung_services.calibration.documents.dcc.elements import Text, Voice, node
from kleinmaelzung_services.calibration.documents.dcc.units import Scale
from kleinmaelzung_services.calibration.engine import checks
from kleinmaelzung_services.calibration.errors import CalibrationError

OWN: Final = "kleinmaelzung_"  # begins the refTypes that the PTB's list has no word for
MISSING: Final = "-"


def number(value: float) -> str:
    """As many digits as make it the same number again."""
    return repr(checks.finite("a number of the certificate", float(value)) + 0.0)  # no -0.0


def plain(value: float) -> str:
    """The same without an exponent, which factors and probabilities may not have."""
    return format(Decimal(number(value)), "f")


def quantity(voice: Voice, name: Text, found: Element, *further: Element | None, ref: str = "") -> Element:
    return node("dcc:quantity", voice.tell("dcc:name", name), found, *further, ref=ref)


def real(value: float, symbol: str, uncertainty: Element | None = None) -> Element:
    return node("si:real", node("si:value", number(value)), node("si:unit", symbol), uncertainty)


def of_one(expanded: float, k: float, p: float) -> Element:
    """U of a single value, where the distribution is not told."""
    return node(
        "si:expandedUnc",
        node("si:uncertainty", number(expanded)),
        node("si:coverageFactor", _factor(k)),
        node("si:coverageProbability", plain(p)),
    )


def reals(values: Sequence[float], symbol: str, uncertainty: Element | None = None) -> Element:
    """One unit for all of them."""
    shown = " ".join(map(number, values))
    return node("si:realListXMLList", node("si:valueXMLList", shown), node("si:unitXMLList", symbol), uncertainty)


def tokens(values: Sequence[str]) -> Element:
    """Words without spaces, one for each value of the lists beside it."""
    return node("dcc:charsXMLList", " ".join(values))


def reals_or_none(values: Sequence[float | None], symbol: str) -> Element | None:
    """None where there is no number at all; words where some are missing, for a list of numbers cannot have holes."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) == len(values):
        return reals(known, symbol)
    return tokens([MISSING if value is None else number(value) for value in values])


def expanded(uncertainties: Sequence[Uncertainty], scale: Scale) -> Element:
    """U, k, p and the distribution that k comes from, of each value. Raises CalibrationError."""
    return node(
        "si:expandedUncXMLList",
        node("si:uncertaintyXMLList", " ".join(number(scale.difference(one.expanded)) for one in uncertainties)),
        node("si:coverageFactorXMLList", " ".join(_factor(one.k) for one in uncertainties)),
        node("si:coverageProbabilityXMLList", " ".join(plain(one.p) for one in uncertainties)),
        node("si:distributionXMLList", " ".join(map(_distribution, uncertainties))),
    )


def _factor(k: float) -> str:
    if k < 1:
        rule = "the digital calibration certificate holds 1 and more"
        raise CalibrationError("the coverage factor k", k, rule, "state U for a larger p, such as 0.9545")
    return plain(k)


def _distribution(one: Uncertainty) -> str:
    """One word each, for the list has spaces between them."""
    if one.basis in ("rectangular", "trapezoid"):
        return one.basis
    if one.basis == "monte carlo":
        return "monteCarlo"
    return "t" if one.basis == "t" and one.nu_eff < float("inf") else "normal"
