"""Words of the last pages of a certificate: conformity with rule and risk, opinions, what must be said, signatures."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

CONFORMITY: Final = of(
    "Statement of conformity, decision rule and risk", "Konformitätsaussage, Entscheidungsregel und Risiko"
)
NONE_STATED: Final = of(
    "No conformity is stated: the procedure sets no limits.",
    "Es wird keine Konformität ausgesagt: das Verfahren gibt keine Grenzen vor.",
)
SPECIFICATION: Final = of(
    "Specification: limits of the {result}, by the procedure {version}.",
    "Spezifikation: Grenzen der {result}, nach dem Verfahren {version}.",
)
OF_ERROR: Final = of("error of measurement", "Messabweichung")
OF_CORRECTION: Final = of("correction", "Korrektur")
SET_BY_PROCEDURE: Final = of(
    "It is the one that the procedure sets.",
    "Sie ist die, die das Verfahren festlegt.",
)
RULE: Final = of("Decision rule: {rule}.", "Entscheidungsregel: {rule}.")
APPLIES: Final = of(
    "The statement refers to the points in the table of results ({series}): {verdict}.",
    "Die Aussage bezieht sich auf die Messpunkte der Ergebnistabelle ({series}): {verdict}.",
)
LARGEST_RISK: Final = of(
    "The largest risk that the verdict of a point is wrong is {risk} %.",
    "Das größte Risiko, dass die Aussage zu einem Messpunkt falsch ist, beträgt {risk} %.",
)
RISK: Final = of(
    "Risk: a result that just passes has a probability of up to {accept} % that its true value is outside the limits"
    " (false acceptance); one that just fails, of up to {reject} % that it is within them (false rejection). Specific"
    " risks after JCGM 106:2012, of a normal distribution.",
    "Risiko: bei einem gerade noch konformen Ergebnis liegt der wahre Wert mit einer Wahrscheinlichkeit bis {accept} %"
    " außerhalb der Grenzen (falsche Annahme); bei einem gerade nicht konformen bis {reject} % innerhalb (falsche"
    " Zurückweisung). Spezifische Risiken nach JCGM 106:2012, bei Normalverteilung.",
)
RISK_CONDITIONAL: Final = of(
    "A conditional statement has a risk of up to {risk} %.", "Eine bedingte Aussage hat ein Risiko bis {risk} %."
)
MOVED: Final = of(
    "The check point {point} {unit} has moved by {value} {error_unit}; {permitted} {error_unit} are permitted."
    " Therefore no statement is possible.",
    "Der Kontrollpunkt {point} {unit} hat sich um {value} {error_unit} verschoben; zulässig sind {permitted}"
    " {error_unit}. Daher ist keine Aussage möglich.",
)
COMPUTED_RULE: Final = of(
    "Computed results are compared with what the procedure permits, without regard to their uncertainty.",
    "Berechnete Ergebnisse werden mit dem verglichen, was das Verfahren zulässt, ohne Rücksicht auf ihre Unsicherheit.",
)
COMPUTED: Final = of("Computed results ({series}): {verdict}.", "Berechnete Ergebnisse ({series}): {verdict}.")
OPINIONS: Final = of("Opinions and interpretations", "Meinungen und Interpretationen")
OPINION_OF: Final = of("Opinion of {name}", "Meinung von {name}")
OF_LABORATORY: Final = of("Opinion of the laboratory", "Meinung des Laboratoriums")
INTERVAL: Final = of("Next calibration", "Nächste Kalibrierung")
MONTHS: Final = of(
    "Recommended after {months} months, as agreed with the customer.",
    "Empfohlen nach {months} Monaten, wie mit dem Auftraggeber vereinbart.",
)
AMENDMENT: Final = of("Amendment", "Änderung")
AMENDED: Final = of(
    "Amendment to certificate no. {name}: this certificate replaces it.",
    "Änderung zum Kalibrierschein Nr. {name}: dieser Kalibrierschein ersetzt ihn.",
)
REASON: Final = of("Reason", "Grund")
FIELD: Final = of("What was changed", "Was geändert wurde")
BEFORE: Final = of("Before", "Vorher")
AFTER: Final = of("Now", "Jetzt")
NOTES: Final = of("Notes", "Hinweise")
ONLY_ITEM: Final = of(
    "The results relate only to the item calibrated, in the condition in which it was calibrated.",
    "Die Ergebnisse beziehen sich nur auf den kalibrierten Gegenstand in dem Zustand, in dem er kalibriert wurde.",
)
IN_FULL: Final = of(
    "This certificate shall not be reproduced except in full without approval of the laboratory.",
    "Dieser Kalibrierschein darf ohne Genehmigung des Laboratoriums nicht auszugsweise vervielfältigt werden.",
)
SIGNATURES: Final = of("Authorisation and signature", "Freigabe und Signatur")
SIGNED_BY: Final = of("Electronic signature", "Elektronische Signatur")
FINGERPRINT: Final = of("Key's certificate, SHA-256", "Zertifikat des Schlüssels, SHA-256")
NOT_SIGNED: Final = of(
    "unsigned copy: nothing proves that this file was not changed",
    "nicht signierte Ausfertigung: nichts beweist, dass diese Datei nicht verändert wurde",
)
SOFTWARE: Final = of("Calculated and drawn by", "Berechnet und erstellt mit")
CODE: Final = of(
    "Certificate {number}, revision {revision}\nSHA-256 of the attached record {file}:\n{sha256}",
    "Kalibrierschein {number}, Revision {revision}\nSHA-256 der angehängten Aufzeichnung {file}:\n{sha256}",
)
END: Final = of("End of certificate", "Ende des Kalibrierscheins")
