"""The words of the results as found and as left."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

AS_FOUND: Final = of("Results as found", "Messergebnisse der Eingangskalibrierung (vor Justierung)")
AS_FOUND_ONLY: Final = of("Results as found", "Messergebnisse der Eingangskalibrierung")
AS_LEFT: Final = of("Results as left", "Messergebnisse der Ausgangskalibrierung (nach Justierung)")
AS_LEFT_ONLY: Final = of("Results as left", "Messergebnisse der Ausgangskalibrierung")
NO_ADJUSTMENT: Final = of(
    "No adjustment was made: the results as found hold as left, too.",
    "Es wurde nicht justiert: Die Ergebnisse der Eingangskalibrierung gelten auch als Ausgangskalibrierung.",
)
ADJUSTMENT: Final = of("Adjustment", "Justierung")
ADJUSTED: Final = of("What was done", "Vorgenommen")
BEFORE: Final = of("Before", "Vorher")
AFTER: Final = of("After", "Nachher")
BY: Final = of("By, at", "Durch, am")

# At a glance.
CONFORMITY: Final = of("Conformity", "Konformität")
NEAREST: Final = of("Worst point", "Ungünstigster Messpunkt")
NOT_KEPT_LABEL: Final = of("Not kept", "Nicht eingehalten")
NEAREST_IS: Final = of(
    "{point} {unit} {direction}: {result} {error} {error_unit}, U = {expanded} {error_unit},"
    " limits {limits} {error_unit}",
    "{point} {unit} {direction}: {result} {error} {error_unit}, U = {expanded} {error_unit},"
    " Grenzen {limits} {error_unit}",
)
LARGEST: Final = of("Largest U", "Größtes U")
LARGEST_IS: Final = of(
    "{point} {unit} {direction}: {result} {error} {error_unit}, U = {expanded} {error_unit}",
    "{point} {unit} {direction}: {result} {error} {error_unit}, U = {expanded} {error_unit}",
)
UPWARDS: Final = of("upwards", "aufwärts")
DOWNWARDS: Final = of("downwards", "abwärts")
ERROR_IS: Final = of("error", "Abweichung")
CORRECTION_IS: Final = of("correction", "Korrektur")
NOT_STATED: Final = of("not stated: the template has no limits", "nicht ausgesagt: Die Vorlage hat keine Grenzen")

# The table.
ERROR: Final = of("Error", "Messab-\nweichung")
CORRECTION: Final = of("Correction", "Korrektur")
LIMITS: Final = of("Limits", "Grenzen")
ACCEPTANCE: Final = of("Accepted", "Annahme-\ngrenzen")
VERDICT: Final = of("Verdict", "Aussage")
RISK: Final = of("Risk", "Risiko")
NOTE_DIRECTIONS: Final = of("↑ upwards, ↓ downwards.", "↑ aufwärts, ↓ abwärts.")
NOTE_ERROR: Final = of("Error = indication − reference.", "Messabweichung = Anzeige − Referenz.")
NOTE_CORRECTION: Final = of("Correction = reference − indication.", "Korrektur = Referenz − Anzeige.")
NOTE_U: Final = of(
    "U is the expanded uncertainty with the coverage factor k, see the uncertainty budget.",
    "U ist die erweiterte Messunsicherheit mit dem Erweiterungsfaktor k, siehe Messunsicherheitsbudget.",
)
NOTE_REPEATS: Final = of(
    "n repeats at each point, s their standard deviation; the result is their mean.",
    "n Wiederholungen je Messpunkt, s deren Standardabweichung; Ergebnis ist der Mittelwert.",
)
NOTE_ACCEPTANCE: Final = of(
    "Accepted: limits less the guard band.", "Annahmegrenzen: Grenzen abzüglich des Schutzabstands."
)
NOTE_RISK: Final = of(
    "Risk: probability that the verdict of this row is wrong.",
    "Risiko: Wahrscheinlichkeit, dass die Aussage dieser Zeile falsch ist.",
)
NOTE_UNROUNDED: Final = of(
    "Verdicts are taken with the values as calculated, not as rounded.",
    "Die Aussagen beruhen auf den nicht gerundeten Werten.",
)
NOTE_MARKED: Final = of(
    "Shaded: the worst point, nearest to its limit or farthest beyond.",
    "Grau hinterlegt: der ungünstigste Messpunkt, der seiner Grenze am nächsten oder am weitesten außerhalb liegt.",
)
NO_STATEMENT_U: Final = of(
    "No statement is possible where U is larger than half the tolerance: {points}.",
    "Keine Aussage ist möglich, wo U größer als die halbe Toleranz ist: {points}.",
)
NO_STATEMENT_BAND: Final = of(
    "No statement is possible where the guard bands leave nothing to accept: {points}.",
    "Keine Aussage ist möglich, wo die Schutzabstände keinen Annahmebereich lassen: {points}.",
)
ALL_EQUAL: Final = of(
    "{component}: all readings were equal, the resolution carries it ({points}).",
    "{component}: Alle Anzeigen waren gleich, die Auflösung trägt den Beitrag ({points}).",
)
OTHER_NOTE: Final = of("{note} ({points}).", "{note} ({points}).")

# The chart.
CHART_ERRORS: Final = of("Errors with U", "Messabweichungen mit U")
CHART_CORRECTIONS: Final = of("Corrections with U", "Korrekturen mit U")
LEGEND: Final = of("measured, with U", "gemessen, mit U")
LEGEND_UP: Final = of("upwards, with U", "aufwärts, mit U")
LEGEND_DOWN: Final = of("downwards, with U", "abwärts, mit U")
LEGEND_LIMIT: Final = of("limit", "Grenze")
LEGEND_ACCEPTANCE: Final = of("acceptance limit", "Annahmegrenze")

# What the tests found.
CHARACTERISTICS: Final = of("Characteristics", "Kenngrößen")
CHARACTERISTIC: Final = of("Characteristic", "Kenngröße")
VALUE: Final = of("Found", "Gefunden")
AT: Final = of("At", "Bei")
MEANING: Final = of("Meaning", "Bedeutung")
HYSTERESIS: Final = of("Hysteresis", "Hysterese")
HYSTERESIS_IS: Final = of(
    "largest difference of the way down from the way up", "größte Differenz des Abwärts- zum Aufwärtsgang"
)
LINEARITY: Final = of("Linearity, independent", "Linearität, unabhängig")
LINEARITY_IS: Final = of(
    "largest deviation of the indication from the fitted straight line",
    "größte Abweichung der Anzeige von der Ausgleichsgeraden",
)
TERMINAL: Final = of("Linearity, terminal-based", "Linearität, Festpunkt")
TERMINAL_IS: Final = of(
    "largest deviation from the straight line through first and last point",
    "größte Abweichung von der Geraden durch ersten und letzten Messpunkt",
)
REPEATABILITY: Final = of("Repeatability s", "Wiederholbarkeit s")
REPEATABILITY_IS: Final = of(
    "standard deviation of a single reading, {dof} degrees of freedom; indications: {readings}",
    "Standardabweichung einer einzelnen Anzeige, {dof} Freiheitsgrade; Anzeigen: {readings}",
)
POOLED: Final = of("Repeatability s, pooled", "Wiederholbarkeit s, zusammengefasst")
POOLED_IS: Final = of(
    "of the repeats at all points, {dof} degrees of freedom",
    "der Wiederholungen an allen Messpunkten, {dof} Freiheitsgrade",
)
ALL_POINTS: Final = of("all points", "allen Messpunkten")
ECCENTRICITY: Final = of("Eccentricity", "Außermittige Belastung")
ECCENTRICITY_AT: Final = of("{title}, {point} {unit}", "{title}, {point} {unit}")
UNIFORMITY: Final = of("Spatial distribution", "Räumliche Verteilung")
PLACES_NOTE: Final = of(
    "Differences from the first position, in {unit}.", "Differenzen zur ersten Position, in {unit}."
)
POSITION: Final = of("Position", "Position")
DIFFERENCE: Final = of("Difference", "Differenz")
DIFFERENCE_AT: Final = of("At {point} {unit}", "Bei {point} {unit}")
LARGEST_DIFFERENCE: Final = of("Largest, without sign", "Größte, ohne Vorzeichen")
INSTABILITY: Final = of("Instability in time, first position", "Zeitliche Instabilität, erste Position")
SHIFT: Final = of("Shift of the check point", "Verschiebung des Kontrollpunkts")
SHIFT_IS: Final = of("permitted ±{permitted} {unit}: {verdict}", "zulässig ±{permitted} {unit}: {verdict}")
KEPT: Final = of("kept", "eingehalten")
NOT_KEPT: Final = of("not kept", "nicht eingehalten")
SHIFT_NOTE: Final = of(
    "The check point {point} {unit} has moved by {value} {error_unit}, ±{permitted} {error_unit} are permitted: no"
    " conformity can be stated.",
    "Der Kontrollpunkt {point} {unit} hat sich um {value} {error_unit} verschoben, zulässig sind ±{permitted}"
    " {error_unit}: Eine Konformität kann nicht ausgesagt werden.",
)
COMPUTED: Final = of("Computed results", "Berechnete Ergebnisse")
RESULT: Final = of("Result", "Ergebnis")
PERMITTED: Final = of("Permitted", "Zulässig")
UNIT: Final = of("Unit", "Einheit")
OF_TESTS: Final = of(
    "{name}: what a test found is itself a measure of scatter or of a difference and has no U.",
    "{name}: Was eine Prüfung ergibt, ist selbst ein Maß der Streuung oder einer Differenz und hat kein U.",
)
OF_RESIDUALS: Final = of(
    "{name}: residuals are themselves a measure of scatter and have no U.",
    "{name}: Residuen sind selbst ein Maß der Streuung und haben kein U.",
)
WITHOUT_FIT: Final = of(
    "{name}: nothing is fitted that it could have U from.",
    "{name}: Nichts ist angepasst, woraus sich U ergeben könnte.",
)
EXACT: Final = of("{name}: taken as exact: {names}.", "{name}: als exakt angenommen: {names}.")
SECOND_ORDER: Final = of(
    "U is by Monte Carlo (JCGM 101), because the terms of second order are not small ({points}).",
    "U nach Monte Carlo (JCGM 101), weil die Glieder zweiter Ordnung nicht klein sind ({points}).",
)
