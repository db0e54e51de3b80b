"""Every fixed word of the documents, in each language: one table, so that no language lacks one. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["en", "de"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "de")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """`{name}` stands for what say() is given."""

    en: str
    de: str


def say(words: Words, language: Language, **values: object) -> str:
    return (words.de if language == "de" else words.en).format(**values)


def _of(en: str, de: str) -> Words:
    return Words(en=en, de=de)


# On every page.
PAGE: Final = _of("Page {page} of {pages}", "Seite {page} von {pages}")
TEMPLATE_VERSION: Final = _of("{id}, version {version}", "{id}, Version {version}")
TEMPLATE_HASH: Final = _of("Template SHA-256: {sha256}", "SHA-256 der Vorlage: {sha256}")

# The blank protocol.
BLANK_TITLE: Final = _of("Calibration protocol", "Kalibrierprotokoll")
BLANK_MASTHEAD: Final = _of("Calibration protocol, blank form", "Kalibrierprotokoll, Formular")
BLANK_NOTE: Final = _of(
    "To be filled in by hand. Write when you observe; strike a wrong value through so that it stays legible, and sign"
    " the change.",
    "Von Hand auszufüllen. Beim Beobachten eintragen; falsche Werte lesbar durchstreichen und die Änderung abzeichnen.",
)
ATTACHED_TEMPLATE: Final = _of("Template of the calibration", "Vorlage der Kalibrierung")
PROTOCOL_NUMBER: Final = _of("Protocol number", "Protokollnummer")
END: Final = _of("End of the protocol", "Ende des Protokolls")

# Purpose and method.
PURPOSE: Final = _of("Purpose and method", "Zweck und Verfahren")
INSTRUMENT_TYPE: Final = _of("Type of instrument", "Art des Messgeräts")
MEASURAND: Final = _of("Measurand", "Messgröße")
METHOD: Final = _of("Method", "Verfahren")
RANGE: Final = _of("Range of the results", "Bereich der Ergebnisse")
SPAN: Final = _of("{low} to {high} {unit}", "{low} bis {high} {unit}")
RESOLUTION: Final = _of("Resolution d", "Auflösung d")
RESULT: Final = _of("Result", "Ergebnis")
IS_ERROR: Final = _of("error = indication - reference, in {unit}", "Abweichung = Anzeige - Referenz, in {unit}")
IS_CORRECTION: Final = _of(
    "correction = reference - indication, in {unit}", "Korrektur = Referenz - Anzeige, in {unit}"
)
REFERENCE_VALUE: Final = _of("Reference value", "Referenzwert")
INDICATION_FORMULA: Final = _of("Indication by formula", "Anzeige nach Formel")
TEMPLATE: Final = _of("Template", "Vorlage")

# Instrument under calibration.
INSTRUMENT: Final = _of("Instrument under calibration", "Kalibriergegenstand")
CUSTOMER: Final = _of("Customer", "Auftraggeber")
MAKER: Final = _of("Manufacturer", "Hersteller")
MODEL: Final = _of("Model", "Typ")
SERIAL: Final = _of("Serial number", "Seriennummer")
ASSET: Final = _of("Asset number", "Inventarnummer")
FIRMWARE: Final = _of("Firmware", "Firmware")
PLACE: Final = _of("Place of calibration", "Ort der Kalibrierung")
RECEIVED: Final = _of("Received on, condition", "Eingang am, Zustand")
ORDER: Final = _of("Order number", "Auftragsnummer")
PERFORMED: Final = _of("Started, finished", "Beginn, Ende")
SENSOR: Final = _of("Sensor by the template", "Sensor nach Vorlage")
WIRES: Final = _of("{wires} wires", "{wires} Leiter")
IMMERSION: Final = _of("Immersion", "Eintauchtiefe")
IMMERSION_LEAST: Final = _of("at least {least} mm; used, in mm:", "mindestens {least} mm; verwendet, in mm:")
IMMERSION_USED: Final = _of("at least {least} mm; used: {used} mm", "mindestens {least} mm; verwendet: {used} mm")

# Standards.
STANDARDS: Final = _of("Standards and equipment", "Normale und Einrichtungen")
STANDARDS_NOTE: Final = _of(
    "Each with a valid certificate that covers the points.",
    "Jedes mit gültigem Kalibrierschein, der die Messpunkte abdeckt.",
)
STANDARD: Final = _of("Required", "Gefordert")
IDENTIFICATION: Final = _of("Identification", "Kennzeichnung")
CERTIFICATE: Final = _of("Certificate, issued by", "Kalibrierschein, Aussteller")
CALIBRATED_DUE: Final = _of("Calibrated, due", "Kalibriert, fällig")
U_AND_K: Final = _of("U, k", "U, k")
CLASSES: Final = _of("class {classes}", "Klasse {classes}")
OR: Final = _of(" or ", " oder ")
MAX_U_RATIO: Final = _of("U at most {ratio} of the limit", "U höchstens das {ratio}-fache der Grenze")
NEEDS: Final = _of("also {fields}", "auch {fields}")
AT_POSITION: Final = _of("at: {position}", "an: {position}")

# Environment.
ENVIRONMENT: Final = _of("Environment", "Umgebung")
CONDITION: Final = _of("Condition", "Bedingung")
PERMITTED: Final = _of("Permitted", "Zulässig")
AT_START: Final = _of("Start", "Beginn")
AT_END: Final = _of("End", "Ende")
LOWEST: Final = _of("Lowest", "Kleinster")
HIGHEST: Final = _of("Highest", "Größter")
SENSOR_ID: Final = _of("Sensor", "Sensor")
REQUIRED: Final = _of("required", "gefordert")
OPTIONAL: Final = _of("optional", "freigestellt")
AT_LEAST: Final = _of("{low} {unit} or more", "mindestens {low} {unit}")
AT_MOST: Final = _of("{high} {unit} or less", "höchstens {high} {unit}")
CHANGE_PER_H: Final = _of("change at most {change} {unit} per h", "Änderung höchstens {change} {unit} je h")
NO_LIMIT: Final = _of("no limit", "keine Grenze")
TEMPERATURE: Final = _of("Temperature", "Temperatur")
HUMIDITY: Final = _of("Relative humidity", "Relative Feuchte")
PRESSURE: Final = _of("Air pressure", "Luftdruck")

# Preparations.
PREPARATIONS: Final = _of("Preparations", "Vorbereitung")
DONE: Final = _of("Done", "Erledigt")
CHECK: Final = _of("Check", "Prüfung")
NAME_AND_TIME: Final = _of("Name, time", "Name, Zeit")
PRELOAD: Final = _of("preloaded with {load} {unit}, {times} x", "vorbelastet mit {load} {unit}, {times} x")
NO_CHECKS: Final = _of("The template asks for no preparations.", "Die Vorlage fordert keine Vorbereitung.")

# Stability.
STABILITY: Final = _of("When a reading is stable", "Wann eine Anzeige stabil ist")
STABILITY_NOTE: Final = _of(
    "A value is taken when all of these hold over the window; it is the mean of the window.",
    "Ein Wert wird genommen, wenn im Fenster alles gilt; er ist der Mittelwert des Fensters.",
)
CRITERION: Final = _of("Criterion", "Kriterium")
WINDOW: Final = _of("Window", "Fenster")
MIN_SAMPLES: Final = _of("Samples in it, at least", "Werte darin, mindestens")
MAX_RANGE: Final = _of("Largest minus smallest, at most", "Größter minus kleinster, höchstens")
MAX_SLOPE: Final = _of("Slope, at most", "Steigung, höchstens")
SETTLE: Final = _of("Wait before the window", "Wartezeit vor dem Fenster")
TIMEOUT: Final = _of("Give up after", "Abbruch nach")
PAIRED: Final = _of("Instrument and reference, apart at most", "Messgerät und Referenz, Abstand höchstens")
STABLE_FLAG: Final = _of("The instrument itself shows", "Das Messgerät selbst zeigt")

# Inputs.
INPUTS: Final = _of("Further values", "Weitere Werte")
QUANTITY: Final = _of("Value", "Größe")
MEANING: Final = _of("Meaning", "Bedeutung")
FORMULA: Final = _of("Formula", "Formel")
FOUND: Final = _of("Found", "Gefunden")
UNIT: Final = _of("Unit", "Einheit")

# Steps and readings.
STEPS: Final = _of("Steps and readings", "Schritte und Anzeigen")
POINTS: Final = _of("Points", "Messpunkte")
REPEATABILITY: Final = _of("Repeatability", "Wiederholbarkeit")
ECCENTRICITY: Final = _of("Eccentricity", "Außermittige Belastung")
UNIFORMITY: Final = _of("Uniformity", "Räumliche Verteilung")
CHECK_POINT: Final = _of("Check point", "Kontrollpunkt")
OF_MEASURAND: Final = _of("{title} ({measurand})", "{title} ({measurand})")
UP: Final = _of("Upwards.", "Aufwärts.")
DOWN: Final = _of("Downwards.", "Abwärts.")
UP_DOWN: Final = _of("Upwards, then downwards.", "Aufwärts, danach abwärts.")
RANDOM: Final = _of(
    "In random order (seed {seed}): write the order down under No.",
    "In zufälliger Reihenfolge (Startwert {seed}): Reihenfolge unter Nr. eintragen.",
)
REPEATS: Final = _of("The series {repeats} times.", "Die Reihe {repeats}-mal.")
ZERO_EACH: Final = _of("Back to zero each time.", "Jedes Mal zurück auf null.")
POINT_TOLERANCE: Final = _of(
    "The reference is within {tolerance} {unit} of the point.",
    "Die Referenz liegt höchstens {tolerance} {unit} neben dem Messpunkt.",
)
CONDITIONS: Final = _of("Meanwhile {name} = {value} {unit}.", "Dabei {name} = {value} {unit}.")
REPEATABILITY_STEP: Final = _of(
    "The point {point} {unit}, {repeats} times, each set up anew.",
    "Der Messpunkt {point} {unit}, {repeats}-mal, jedes Mal neu eingestellt.",
)
ECCENTRICITY_STEP: Final = _of(
    "The load {point} {unit} at each position; the first one is what the others are compared with.",
    "Die Last {point} {unit} auf jeder Position; mit der ersten werden die anderen verglichen.",
)
UNIFORMITY_STEP: Final = _of(
    "Recorded for {record} s at each position; the first one is the reference place.",
    "An jeder Position {record} s aufgezeichnet; die erste ist der Referenzort.",
)
CHECK_POINT_STEP: Final = _of(
    "The point {point} {unit} once more: it may have moved by {shift} {unit} at most.",
    "Der Messpunkt {point} {unit} noch einmal: er darf sich um höchstens {shift} {unit} verschoben haben.",
)
NUMBER: Final = _of("No.", "Nr.")
DIRECTION: Final = _of("Dir.", "Richt.")
POINT: Final = _of("Point", "Messpunkt")
REFERENCE: Final = _of("Reference", "Referenz")
INDICATION: Final = _of("Indication", "Anzeige")
RAW: Final = _of("Raw signal", "Rohsignal")
ZERO: Final = _of("Zero", "Null")
ERROR: Final = _of("Error", "Abweichung")
CORRECTION: Final = _of("Correction", "Korrektur")
TIME: Final = _of("Time", "Zeit")
POSITION: Final = _of("Position", "Position")
DIFFERENCE: Final = _of("To the first", "Zur ersten")
MEAN: Final = _of("Mean", "Mittelwert")
LARGEST_DEVIATION: Final = _of("Largest deviation from it", "Größte Abweichung davon")
STANDARD_DEVIATION: Final = _of("Standard deviation s", "Standardabweichung s")
LARGEST_DIFFERENCE: Final = _of("Largest difference", "Größter Unterschied")
FIRST_VALUE: Final = _of("Measured first", "Zuerst gemessen")
SECOND_VALUE: Final = _of("Measured again", "Erneut gemessen")
SHIFT: Final = _of("Shift", "Verschiebung")

# Uncertainty.
BUDGET: Final = _of("Uncertainty budget", "Messunsicherheitsbudget")
BUDGET_NOTE: Final = _of(
    "For the point with the largest U; u is the standard uncertainty in {unit}, c the sensitivity.",
    "Für den Messpunkt mit dem größten U; u ist die Standardunsicherheit in {unit}, c die Empfindlichkeit.",
)
COMPONENT: Final = _of("Component", "Beitrag")
DISTRIBUTION: Final = _of("Type, distribution", "Typ, Verteilung")
ESTIMATE: Final = _of("By the template", "Nach Vorlage")
VALUE: Final = _of("Value", "Wert")
CONTRIBUTION: Final = _of("|c| u", "|c| u")
COMBINED: Final = _of("Combined standard uncertainty u", "Kombinierte Standardunsicherheit u")
DOF: Final = _of("Effective degrees of freedom ν", "Effektive Freiheitsgrade ν")
COVERAGE_FACTOR: Final = _of("Coverage factor k", "Erweiterungsfaktor k")
EXPANDED: Final = _of("Expanded uncertainty U = k u", "Erweiterte Unsicherheit U = k u")
COVERAGE_P: Final = _of("for a coverage probability of {p} %", "für eine Überdeckungswahrscheinlichkeit von {p} %")
COVERAGE_K: Final = _of("k = {k}, fixed", "k = {k}, fest")
HALF_WIDTH: Final = _of("half-width {value}", "Halbbreite {value}")
IS_U: Final = _of("u = {value}", "u = {value}")
IS_EXPANDED: Final = _of("U = {value}, k = {k}", "U = {value}, k = {k}")
OF_CERTIFICATE: Final = _of("U and k of the certificate: {name}", "U und k des Kalibrierscheins: {name}")
OF_FIELD: Final = _of("{field} of {name}", "{field} von {name}")
OF_SINGLE: Final = _of("s of a single reading: {name}", "s einer einzelnen Anzeige: {name}")
OF_MEAN: Final = _of("s of the mean: {name}", "s des Mittelwerts: {name}")
OF_WINDOW: Final = _of("s of the window's mean", "s des Fenstermittelwerts")
SENSITIVITY: Final = _of("c = {value}", "c = {value}")
DEGREES: Final = _of("ν = {dof}", "ν = {dof}")
NOT_AT_ZERO: Final = _of("not at zero", "nicht bei null")
NORMAL: Final = _of("normal", "Normal")
RECTANGULAR: Final = _of("rectangular", "Rechteck")
TRIANGULAR: Final = _of("triangular", "Dreieck")
ARCSINE: Final = _of("arcsine", "Arkussinus")
TRAPEZOID: Final = _of("trapezoid", "Trapez")

# Limits.
LIMITS: Final = _of("Limits and decision rule", "Grenzen und Entscheidungsregel")
NO_CONFORMITY: Final = _of("No conformity is stated.", "Es wird keine Konformität ausgesagt.")
UP_TO: Final = _of("Up to", "Bis")
FROM: Final = _of("Above", "Über")
LOWER: Final = _of("Lower limit", "Untere Grenze")
UPPER: Final = _of("Upper limit", "Obere Grenze")
LARGEST_FOUND: Final = _of("Largest found, U", "Größte gefundene, U")
BASIS_NOMINAL: Final = _of("The nominal value says which limit holds.", "Welche Grenze gilt, sagt der Nennwert.")
BASIS_INDICATION: Final = _of("The indication says which limit holds.", "Welche Grenze gilt, sagt die Anzeige.")
BASIS_SPAN: Final = _of("Shares are those of the span.", "Anteile sind solche der Messspanne.")
RULE: Final = _of("Decision rule", "Entscheidungsregel")
RULE_SIMPLE: Final = _of(
    "simple acceptance: passes within the limits, without regard to U",
    "einfache Annahme: konform innerhalb der Grenzen, ohne Rücksicht auf U",
)
RULE_GUARD: Final = _of(
    "guard band of {factor} U (ILAC-G8): passes within limits drawn in by it",
    "Schutzabstand von {factor} U (ILAC-G8): konform innerhalb der um ihn eingezogenen Grenzen",
)
RULE_NONBINARY: Final = _of(
    "non-binary, guard band of {factor} U (ILAC-G8): pass, conditional pass, conditional fail, fail",
    "nicht binär, Schutzabstand von {factor} U (ILAC-G8): konform, bedingt konform, bedingt nicht konform,"
    " nicht konform",
)
AGREED: Final = _of("The rule is agreed with the customer.", "Die Regel ist mit dem Auftraggeber vereinbart.")
RESULTS: Final = _of("Computed results", "Berechnete Ergebnisse")
FIT: Final = _of("Fitted", "Angepasst")
FIT_CURVE: Final = _of("{y} over {x}, order {order}", "{y} über {x}, Grad {order}")
THROUGH_ORIGIN: Final = _of("without a constant", "ohne Konstante")
WEIGHTED: Final = _of("weights 1/u²", "Gewichte 1/u²")
ORIGIN: Final = _of("powers of x - {origin}", "Potenzen von x - {origin}")
VERDICT: Final = _of("Verdict", "Aussage")

# The end.
DEVIATIONS: Final = _of("Deviations from the method, remarks", "Abweichungen vom Verfahren, Bemerkungen")
SIGNATURES: Final = _of("Signatures", "Unterschriften")
FUNCTION: Final = _of("Function", "Funktion")
NAME: Final = _of("Name", "Name")
DATE: Final = _of("Date", "Datum")
SIGNATURE: Final = _of("Signature", "Unterschrift")
CALIBRATED_BY: Final = _of("Calibrated by", "Kalibriert von")
CHECKED_BY: Final = _of("Checked by", "Geprüft von")
RELEASED_BY: Final = _of("Released by", "Freigegeben von")
