"""The digital calibration certificate (DCC 3.2.0 of the PTB): results and issue in, the bytes of dcc.xml out. Pure.

administrative.py says who and when, results.py has the numbers. The same results and the same issue always give the
same bytes; its schemas are not part of this project (docs/calibration-dcc.md).
"""

from typing import Final

from kleinmaelzung_services.calibration.calculation.results import Results
from kleinmaelzung_services.calibration.documents.certificate.issue import Issue
from kleinmaelzung_services.calibration.documents.dcc import administrative, characters
from kleinmaelzung_services.calibration.documents.dcc import results as results_of
from kleinmaelzung_services.calibration.documents.dcc.elements import Voice, node, written

VERSION: Final = "3.2.0"


def xml(results: Results, issue: Issue) -> bytes:
    """Raises CalibrationError for a text that XML cannot hold, or a number that the schema cannot."""
    for field, found in (("record", results.record), ("template", results.template), ("issue", issue)):
        characters.check(field, found)
    voice = Voice(issue.language)
    root = node(
        "dcc:digitalCalibrationCertificate",
        administrative.data(results, issue, voice),
        results_of.of(results, issue, voice),
        schemaVersion=VERSION,
    )
    return written(root)
