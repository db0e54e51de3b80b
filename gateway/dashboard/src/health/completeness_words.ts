import { inBoth } from "../words/language.ts";

export const completenessWords = inBoth(
  {
    title: "Completeness",
    explanation: "Every frame an agent takes is numbered. Here the numbers are counted that are in the database.",
    range: "Time",
    ranges: { day: "Last day", week: "Last week", all: "All" },
    instrument: "Instrument",
    ofAgent: "what the agent itself was told",
    recorded: "Recorded",
    percent: "Percent",
    verdicts: {
      complete: "complete",
      explained: "explained",
      waiting: "still under way",
      lacking: "something is missing",
      nothing: "nothing yet",
    },
    asking: "Counting …",
    asOf: (time: string) => `As of ${time}`,
    again: "Count again",
    none: "Nothing was recorded in this time.",
    noneOf: "Nothing was recorded of it in this time.",
    noLogger: "No logger is there that could be asked.",
    failed: (sentence: string) => `It could not be counted: ${sentence}`,
    someComplete: (complete: string, all: string) => `${complete} of ${all} are complete.`,
    showAll: (all: string) => `Show all ${all}`,
    details: "Details",
    detailsOf: (instrument: string) => `Details of ${instrument}`,

    nothing: "nothing recorded",
    of: (received: string, expected: string) => `${received} of ${expected}`,
    noGap: "no gap",
    pauses: (count: number, shown: string) =>
      count === 1 ? "one pause in which nothing was taken" : `${shown} pauses in which nothing was taken`,
    explained: (_: number, shown: string) => `${shown} missing with a known reason`,
    noReason: (_: number, shown: string) => `${shown} missing, and nobody has said why`,
    underWay: (_: number, shown: string) => `${shown} missing, which may still come from its agent`,
    quarantined: (_: number, shown: string) => `${shown} came and could not be stored (quarantine)`,
    conflicts: (_: number, shown: string) => `${shown} came with a number that was taken; the first ones stayed`,
    waitingAt: (agent: string, count: number, shown: string) =>
      count === 1 ? `${agent} still has one frame to send.` : `${agent} still has ${shown} frames to send.`,
    awayAt: (agent: string) => `${agent} is offline: whether it still has frames is not known.`,

    missingFrames: "Missing frames",
    pausesTitle: "Times in which nothing was taken",
    runs: "Runs of the agent",
    noMissing: "No frame is missing.",
    noPauses: "There was none.",
    before: (_: number, shown: string) => `and ${shown} before these`,
    frame: (number: string) => `frame ${number}`,
    frames: (first: string, last: string) => `frames ${first} to ${last}`,
    ofRun: (since: string) => `of the run since ${since}`,
    run: (since: string, until: string) => `${since} to ${until}`,
    inQuarantine: "in quarantine",
    fromTo: (from: string, to: string) => `${from} to ${to}`,
    since: (since: string) => `since ${since}`,
    until: (until: string) => `until ${until}`,
    unknownTime: "at an unknown time",
    notKnownYet: "reason not known yet",
  },
  {
    title: "Vollständigkeit",
    explanation:
      "Jeder Frame, den ein Agent aufnimmt, hat eine Nummer. Hier sind die Nummern gezählt, die in der Datenbank sind.",
    range: "Zeit",
    ranges: { day: "Letzter Tag", week: "Letzte Woche", all: "Alles" },
    instrument: "Gerät",
    ofAgent: "was dem Agenten selbst gesagt wurde",
    recorded: "Aufgezeichnet",
    percent: "Prozent",
    verdicts: {
      complete: "vollständig",
      explained: "erklärt",
      waiting: "noch unterwegs",
      lacking: "etwas fehlt",
      nothing: "noch nichts",
    },
    asking: "Es wird gezählt …",
    asOf: (time: string) => `Stand ${time}`,
    again: "Neu zählen",
    none: "In dieser Zeit wurde nichts aufgezeichnet.",
    noneOf: "In dieser Zeit wurde nichts von ihm aufgezeichnet.",
    noLogger: "Es ist kein Logger da, den man fragen könnte.",
    failed: (sentence: string) => `Es konnte nicht gezählt werden: ${sentence}`,
    someComplete: (complete: string, all: string) => `${complete} von ${all} sind vollständig.`,
    showAll: (all: string) => `Alle ${all} zeigen`,
    details: "Einzelheiten",
    detailsOf: (instrument: string) => `Einzelheiten zu ${instrument}`,

    nothing: "nichts aufgezeichnet",
    of: (received: string, expected: string) => `${received} von ${expected}`,
    noGap: "keine Lücke",
    pauses: (count: number, shown: string) =>
      count === 1
        ? "eine Pause, in der nichts aufgenommen wurde"
        : `${shown} Pausen, in denen nichts aufgenommen wurde`,
    explained: (count: number, shown: string) =>
      count === 1 ? "1 fehlt aus bekanntem Grund" : `${shown} fehlen aus bekanntem Grund`,
    noReason: (count: number, shown: string) =>
      count === 1 ? "1 fehlt, und niemand hat gesagt, warum" : `${shown} fehlen, und niemand hat gesagt, warum`,
    underWay: (count: number, shown: string) =>
      count === 1 ? "1 fehlt und kann noch vom Agenten kommen" : `${shown} fehlen und können noch vom Agenten kommen`,
    quarantined: (count: number, shown: string) =>
      count === 1
        ? "1 kam und konnte nicht gespeichert werden (Quarantäne)"
        : `${shown} kamen und konnten nicht gespeichert werden (Quarantäne)`,
    conflicts: (count: number, shown: string) =>
      count === 1
        ? "1 kam mit einer Nummer, die vergeben war; der erste blieb"
        : `${shown} kamen mit Nummern, die vergeben waren; die ersten blieben`,
    waitingAt: (agent: string, count: number, shown: string) =>
      count === 1 ? `${agent} hat noch einen Frame zu senden.` : `${agent} hat noch ${shown} Frames zu senden.`,
    awayAt: (agent: string) => `${agent} ist offline: ob er noch Frames hat, ist nicht bekannt.`,

    missingFrames: "Fehlende Frames",
    pausesTitle: "Zeiten, in denen nichts aufgenommen wurde",
    runs: "Läufe des Agenten",
    noMissing: "Kein Frame fehlt.",
    noPauses: "Es gab keine.",
    before: (_: number, shown: string) => `und ${shown} davor`,
    frame: (number: string) => `Frame ${number}`,
    frames: (first: string, last: string) => `Frames ${first} bis ${last}`,
    ofRun: (since: string) => `des Laufs seit ${since}`,
    run: (since: string, until: string) => `${since} bis ${until}`,
    inQuarantine: "in Quarantäne",
    fromTo: (from: string, to: string) => `${from} bis ${to}`,
    since: (since: string) => `seit ${since}`,
    until: (until: string) => `bis ${until}`,
    unknownTime: "zu unbekannter Zeit",
    notKnownYet: "Grund noch nicht bekannt",
  },
);
