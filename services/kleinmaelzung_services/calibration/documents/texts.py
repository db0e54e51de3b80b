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


def of(en: str, de: str) -> Words:
    return Words(en=en, de=de)


# On every page.
PAGE: Final = of("Page {page} of {pages}", "Seite {page} von {pages}")
TEMPLATE_VERSION: Final = of("{id}, version {version}", "{id}, Version {version}")
TEMPLATE_HASH: Final = of("Template SHA-256: {sha256}", "SHA-256 der Vorlage: {sha256}")

# The blank protocol.
BLANK_TITLE: Final = of("Calibration protocol", "Kalibrierprotokoll")
BLANK_MASTHEAD: Final = of("Calibration protocol, blank form", "Kalibrierprotokoll, Formular")
BLANK_NOTE: Final = of(
    "To be filled in by hand. Write when you observe; strike a wrong value through so that it stays legible, and sign"
    " the change.",
    "Von Hand auszufüllen. Beim Beobachten eintragen; falsche Werte lesbar durchstreichen und die Änderung abzeichnen.",
)
ATTACHED_TEMPLATE: Final = of("Template of the calibration", "Vorlage der Kalibrierung")
PROTOCOL_NUMBER: Final = of("Protocol number", "Protokollnummer")
END: Final = of("End of the protocol", "Ende des Protokolls")

# Purpose and method.
PURPOSE: Final = of("Purpose and method", "Zweck und Verfahren")
INSTRUMENT_TYPE: Final = of("Type of instrument", "Art des Messgeräts")
MEASURAND: Final = of("Measurand", "Messgröße")
METHOD: Final = of("Method", "Verfahren")
RANGE: Final = of("Range of the results", "Bereich der Ergebnisse")
SPAN: Final = of("{low} to {high} {unit}", "{low} bis {high} {unit}")
RESOLUTION: Final = of("Resolution d", "Auflösung d")
RESULT: Final = of("Result", "Ergebnis")
IS_ERROR: Final = of("error = indication - reference, in {unit}", "Abweichung = Anzeige - Referenz, in {unit}")
IS_CORRECTION: Final = of("correction = reference - indication, in {unit}", "Korrektur = Referenz - Anzeige, in {unit}")
REFERENCE_VALUE: Final = of("Reference value", "Referenzwert")
INDICATION_FORMULA: Final = of("Indication by formula", "Anzeige nach Formel")
TEMPLATE: Final = of("Template", "Vorlage")

# Instrument under calibration.
INSTRUMENT: Final = of("Instrument under calibration", "Kalibriergegenstand")
CUSTOMER: Final = of("Customer", "Auftraggeber")
MAKER: Final = of("Manufacturer", "Hersteller")
MODEL: Final = of("Model", "Typ")
SERIAL: Final = of("Serial number", "Seriennummer")
ASSET: Final = of("Asset number", "Inventarnummer")
FIRMWARE: Final = of("Firmware", "Firmware")
PLACE: Final = of("Place of calibration", "Ort der Kalibrierung")
RECEIVED: Final = of("Received on, condition", "Eingang am, Zustand")
ORDER: Final = of("Order number", "Auftragsnummer")
PERFORMED: Final = of("Started, finished", "Beginn, Ende")
SENSOR: Final = of("Sensor by the template", "Sensor nach Vorlage")
WIRES: Final = of("{wires} wires", "{wires} Leiter")
IMMERSION: Final = of("Immersion", "Eintauchtiefe")
IMMERSION_LEAST: Final = of("at least {least} mm; used, in mm:", "mindestens {least} mm; verwendet, in mm:")
IMMERSION_USED: Final = of("at least {least} mm; used: {used} mm", "mindestens {least} mm; verwendet: {used} mm")

# Standards.
STANDARDS: Final = of("Standards and equipment", "Normale und Einrichtungen")
STANDARDS_NOTE: Final = of(
    "Each with a valid certificate that covers the points.",
    "Jedes mit gültigem Kalibrierschein, der die Messpunkte abdeckt.",
)
STANDARD: Final = of("Required", "Gefordert")
IDENTIFICATION: Final = of("Identification", "Kennzeichnung")
CERTIFICATE: Final = of("Certificate, issued by", "Kalibrierschein, Aussteller")
CALIBRATED_DUE: Final = of("Calibrated, due", "Kalibriert, fällig")
U_AND_K: Final = of("U, k", "U, k")
CLASSES: Final = of("class {classes}", "Klasse {classes}")
OR: Final = of(" or ", " oder ")
MAX_U_RATIO: Final = of("U at most {ratio} of the limit", "U höchstens das {ratio}-fache der Grenze")
NEEDS: Final = of("also {fields}", "auch {fields}")
AT_POSITION: Final = of("at: {position}", "an: {position}")

