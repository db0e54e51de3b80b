"""Every fixed word of the digital calibration certificate that no other page has, in each language."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

REF_TYPES: Final = of("Names that Kleinmaelzung adds", "Namen, die Kleinmaelzung ergänzt")
REF_TYPES_NOTE: Final = of(
    "What begins with kleinmaelzung_ marks what the PTB's names do not.",
    "Was mit kleinmaelzung_ beginnt, kennzeichnet, wofür die Namen der PTB fehlen.",
)
SPECIMEN_OF: Final = of("SPECIMEN: {name}", "MUSTER: {name}")
SPECIMEN: Final = of("Specimen", "Muster")
SPECIMEN_NOTE: Final = of(
    "All data are simulated. This is no certificate of any instrument.",
    "Alle Daten sind simuliert. Dies ist kein Kalibrierschein eines Messgeräts.",
)
SERIES_OF: Final = of("{measurand}, {series}", "{measurand}, {series}")
RECORD: Final = of("Record", "Aufzeichnung")
REVISION: Final = of("Revision", "Revision")
SYSTEM_ID: Final = of("Name in this system", "Name in diesem System")
CONDITION: Final = of("Condition: {condition}", "Zustand: {condition}")
PERSON: Final = of("{role} on {at}", "{role} am {at}")
OPERATOR: Final = of("calibrated", "kalibriert")
REVIEWER: Final = of("checked", "geprüft")
APPROVER: Final = of("released", "freigegeben")
FUNCTION: Final = of("function: {function}", "Funktion: {function}")
CERTIFICATE: Final = of("Calibration certificate", "Kalibrierschein")
NO_HASH: Final = of("The hash of the file is not known.", "Der Hashwert der Datei ist nicht bekannt.")

# Statements.
PLACE: Final = of("Place of calibration", "Ort der Kalibrierung")
PLACES: Final = {
    "permanent": of("in the laboratory", "im Laboratorium"),
    "site": of("at a site away from the laboratory", "an einem Ort außerhalb des Laboratoriums"),
    "customer": of("at the customer's", "beim Auftraggeber"),
    "mobile": of("in a mobile laboratory", "in einem mobilen Laboratorium"),
}
CONFORMITY: Final = of("Statement of conformity", "Konformitätsaussage")
OVERALL: Final = of("All results together, {series}: {verdict}.", "Alle Ergebnisse zusammen, {series}: {verdict}.")
TRACEABILITY: Final = of("Metrological traceability", "Metrologische Rückführung")
TRACEABILITY_NOTE: Final = of(
    "The results are traceable to the SI through the certificates of the standards that are named with them.",
    "Die Ergebnisse sind über die Kalibrierscheine der dort genannten Normale auf das SI rückgeführt.",
)
ITEM_ONLY: Final = of("Validity", "Gültigkeit")
ITEM_ONLY_NOTE: Final = of(
    "The results relate only to the item calibrated, in the state and at the time of the calibration.",
    "Die Ergebnisse beziehen sich nur auf den kalibrierten Gegenstand, im Zustand und zur Zeit der Kalibrierung.",
)
IN_FULL: Final = of("Reproduction", "Wiedergabe")
IN_FULL_NOTE: Final = of(
    "This certificate shall not be reproduced except in full without approval of the laboratory.",
    "Dieser Kalibrierschein darf ohne Genehmigung des Laboratoriums nur vollständig weiterverbreitet werden.",
)
DEVIATIONS: Final = of("Deviations from the method", "Abweichungen vom Verfahren")
DEVIATION: Final = of("{text} ({by}, {at})", "{text} ({by}, {at})")
NONE: Final = of("none", "keine")
FROM_CUSTOMER: Final = of("Data supplied by the customer", "Angaben des Auftraggebers")
FROM_CUSTOMER_NOTE: Final = of(
    "The laboratory has not verified them; they can affect the validity of the results.",
    "Das Laboratorium hat sie nicht geprüft; sie können die Gültigkeit der Ergebnisse beeinflussen.",
)
OPINIONS: Final = of("Opinions and interpretations", "Meinungen und Interpretationen")
ADJUSTMENT: Final = of("Adjustment", "Justierung")
ADJUSTED: Final = of("{text} ({by}, {at})", "{text} ({by}, {at})")
ADJUSTED_FROM: Final = of("before: {before}", "vorher: {before}")
ADJUSTED_TO: Final = of("after: {after}", "nachher: {after}")
NOT_ADJUSTED: Final = of(
    "No adjustment was made: the results as found hold as left.",
    "Es wurde nicht justiert: die Ergebnisse der Eingangskalibrierung gelten auch als Ausgangskalibrierung.",
)
INTERVAL: Final = of("Recalibration, as agreed with the customer", "Rekalibrierung, mit dem Auftraggeber vereinbart")
AMENDMENT: Final = of("Amendment", "Änderung")
AMENDS: Final = of(
    "This certificate replaces {replaces}: {reason}", "Dieser Kalibrierschein ersetzt {replaces}: {reason}"
)
CHANGED: Final = of('{field}: "{before}" is now "{after}"', "{field}: „{before}“ ist jetzt „{after}“")

# Methods, equipment, conditions.
TEMPLATE: Final = of("Template {id}, version {version}", "Vorlage {id}, Version {version}")
UNCERTAINTY: Final = of("Measurement uncertainty", "Messunsicherheit")
UNCERTAINTY_NOTE: Final = of(
    "Stated is the expanded uncertainty U = k u, by the GUM (JCGM 100) and EA-4/02, for a coverage probability of"
    " {p} %.",
    "Angegeben ist die erweiterte Messunsicherheit U = k u, nach GUM (JCGM 100) und EA-4/02, für eine"
    " Überdeckungswahrscheinlichkeit von {p} %.",
)
UNROUNDED: Final = of(
    "No number is rounded here; the printed certificate has rounded ones.",
    "Hier ist keine Zahl gerundet; der gedruckte Kalibrierschein hat gerundete.",
)
ROLE: Final = of("used as {role}", "verwendet als {role}")
CLASS: Final = of("class {accuracy_class}", "Klasse {accuracy_class}")
POSITION: Final = of("at {position}", "an {position}")
CALIBRATED: Final = of("calibrated on {calibrated}, due on {due}", "kalibriert am {calibrated}, fällig am {due}")
SENSOR: Final = of("measured by {sensor}, over the whole run", "gemessen von {sensor}, während der ganzen Kalibrierung")
CONDITION_MIN: Final = of("{condition}, smallest", "{condition}, kleinster Wert")
CONDITION_MAX: Final = of("{condition}, largest", "{condition}, größter Wert")
CONDITION_MEAN: Final = of("{condition}, mean", "{condition}, Mittelwert")
IMMERSION: Final = of("Immersion", "Eintauchtiefe")

# Results.
NOMINAL: Final = of("Nominal value", "Nennwert")
DIRECTION: Final = of("Direction of approach", "Richtung der Annäherung")
REFERENCE: Final = of("Reference value", "Referenzwert")
INDICATION: Final = of("Indication", "Anzeige")
ERROR: Final = of("Measurement error: indication - reference", "Messabweichung: Anzeige - Referenz")
CORRECTION: Final = of("Correction: reference - indication", "Korrektur: Referenz - Anzeige")
DEVIATION_OF_REPEATS: Final = of(
    "Standard deviation of the repeated measurements", "Standardabweichung der wiederholten Messungen"
)
UNCONVERTED: Final = of(
    "{unit} is converted, for the D-SI has no such unit.",
    "{unit} ist umgerechnet, denn das D-SI hat keine solche Einheit.",
)
HUMIDITY: Final = of("\\percent is that of relative humidity.", "\\percent ist die der relativen Feuchte.")
ABOUT_POINTS: Final = of("at {places}: {note}", "bei {places}: {note}")
EQUAL_READINGS: Final = ": all readings were equal"  # how calculation/budgets.py says it
ALL_EQUAL: Final = of(
    "{component}: all readings were equal, the resolution carries it",
    "{component}: alle Anzeigen waren gleich, die Auflösung trägt den Beitrag",
)
TOO_FAR: Final = of(
    "The check point {nominal} {unit} has moved by {value} {error_unit}, {permitted} {error_unit} are permitted.",
    "Der Kontrollpunkt {nominal} {unit} hat sich um {value} {error_unit} verschoben, zulässig sind"
    " {permitted} {error_unit}.",
)
NO_STATEMENT_AT: Final = of(
    "No statement is possible at: {places}. So there is no list of conformity, but one of verdicts.",
    "Keine Aussage ist möglich bei: {places}. Darum steht hier keine Liste der Konformität, sondern eine der Aussagen.",
)
VERDICTS: Final = of("Verdicts", "Aussagen")
ACCEPTANCE_LOWER: Final = of("Acceptance limit, lower", "Annahmegrenze, untere")
ACCEPTANCE_UPPER: Final = of("Acceptance limit, upper", "Annahmegrenze, obere")
TOLERANCE_LOWER: Final = of("Tolerance limit, lower", "Toleranzgrenze, untere")
TOLERANCE_UPPER: Final = of("Tolerance limit, upper", "Toleranzgrenze, obere")
P_CONFORM: Final = of("Probability that the item conforms", "Wahrscheinlichkeit, dass der Gegenstand konform ist")

# What the tests found.
AT_LOAD: Final = of("{title}, at {nominal} {unit}", "{title}, bei {nominal} {unit}")
INDICATIONS: Final = of("Indications", "Anzeigen")
STANDARD_DEVIATION: Final = of(
    "Standard deviation s, {dof} degrees of freedom", "Standardabweichung s, {dof} Freiheitsgrade"
)
REPEATABILITY: Final = of("Repeatability over the points", "Wiederholbarkeit über die Messpunkte")
FROM_FIRST: Final = of("{position}: difference from {first}", "{position}: Unterschied zu {first}")
LARGEST: Final = of("Largest difference", "Größter Unterschied")
INSTABILITY: Final = of("Instability at the reference place", "Zeitliche Instabilität am Referenzort")
HYSTERESIS: Final = of("Hysteresis", "Hysterese")
HYSTERESIS_AT: Final = of(
    "Largest difference of down from up, at {at} {unit}", "Größter Unterschied ab gegen auf, bei {at} {unit}"
)
LINEARITY: Final = of("Linearity", "Linearität")
INDEPENDENT: Final = of(
    "Largest residual from the fitted line, at {at} {unit}", "Größtes Residuum zur Ausgleichsgeraden, bei {at} {unit}"
)
TERMINAL: Final = of(
    "Largest residual from the line through the end points, at {at} {unit}",
    "Größtes Residuum zur Geraden durch die Endpunkte, bei {at} {unit}",
)
SHIFT: Final = of("Shift of the check point", "Verschiebung des Kontrollpunkts")
PERMITTED: Final = of("Permitted", "Zulässig")
COMPUTED: Final = of("Computed results", "Berechnete Ergebnisse")
NO_UNCERTAINTY: Final = {
    "of tests": of(
        "No U is stated: what the tests found is itself a measure of scatter or of a difference.",
        "Ohne U: was die Prüfungen ergaben, ist selbst ein Maß der Streuung oder eines Unterschieds.",
    ),
    "of the residuals": of(
        "No U is stated: residuals are themselves a measure of scatter.",
        "Ohne U: Residuen sind selbst ein Maß der Streuung.",
    ),
    "without a fit": of(
        "No U is stated: it is not computed from a fit.", "Ohne U: das Ergebnis stammt aus keiner Anpassung."
    ),
}

# The curve.
CURVE: Final = of("Calibration function", "Kalibrierfunktion")
CURVE_NOTE: Final = of(
    "y is the {y} in {y_unit}, x the {x} in {x_unit}; it holds from {low} to {high}.",
    "y ist die {y} in {y_unit}, x die {x} in {x_unit}; sie gilt von {low} bis {high}.",
)
COVARIANCE_NOTE: Final = of(
    "The region of the coefficients is the ellipsoid of their covariance with k = 1. It has only what scatters;"
    " what all points share is added once, in y.",
    "Der Bereich der Koeffizienten ist das Ellipsoid ihrer Kovarianz mit k = 1. Er enthält nur, was streut;"
    " was allen Punkten gemeinsam ist, kommt einmal hinzu, in y.",
)
IS_ERROR: Final = of("error", "Messabweichung")
IS_CORRECTION: Final = of("correction", "Korrektur")
IS_RAW: Final = of("raw signal", "Größe des Rohsignals")
IS_REFERENCE: Final = of("reference", "Referenz")
IS_INDICATION: Final = of("indication", "Anzeige")
COEFFICIENTS: Final = of("Coefficients {names}", "Koeffizienten {names}")
RESIDUALS: Final = of(
    "Standard deviation of the residuals, {dof} degrees of freedom",
    "Standardabweichung der Residuen, {dof} Freiheitsgrade",
)
WEIGHTED_RESIDUALS: Final = of(
    "Weighted residuals, root of the reduced chi squared, {dof} degrees of freedom",
    "Gewichtete Residuen, Wurzel des reduzierten Chi-Quadrats, {dof} Freiheitsgrade",
)
COMMON: Final = of(
    "Standard uncertainty that all points share", "Standardunsicherheit, die allen Punkten gemeinsam ist"
)
RANGE_LOW: Final = of("Valid from", "Gültig ab")
RANGE_HIGH: Final = of("Valid up to", "Gültig bis")
