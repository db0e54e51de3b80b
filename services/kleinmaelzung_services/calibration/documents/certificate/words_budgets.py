"""The words of the uncertainty budgets."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

TITLE: Final = of("Uncertainty budget", "Messunsicherheitsbudget")
OF_SERIES: Final = of("{title}, {series}", "{title}, {series}")
WORST: Final = of(
    "In full for the point {point} {unit} {direction}, where U is largest beside its limit.",
    "Vollständig für den Messpunkt {point} {unit} {direction}, an dem U gegenüber der Grenze am größten ist.",
)
WORST_U: Final = of(
    "In full for the point {point} {unit} {direction}, where U is largest.",
    "Vollständig für den Messpunkt {point} {unit} {direction}, an dem U am größten ist.",
)
QUANTITY: Final = of("Quantity", "Größe")
ESTIMATE: Final = of("Made of", "Gebildet aus")
U: Final = of("u", "u")
UNIT: Final = of("Unit", "Einheit")
DISTRIBUTION: Final = of("Type, distribution", "Typ, Verteilung")
DOF: Final = of("ν", "ν")
SENSITIVITY: Final = of("c", "c")
CONTRIBUTION: Final = of("|c| u", "|c| u")
SHARE: Final = of("Share, %", "Anteil, %")
NOTE: Final = of(
    "a half-width, U expanded uncertainty, s standard deviation or u as given; ν degrees of freedom; c sensitivity, in"
    " {error_unit} per unit; share of u².",
    "a Halbbreite, U erweiterte Messunsicherheit, s Standardabweichung oder u wie angegeben; ν Freiheitsgrade;"
    " c Empfindlichkeitskoeffizient, in {error_unit} je Einheit; Anteil an u².",
)
NORMAL: Final = of("normal", "Normal")
RECTANGULAR: Final = of("rectangular", "Rechteck")
TRIANGULAR: Final = of("triangular", "Dreieck")
ARCSINE: Final = of("arcsine", "Arkussinus")
TRAPEZOID: Final = of("trapezoid", "Trapez")
BETA: Final = of("{distribution}, β = {beta}", "{distribution}, β = {beta}")
COMBINED: Final = of("Combined standard uncertainty u", "Kombinierte Standardunsicherheit u")
NU_EFF: Final = of("Effective degrees of freedom ν", "Effektive Freiheitsgrade ν")
FACTOR: Final = of("Coverage factor k", "Erweiterungsfaktor k")
FACTOR_IS: Final = of("{k}, {basis}", "{k}, {basis}")
EXPANDED: Final = of("Expanded uncertainty U = k u", "Erweiterte Messunsicherheit U = k u")
EXPANDED_IS: Final = of(
    "{exact} {unit}, reported as {rounded} {unit}", "{exact} {unit}, angegeben als {rounded} {unit}"
)
BASIS_T: Final = of("from the t-distribution for {p} %", "aus der t-Verteilung für {p} %")
BASIS_RECTANGULAR: Final = of(
    "from the dominant rectangular distribution for {p} %", "aus der dominierenden Rechteckverteilung für {p} %"
)
BASIS_TRAPEZOID: Final = of(
    "from the dominant trapezoidal distribution for {p} %", "aus der dominierenden Trapezverteilung für {p} %"
)
BASIS_MONTE_CARLO: Final = of(
    "by Monte Carlo (JCGM 101, {trials} trials, seed {seed}) for {p} %: terms of second order have {share} % of u²",
    "nach Monte Carlo (JCGM 101, {trials} Versuche, Startwert {seed}) für {p} %: Glieder zweiter Ordnung haben"
    " {share} % von u²",
)
BASIS_FIXED: Final = of("fixed by the template", "durch die Vorlage festgelegt")
SHORT_T: Final = of("t", "t")
SHORT_RECTANGULAR: Final = of("rectangular", "Rechteck")
SHORT_TRAPEZOID: Final = of("trapezoid", "Trapez")
SHORT_MONTE_CARLO: Final = of("Monte Carlo", "Monte Carlo")
SHORT_FIXED: Final = of("fixed", "fest")
SUMMARY: Final = of("All points", "Alle Messpunkte")
K_FROM: Final = of("k from", "k aus")

# What U means: the wording of EA-4/02 M:2022, chapter 6, fitted to what k was taken from.
COVERAGE: Final = of("Statement of uncertainty", "Angabe der Messunsicherheit")
EACH_K: Final = of("k stated with each point", "k, der bei jedem Messpunkt angegeben ist")
ONE_K: Final = of("k = {k}", "k = {k}")
_STATED_EN: Final = (
    "The reported expanded uncertainty of measurement is stated as the standard uncertainty of measurement multiplied"
    " by the coverage factor {k}, which"
)
_STATED_DE: Final = (
    "Angegeben ist die erweiterte Messunsicherheit, die sich aus der Standardmessunsicherheit durch Multiplikation mit"
    " dem Erweiterungsfaktor {k} ergibt."
)
SENTENCE_NORMAL: Final = of(
    f"{_STATED_EN} for a normal distribution corresponds to a coverage probability of approximately {{p}} %.",
    f"{_STATED_DE} Er entspricht bei einer Normalverteilung einer Überdeckungswahrscheinlichkeit von etwa {{p}} %.",
)
SENTENCE_T: Final = of(
    f"{_STATED_EN} for a t-distribution with the stated effective degrees of freedom ν corresponds to a coverage"
    " probability of approximately {p} %.",
    f"{_STATED_DE} Er entspricht bei einer t-Verteilung mit den angegebenen effektiven Freiheitsgraden ν einer"
    " Überdeckungswahrscheinlichkeit von etwa {p} %.",
)
SENTENCE_RECTANGULAR: Final = of(
    f"{_STATED_EN} has been derived from the assumed rectangular probability distribution for a coverage probability"
    " of {p} %.",
    f"{_STATED_DE} Er wurde aus der angenommenen Rechteckverteilung für eine Überdeckungswahrscheinlichkeit von {{p}} %"
    " abgeleitet.",
)
SENTENCE_TRAPEZOID: Final = of(
    f"{_STATED_EN} has been derived from the assumed trapezoidal probability distribution for a coverage probability"
    " of {p} %.",
    f"{_STATED_DE} Er wurde aus der angenommenen Trapezverteilung für eine Überdeckungswahrscheinlichkeit von {{p}} %"
    " abgeleitet.",
)
SENTENCE_MONTE_CARLO: Final = of(
    f"{_STATED_EN} has been derived from the distribution that a Monte Carlo calculation (JCGM 101) gave, for a"
    " coverage probability of {p} %.",
    f"{_STATED_DE} Er wurde aus der Verteilung, die eine Monte-Carlo-Rechnung (JCGM 101) ergab, für eine"
    " Überdeckungswahrscheinlichkeit von {p} % abgeleitet.",
)
SENTENCE_FIXED: Final = of(
    f"{_STATED_EN} the template fixes; for a normal distribution it corresponds to a coverage probability of"
    " approximately {p} %.",
    f"{_STATED_DE} Die Vorlage legt ihn fest; bei einer Normalverteilung entspricht er einer"
    " Überdeckungswahrscheinlichkeit von etwa {p} %.",
)
OF_POINT: Final = of("Point {points} {unit}: {sentence}", "Messpunkt {points} {unit}: {sentence}")
OF_POINTS: Final = of("Points {points} {unit}: {sentence}", "Messpunkte {points} {unit}: {sentence}")
METHOD: Final = of(
    "The standard uncertainty of measurement has been determined in accordance with EA-4/02 M:2022.",
    "Die Standardmessunsicherheit wurde gemäß EA-4/02 M:2022 ermittelt.",
)