# Environment.
ENVIRONMENT: Final = of("Environment", "Umgebung")
CONDITION: Final = of("Condition", "Bedingung")
PERMITTED: Final = of("Permitted", "Zulässig")
AT_START: Final = of("Start", "Beginn")
AT_END: Final = of("End", "Ende")
LOWEST: Final = of("Lowest", "Kleinster")
HIGHEST: Final = of("Highest", "Größter")
SENSOR_ID: Final = of("Sensor", "Sensor")
REQUIRED: Final = of("required", "gefordert")
OPTIONAL: Final = of("optional", "freigestellt")
AT_LEAST: Final = of("{low} {unit} or more", "mindestens {low} {unit}")
AT_MOST: Final = of("{high} {unit} or less", "höchstens {high} {unit}")
CHANGE_PER_H: Final = of("change at most {change} {unit} per h", "Änderung höchstens {change} {unit} je h")
NO_LIMIT: Final = of("no limit", "keine Grenze")
TEMPERATURE: Final = of("Temperature", "Temperatur")
HUMIDITY: Final = of("Relative humidity", "Relative Feuchte")
PRESSURE: Final = of("Air pressure", "Luftdruck")

# Preparations.
PREPARATIONS: Final = of("Preparations", "Vorbereitung")
DONE: Final = of("Done", "Erledigt")
CHECK: Final = of("Check", "Prüfung")
NAME_AND_TIME: Final = of("Name, time", "Name, Zeit")
PRELOAD: Final = of("preloaded with {load} {unit}, {times} x", "vorbelastet mit {load} {unit}, {times} x")
NO_CHECKS: Final = of("The template asks for no preparations.", "Die Vorlage fordert keine Vorbereitung.")

# Stability.
STABILITY: Final = of("When a reading is stable", "Wann eine Anzeige stabil ist")
STABILITY_NOTE: Final = of(
    "A value is taken when all of these hold over the window; it is the mean of the window.",
    "Ein Wert wird genommen, wenn im Fenster alles gilt; er ist der Mittelwert des Fensters.",
)
CRITERION: Final = of("Criterion", "Kriterium")
WINDOW: Final = of("Window", "Fenster")
MIN_SAMPLES: Final = of("Samples in it, at least", "Werte darin, mindestens")
MAX_RANGE: Final = of("Largest minus smallest, at most", "Größter minus kleinster, höchstens")
MAX_SLOPE: Final = of("Slope, at most", "Steigung, höchstens")
SETTLE: Final = of("Wait before the window", "Wartezeit vor dem Fenster")
TIMEOUT: Final = of("Give up after", "Abbruch nach")
PAIRED: Final = of("Instrument and reference, apart at most", "Messgerät und Referenz, Abstand höchstens")
STABLE_FLAG: Final = of("The instrument itself shows", "Das Messgerät selbst zeigt")

# Inputs.
INPUTS: Final = of("Further values", "Weitere Werte")
QUANTITY: Final = of("Value", "Größe")
MEANING: Final = of("Meaning", "Bedeutung")
FORMULA: Final = of("Formula", "Formel")
FOUND: Final = of("Found", "Gefunden")
UNIT: Final = of("Unit", "Einheit")

