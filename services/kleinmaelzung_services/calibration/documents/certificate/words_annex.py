"""Words of the annex: the readings as they were taken, and who did what when."""

from typing import Final

from kleinmaelzung_services.calibration.documents.texts import of

READINGS: Final = of("Annex: readings", "Anhang: Messwerte")
READINGS_NOTE: Final = of(
    "Each row is one captured window of samples, or one value that was typed in: n samples, their mean, standard"
    " deviation s and range. No. is the order in which they were taken. The samples are in the attached file"
    " record.json.",
    "Jede Zeile ist ein aufgezeichnetes Fenster von Einzelwerten oder ein von Hand eingegebener Wert: n Einzelwerte,"
    " ihr Mittelwert, ihre Standardabweichung s und Spanne. Nr. ist die Reihenfolge der Aufnahme. Die Einzelwerte"
    " stehen in der angehängten Datei record.json.",
)
SERIES_TEST: Final = of("{series}, {number}. {title}", "{series}, {number}. {title}")
AS_FOUND: Final = of("As found", "Eingangskalibrierung")
AS_LEFT: Final = of("As left", "Ausgangskalibrierung")
TAKEN: Final = of("Taken on {day} by {by}; times are UTC.", "Aufgenommen am {day} von {by}; Zeiten in UTC.")
TAKEN_DAYS: Final = of("Taken by {by}; times are UTC.", "Aufgenommen von {by}; Zeiten in UTC.")
REPEAT: Final = of("Rep.", "Wdh.")
SIGNAL: Final = of("Signal", "Signal")
INDICATION: Final = of("indication", "Anzeige")
RAW: Final = of("raw signal", "Rohsignal")
ZERO: Final = of("zero", "Null")
IN_UNIT: Final = of("{signal}, {unit}", "{signal}, {unit}")
COUNT: Final = of("n", "n")
MEAN: Final = of("Mean", "Mittelwert")
DEVIATION: Final = of("s", "s")
RANGE: Final = of("Range", "Spanne")
REMARK: Final = of("Remark", "Bemerkung")
BY: Final = of("by {by}", "von {by}")
STRUCK: Final = of("struck out, does not count: {reason}", "gestrichen, zählt nicht: {reason}")
MANUAL: Final = of("typed in by hand: {reason}", "von Hand eingegeben: {reason}")
QUALITY: Final = of("the stream said: {flags}", "Angabe des Datenstroms: {flags}")
FRAMES_NOTE: Final = of(
    "Where the samples above come from: frames of the streams in the log, and the SHA-256 over the bytes of each"
    " window's frames, one after the other.",
    "Woher die Einzelwerte oben stammen: Frames der Datenströme in der Datenbank, und der SHA-256 über die Bytes der"
    " Frames jedes Fensters, eines nach dem anderen.",
)
FRAMES: Final = of("Frames", "Frames")
FRAME_RANGE: Final = of(
    "{instrument}, run {epoch}, frames {first} to {last}", "{instrument}, Lauf {epoch}, Frames {first} bis {last}"
)
ONE_FRAME: Final = of("{instrument}, run {epoch}, frame {first}", "{instrument}, Lauf {epoch}, Frame {first}")
SHA256: Final = of("SHA-256", "SHA-256")

TRAIL: Final = of("Annex: who did what when", "Anhang: wer was wann getan hat")
TIME: Final = of("Time, UTC", "Zeit, UTC")
WHAT: Final = of("What", "Was")
WHO: Final = of("Who", "Wer")
ABOUT: Final = of("About it", "Näheres")
TICKED: Final = of("prepared", "vorbereitet")
DEVIATED: Final = of("deviation from the method", "Abweichung vom Verfahren")
STARTED: Final = of("calibration started, as found", "Eingangskalibrierung begonnen")
FINISHED: Final = of("calibration finished, as found", "Eingangskalibrierung beendet")
LEFT_STARTED: Final = of("calibration started, as left", "Ausgangskalibrierung begonnen")
LEFT_FINISHED: Final = of("calibration finished, as left", "Ausgangskalibrierung beendet")
ADJUSTED: Final = of("adjusted", "justiert")
OPERATOR: Final = of("confirmed as the operator", "als Ausführender bestätigt")
REVIEWED: Final = of("reviewed", "geprüft")
APPROVED: Final = of("approved", "freigegeben")
ISSUED: Final = of("certificate issued", "Kalibrierschein ausgestellt")
SIGNED_BY: Final = of("signed by the key of {name}", "signiert mit dem Schlüssel von {name}")
