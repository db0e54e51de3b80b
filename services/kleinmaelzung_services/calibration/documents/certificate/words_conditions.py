"""Words of the page of a certificate that says with which standards and under which conditions it was calibrated."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

STANDARD: Final = of("Standard", "Normal")
CERTIFICATE: Final = of("Certificate, issued by", "Kalibrierschein, Aussteller")
CALIBRATED_DUE: Final = of("Calibrated, due", "Kalibriert, fällig")
CERTIFIED: Final = of("Certified: U and k", "Bescheinigt: U und k")
SERIAL: Final = of("serial no. {serial}", "Seriennr. {serial}")
AT: Final = of("{point}: {values}", "{point}: {values}")
U_AND_K: Final = of("U = {U}, k = {k}", "U = {U}, k = {k}")
LIMIT_OF_ERROR: Final = of("limit of error {mpe}", "Fehlergrenze {mpe}")
FIELD: Final = of("{name} = {value}", "{name} = {value}")
MEAN: Final = of("Mean", "Mittel")
NO_CONDITIONS: Final = of("No condition of the room was recorded.", "Es wurde keine Umgebungsbedingung aufgezeichnet.")
IMMERSED: Final = of("Immersion depth", "Eintauchtiefe")
IMMERSED_BY: Final = of("{used} mm", "{used} mm")
IMMERSED_OF: Final = of("{used} mm (at least {least} mm)", "{used} mm (mindestens {least} mm)")
INPUTS: Final = of("Values that were asked for", "Abgefragte Werte")
CUSTOMERS: Final = of("{value} (supplied by the customer)", "{value} (vom Auftraggeber)")
NO_CHECKS: Final = of("The procedure asks for no preparations.", "Das Verfahren fordert keine Vorbereitung.")
DEVIATIONS: Final = of("Deviations from the method", "Abweichungen vom Verfahren")
NONE: Final = of("none", "keine")
DEVIATION: Final = of("Deviation, addition or exclusion", "Abweichung, Zusatz oder Auslassung")
TEST: Final = of("In the test", "In der Prüfung")
FROM_CUSTOMER: Final = of("Supplied by the customer", "Angaben des Auftraggebers")
DISCLAIMER: Final = of(
    "The following was supplied by the customer. It can affect the validity of the results; the laboratory takes no"
    " responsibility for it.",
    "Folgende Angaben stammen vom Auftraggeber. Sie können sich auf die Gültigkeit der Ergebnisse auswirken; das"
    " Laboratorium übernimmt dafür keine Verantwortung.",
)