# Steps and readings.
STEPS: Final = of("Steps and readings", "Schritte und Anzeigen")
POINTS: Final = of("Points", "Messpunkte")
REPEATABILITY: Final = of("Repeatability", "Wiederholbarkeit")
ECCENTRICITY: Final = of("Eccentricity", "Außermittige Belastung")
UNIFORMITY: Final = of("Uniformity", "Räumliche Verteilung")
CHECK_POINT: Final = of("Check point", "Kontrollpunkt")
OF_MEASURAND: Final = of("{title} ({measurand})", "{title} ({measurand})")
UP: Final = of("Upwards.", "Aufwärts.")
DOWN: Final = of("Downwards.", "Abwärts.")
UP_DOWN: Final = of("Upwards, then downwards.", "Aufwärts, danach abwärts.")
RANDOM: Final = of(
    "In random order, as listed here (seed {seed}).",
    "In zufälliger Reihenfolge, wie hier aufgeführt (Startwert {seed}).",
)
REPEATS: Final = of("The series {repeats} times.", "Die Reihe {repeats}-mal.")
ZERO_EACH: Final = of(
    "Zero is read before each; the indication less it counts.",
    "Vor jeder Anzeige wird null abgelesen; es zählt die Anzeige abzüglich davon.",
)
POINT_TOLERANCE: Final = of(
    "The reference is within {tolerance} {unit} of the point.",
    "Die Referenz liegt höchstens {tolerance} {unit} neben dem Messpunkt.",
)
CONDITIONS: Final = of("Meanwhile {name} = {value} {unit}.", "Dabei {name} = {value} {unit}.")
REPEATABILITY_STEP: Final = of(
    "The point {point} {unit}, {repeats} times, each set up anew.",
    "Der Messpunkt {point} {unit}, {repeats}-mal, jedes Mal neu eingestellt.",
)
ECCENTRICITY_STEP: Final = of(
    "The load {point} {unit} at each position; the first one is what the others are compared with.",
    "Die Last {point} {unit} auf jeder Position; mit der ersten werden die anderen verglichen.",
)
UNIFORMITY_STEP: Final = of(
    "Recorded for {record} s at each position; the first one is the reference place.",
    "An jeder Position {record} s aufgezeichnet; die erste ist der Referenzort.",
)
CHECK_POINT_STEP: Final = of(
    "The point {point} {unit} once more: it may have moved by {shift} {unit} at most.",
    "Der Messpunkt {point} {unit} noch einmal: er darf sich um höchstens {shift} {unit} verschoben haben.",
)
NUMBER: Final = of("No.", "Nr.")
DIRECTION: Final = of("Dir.", "Richt.")
POINT: Final = of("Point", "Messpunkt")
REFERENCE: Final = of("Reference", "Referenz")
INDICATION: Final = of("Indication", "Anzeige")
RAW: Final = of("Raw signal", "Rohsignal")
ZERO: Final = of("Zero", "Null")
ERROR: Final = of("Error", "Abweichung")
CORRECTION: Final = of("Correction", "Korrektur")
TIME: Final = of("Time", "Zeit")
POSITION: Final = of("Position", "Position")
DIFFERENCE: Final = of("To the first", "Zur ersten")
MEAN: Final = of("Mean", "Mittelwert")
LARGEST_DEVIATION: Final = of("Largest deviation from it", "Größte Abweichung davon")
STANDARD_DEVIATION: Final = of("Standard deviation s", "Standardabweichung s")
LARGEST_DIFFERENCE: Final = of("Largest difference", "Größter Unterschied")
FIRST_VALUE: Final = of("Measured first", "Zuerst gemessen")
SECOND_VALUE: Final = of("Measured again", "Erneut gemessen")
SHIFT: Final = of("Shift", "Verschiebung")

# Uncertainty.
BUDGET: Final = of("Uncertainty budget", "Messunsicherheitsbudget")
BUDGET_NOTE: Final = of(
    "For the point with the largest U; u is the standard uncertainty in {unit}, c the sensitivity.",
    "Für den Messpunkt mit dem größten U; u ist die Standardunsicherheit in {unit}, c die Empfindlichkeit.",
)
COMPONENT: Final = of("Component", "Beitrag")
DISTRIBUTION: Final = of("Type, distribution", "Typ, Verteilung")
ESTIMATE: Final = of("By the template", "Nach Vorlage")
VALUE: Final = of("Value", "Wert")
CONTRIBUTION: Final = of("|c| u", "|c| u")
COMBINED: Final = of("Combined standard uncertainty u", "Kombinierte Standardunsicherheit u")
DOF: Final = of("Effective degrees of freedom ν", "Effektive Freiheitsgrade ν")
COVERAGE_FACTOR: Final = of("Coverage factor k", "Erweiterungsfaktor k")
EXPANDED: Final = of("Expanded uncertainty U = k u", "Erweiterte Unsicherheit U = k u")
COVERAGE_P: Final = of("for a coverage probability of {p} %", "für eine Überdeckungswahrscheinlichkeit von {p} %")
COVERAGE_K: Final = of("k = {k}, fixed", "k = {k}, fest")
HALF_WIDTH: Final = of("half-width {value}", "Halbbreite {value}")
IS_U: Final = of("u = {value}", "u = {value}")
IS_EXPANDED: Final = of("U = {value}, k = {k}", "U = {value}, k = {k}")
OF_CERTIFICATE: Final = of("U and k of the certificate: {name}", "U und k des Kalibrierscheins: {name}")
OF_FIELD: Final = of("{field} of {name}", "{field} von {name}")
OF_SINGLE: Final = of("s of a single reading: {name}", "s einer einzelnen Anzeige: {name}")
OF_MEAN: Final = of("s of the mean: {name}", "s des Mittelwerts: {name}")
OF_WINDOW: Final = of("s of the window's mean", "s des Fenstermittelwerts")
SENSITIVITY_TO: Final = of("c by the formula, for {quantity}", "c nach der Formel, für {quantity}")
EDGE: Final = of("top over base {beta}", "Oberseite zu Basis {beta}")
SENSITIVITY: Final = of("c = {value}", "c = {value}")
DEGREES: Final = of("ν = {dof}", "ν = {dof}")
NOT_AT_ZERO: Final = of("not at zero", "nicht bei null")
NORMAL: Final = of("normal", "Normal")
RECTANGULAR: Final = of("rectangular", "Rechteck")
TRIANGULAR: Final = of("triangular", "Dreieck")
ARCSINE: Final = of("arcsine", "Arkussinus")
TRAPEZOID: Final = of("trapezoid", "Trapez")

