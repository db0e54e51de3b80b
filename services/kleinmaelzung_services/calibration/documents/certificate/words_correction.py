"""The words of the correction function."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

TITLE: Final = of("Correction function", "Korrekturfunktion")
CHARACTERISTIC_CURVE: Final = of("Calibration function", "Kalibrierfunktion")
OF_SERIES: Final = of("{title}, {series}", "{title}, {series}")
CONSTANT: Final = of("a constant", "eine Konstante")
LINE: Final = of("a straight line", "eine Gerade")
QUADRATIC: Final = of("a parabola", "eine Parabel")
INTRODUCTION: Final = of(
    "{y} over {x}: {curve}{origin}, fitted by least squares to {count} readings, {weighting}. It holds from {low} to"
    " {high} {unit} and nowhere else.",
    "{y} über {x}: {curve}{origin}, nach kleinsten Quadraten an {count} Anzeigen angepasst, {weighting}. Sie gilt von"
    " {low} bis {high} {unit} und nirgends sonst.",
)
THROUGH_ORIGIN: Final = of(" through ({origin}; 0)", " durch ({origin}; 0)")
UNWEIGHTED: Final = of("not weighted", "ungewichtet")
WEIGHTED: Final = of("weighted with 1/u²", "mit 1/u² gewichtet")
ERROR: Final = of("error", "Messabweichung")
CORRECTION: Final = of("correction", "Korrektur")
RAW: Final = of("raw signal", "Rohsignal")
INDICATION: Final = of("indication", "Anzeige")
REFERENCE: Final = of("reference", "Referenz")
IN_UNIT: Final = of("{name} in {unit}", "{name} in {unit}")
COEFFICIENT: Final = of("Coefficient", "Koeffizient")
VALUE: Final = of("Value", "Wert")
STANDARD_UNCERTAINTY: Final = of("Standard uncertainty u", "Standardunsicherheit u")
TIMES: Final = of("Times", "Mal")
UNIT: Final = of("Unit", "Einheit")
DIGITS: Final = of(
    "The values have two digits more than u, so that rounding adds nothing (GUM 7.2.6).",
    "Die Werte haben zwei Stellen mehr als u, damit das Runden nichts beiträgt (GUM 7.2.6).",
)
CORRELATION: Final = of("Correlation coefficients", "Korrelationskoeffizienten")
FIGURES: Final = of("How well it fits", "Güte der Anpassung")
RESIDUAL_S: Final = of("Residual standard deviation s", "Reststandardabweichung s")
CHI: Final = of(
    "Weighted residual standard deviation (1 is expected)", "Gewichtete Reststandardabweichung (erwartet: 1)"
)
GAMMA: Final = of(
    "Largest residual over its u (ISO 6143: Γ, at most 2)", "Größtes Residuum durch sein u (ISO 6143: Γ, höchstens 2)"
)
DOF: Final = of("Degrees of freedom", "Freiheitsgrade")
LACK_OF_FIT: Final = of("Lack of fit", "Mangel an Anpassung (Lack of fit)")
LACK_OF_FIT_IS: Final = of(
    "F = {f} with {lack} and {pure} degrees of freedom, p = {p}: {verdict}",
    "F = {f} mit {lack} und {pure} Freiheitsgraden, p = {p}: {verdict}",
)
FITS: Final = of("no sign that the function is wrong", "kein Anzeichen, dass die Funktion nicht passt")
FITS_NOT: Final = of(
    "the replicates scatter less than the function deviates",
    "die Wiederholungen streuen weniger, als die Funktion abweicht",
)
RANGE: Final = of("Range", "Geltungsbereich")
COMMON: Final = of("u₀ that all points share", "u₀, das alle Messpunkte gemeinsam haben")
UNCERTAINTY: Final = of(
    "Its standard uncertainty: {equation}, see u₀ below.", "Ihre Standardunsicherheit: {equation}, u₀ siehe unten."
)
COMMON_IS: Final = of(
    "{u} {unit}; it does not average out and is added to u of the function (GUM H.3.6)",
    "{u} {unit}; es mittelt sich nicht heraus und wird zu u der Funktion addiert (GUM H.3.6)",
)
WORKED: Final = of("Example", "Beispiel")
WORKED_NOTE: Final = of(
    "A place that was not measured. U is that of the function, with what all points share; the scatter of the reading"
    " itself is not in it.",
    "Eine Stelle, an der nicht gemessen wurde. U ist das der Funktion samt dem, was alle Messpunkte gemeinsam haben;"
    " die Streuung der Ablesung selbst ist nicht enthalten.",
)
READING: Final = of("Reading", "Ablesung")
SIGNAL: Final = of("Signal", "Signal")
AT_REFERENCE: Final = of("Reference", "Referenz")
BY_FUNCTION: Final = of("{name} by the function", "{name} nach der Funktion")
CORRECTED: Final = of("Corrected value", "Korrigierter Wert")
READING_LESS: Final = of("{value} {unit} (reading − error)", "{value} {unit} (Ablesung − Messabweichung)")
READING_PLUS: Final = of("{value} {unit} (reading + correction)", "{value} {unit} (Ablesung + Korrektur)")
MEASURED: Final = of("Value by the function", "Messwert nach der Funktion")
EXPANDED: Final = of("Expanded uncertainty U", "Erweiterte Messunsicherheit U")
EXPANDED_IS: Final = of("{expanded} {unit}, k = {k} ({p} %)", "{expanded} {unit}, k = {k} ({p} %)")
RESIDUALS: Final = of("Residuals", "Residuen")
NUMBER: Final = of("No.", "Nr.")
BY_CURVE: Final = of("By the function", "Nach der Funktion")
RESIDUAL: Final = of("Residual", "Residuum")
CHART_CURVE: Final = of("Readings and function", "Anzeigen und Funktion")
CHART_RESIDUALS: Final = of("Residuals of the function", "Residuen der Funktion")
LEGEND_READING: Final = of("reading", "Anzeige")
LEGEND_CURVE: Final = of("function", "Funktion")
LEGEND_RESIDUAL: Final = of("residual: reading less function", "Residuum: Anzeige abzüglich Funktion")
