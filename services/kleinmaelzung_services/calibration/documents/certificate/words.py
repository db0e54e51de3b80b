"""Words that several pages of a certificate use: verdicts, and what the two series are called."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

FROM_TO: Final = of("{start} to {end}", "{start} bis {end}")
AS_FOUND: Final = of("as found", "Eingangskalibrierung")
AS_LEFT: Final = of("as left", "Ausgangskalibrierung")
PASS: Final = of("pass", "konform")
CONDITIONAL_PASS: Final = of("conditional pass", "bedingt konform")
CONDITIONAL_FAIL: Final = of("conditional fail", "bedingt nicht konform")
FAIL: Final = of("fail", "nicht konform")
NO_STATEMENT: Final = of("no statement possible", "keine Aussage möglich")
NOT_STATED: Final = of("not stated", "nicht ausgesagt")
VERDICTS: Final = {
    "pass": PASS,
    "conditional pass": CONDITIONAL_PASS,
    "conditional fail": CONDITIONAL_FAIL,
    "fail": FAIL,
    "no statement possible": NO_STATEMENT,
    "not stated": NOT_STATED,
}