# Limits.
LIMITS: Final = of("Limits and decision rule", "Grenzen und Entscheidungsregel")
NO_CONFORMITY: Final = of("No conformity is stated.", "Es wird keine Konformität ausgesagt.")
UP_TO: Final = of("Up to", "Bis")
FROM: Final = of("Above", "Über")
LOWER: Final = of("Lower limit", "Untere Grenze")
UPPER: Final = of("Upper limit", "Obere Grenze")
LARGEST_FOUND: Final = of("Largest found, U", "Größte gefundene, U")
BASIS_NOMINAL: Final = of("The nominal value says which limit holds.", "Welche Grenze gilt, sagt der Nennwert.")
BASIS_INDICATION: Final = of("The indication says which limit holds.", "Welche Grenze gilt, sagt die Anzeige.")
BASIS_SPAN: Final = of("Shares are those of the span.", "Anteile sind solche der Messspanne.")
RULE: Final = of("Decision rule", "Entscheidungsregel")
RULE_SIMPLE: Final = of(
    "simple acceptance: passes within the limits, without regard to U",
    "einfache Annahme: konform innerhalb der Grenzen, ohne Rücksicht auf U",
)
RULE_GUARD: Final = of(
    "guard band of {factor} U (ILAC-G8): passes within limits drawn in by it",
    "Schutzabstand von {factor} U (ILAC-G8): konform innerhalb der um ihn eingezogenen Grenzen",
)
RULE_NONBINARY: Final = of(
    "non-binary, guard band of {factor} U (ILAC-G8): pass, conditional pass, conditional fail, fail",
    "nicht binär, Schutzabstand von {factor} U (ILAC-G8): konform, bedingt konform, bedingt nicht konform,"
    " nicht konform",
)
AGREED: Final = of("The rule is agreed with the customer.", "Die Regel ist mit dem Auftraggeber vereinbart.")
RESULTS: Final = of("Computed results", "Berechnete Ergebnisse")
FIT: Final = of("Fitted", "Angepasst")
FIT_CURVE: Final = of("{y} over {x}, order {order}", "{y} über {x}, Grad {order}")
THROUGH_ORIGIN: Final = of("without a constant", "ohne Konstante")
WEIGHTED: Final = of("weights 1/u²", "Gewichte 1/u²")
ORIGIN: Final = of("powers of x - {origin}", "Potenzen von x - {origin}")
VERDICT: Final = of("Verdict", "Aussage")

# The end.
DEVIATIONS: Final = of("Deviations from the method, remarks", "Abweichungen vom Verfahren, Bemerkungen")
SIGNATURES: Final = of("Signatures", "Unterschriften")
FUNCTION: Final = of("Function", "Funktion")
NAME: Final = of("Name", "Name")
DATE: Final = of("Date", "Datum")
SIGNATURE: Final = of("Signature", "Unterschrift")
CALIBRATED_BY: Final = of("Calibrated by", "Kalibriert von")
CHECKED_BY: Final = of("Checked by", "Geprüft von")
RELEASED_BY: Final = of("Released by", "Freigegeben von")
