"""Words of the first page of a certificate, and of what stands on every page."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

TITLE: Final = of("Calibration certificate", "Kalibrierschein")
FILE_TITLE: Final = of("Calibration certificate {name}: {title}", "Kalibrierschein {name}: {title}")
NUMBER: Final = of("No. {number}, revision {revision}", "Nr. {number}, Revision {revision}")
REPLACES: Final = of("replaces {name}", "ersetzt {name}")
UNSIGNED: Final = of("unsigned copy", "nicht signierte Ausfertigung")
WATERMARK: Final = of("SPECIMEN", "MUSTER")
SPECIMEN: Final = of(
    "Specimen: the readings are simulated. This is not the certificate of a calibration.",
    "Muster: die Messwerte sind simuliert. Dies ist kein Kalibrierschein einer Kalibrierung.",
)
AMENDMENT: Final = of(
    "Amendment to certificate no. {name}: this certificate replaces it. Reason: {reason}",
    "Änderung zum Kalibrierschein Nr. {name}: dieser Kalibrierschein ersetzt ihn. Grund: {reason}",
)
CHANGES_BELOW: Final = of(
    "What was changed is listed at the end, under {heading}.",
    "Was geändert wurde, steht am Ende unter {heading}.",
)
LABORATORY: Final = of("Laboratory", "Laboratorium")
ADDRESS: Final = of("Address", "Anschrift")
CONTACT: Final = of("Contact", "Kontakt")
INSTRUMENT_ID: Final = of("Identification", "Kennung")
CONDITION: Final = of("Condition on receipt", "Zustand bei Eingang")
CALIBRATION: Final = of("Calibration", "Kalibrierung")
SENSOR: Final = of("Sensor", "Sensor")
DATES: Final = of("Dates and place", "Daten und Ort")
RECEIVED: Final = of("Date of receipt", "Eingangsdatum")
PERFORMED: Final = of("Date of calibration", "Datum der Kalibrierung")
ISSUED: Final = of("Date of issue", "Ausstellungsdatum")
PERMANENT: Final = of("permanent laboratory", "ständiges Laboratorium")
SITE: Final = of("on site", "vor Ort")
AT_CUSTOMER: Final = of("at the customer's", "beim Auftraggeber")
MOBILE: Final = of("mobile laboratory", "mobiles Laboratorium")
RESULT: Final = of("Result", "Ergebnis")
CONFORMITY: Final = of("Statement of conformity", "Konformitätsaussage")
CONFORMS: Final = of(
    "pass: every result conforms to the specification", "konform: alle Ergebnisse halten die Spezifikation ein"
)
CONFORMS_CONDITIONALLY: Final = of(
    "conditional pass: every result is within the limits, at least one nearer to a limit than the guard band",
    "bedingt konform: alle Ergebnisse liegen innerhalb der Grenzen, mindestens eines davon im Schutzabstand",
)
FAILS_CONDITIONALLY: Final = of(
    "conditional fail: at least one result is outside the limits, by no more than the guard band",
    "bedingt nicht konform: mindestens ein Ergebnis liegt außerhalb der Grenzen, höchstens um den Schutzabstand",
)
FAILS: Final = of(
    "fail: by the decision rule at least one result does not conform to the specification",
    "nicht konform: nach der Entscheidungsregel hält mindestens ein Ergebnis die Spezifikation nicht ein",
)
CANNOT_SAY: Final = of(
    "no statement possible: the uncertainty is too large for the limits, or a check point has moved too far",
    "keine Aussage möglich: die Messunsicherheit ist zu groß für die Grenzen, oder ein Kontrollpunkt hat sich zu weit"
    " verschoben",
)
NOT_ASKED: Final = of(
    "not stated: the procedure sets no limits", "nicht ausgesagt: das Verfahren gibt keine Grenzen vor"
)
SENTENCES: Final = {
    "pass": CONFORMS,
    "conditional pass": CONFORMS_CONDITIONALLY,
    "conditional fail": FAILS_CONDITIONALLY,
    "fail": FAILS,
    "no statement possible": CANNOT_SAY,
    "not stated": NOT_ASKED,
}
SERIES: Final = of("{series}: {sentence}", "{series}: {sentence}")
RULE: Final = of("Decision rule: {rule}.", "Entscheidungsregel: {rule}.")
TRACEABILITY: Final = of("Metrological traceability", "Metrologische Rückführung")
TRACEABLE: Final = of(
    "The results are traceable to the International System of Units (SI) through the measurement standards listed under"
    " {heading}. These were calibrated with the certificates: {certificates}.",
    "Die Ergebnisse sind auf das Internationale Einheitensystem (SI) zurückgeführt, und zwar über die Bezugsnormale"
    " unter {heading}. Diese wurden mit folgenden Kalibrierscheinen kalibriert: {certificates}.",
)
OF_LABORATORY: Final = of("{number} ({laboratory})", "{number} ({laboratory})")
AUTHORISED: Final = of("Authorised by", "Freigegeben von")
NOBODY: Final = of("nobody", "niemand")
ATTACHED_DCC: Final = of(
    "Digital calibration certificate (DCC): the results for machines",
    "Digitaler Kalibrierschein (DCC): die Ergebnisse für Maschinen",
)
ATTACHED_RECORD: Final = of(
    "Record of the calibration: every observation", "Aufzeichnung der Kalibrierung: alle Beobachtungen"
)
ATTACHED_TEMPLATE: Final = of("Template of the calibration: the procedure", "Vorlage der Kalibrierung: das Verfahren")
ATTACHED_CERTIFICATE: Final = of(
    "The certificate's numbers, not rounded, and its issue",
    "Die Zahlen des Kalibrierscheins, ungerundet, und seine Ausstellung",
)
