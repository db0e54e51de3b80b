// A mark as a sentence: when, what, who, and what became of it.

import { alarmInWords } from "../lab/words.ts";
import type { Gap } from "../plot/gaps.ts";
import { formatTime } from "../words/numbers.ts";
import { gapInWords } from "./gap_words.ts";
import type { Certificate, LedgerEntry, Mark, Note, RecordedAlarm } from "./marks.ts";
import { instrumentWords } from "./words.ts";

const LONGEST = 300;

export function markInWords(mark: Mark, nowMs: number): string {
  const words = instrumentWords.value;
  const at = formatTime(mark.at, nowMs);
  switch (mark.kind) {
    case "command":
      return `${at} ${words.command} ${commandInWords(mark.what as LedgerEntry)}`;
    case "alarm":
    case "warning":
      return `${at} ${words[mark.kind]}: ${recordedInWords(mark.what as RecordedAlarm, nowMs)}`;
    case "calibration":
      return `${at} ${words.calibration}: ${certificateInWords(mark.what as Certificate)}`;
    case "note":
      return `${at} ${words.noteMark} ${noteInWords(mark.what as Note)}`;
    default:
      return `${words.gap} ${gapInWords(mark.what as Gap, nowMs)}`;
  }
}

function commandInWords({ name, arguments: given, user, result, reason, values }: LedgerEntry): string {
  const words = instrumentWords.value;
  const became = words.results[result] ?? result;
  const told = reason !== "" ? `: ${reason}` : pairs(values) !== "" ? `: ${pairs(values)}` : "";
  return clipped(`${name}${pairs(given) && ` (${pairs(given)})`} ${words.by(user)}, ${became}${told}`);
}

/** `{"value": 20}` as "value = 20". */
function pairs(json: string): string {
  try {
    const told = JSON.parse(json || "{}") as Record<string, unknown>;
    return Object.entries(told)
      .map(([name, value]) => `${name} = ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
      .join(", ");
  } catch {
    return json;
  }
}

function recordedInWords({ alarm, cleared }: RecordedAlarm, nowMs: number): string {
  const words = instrumentWords.value;
  const ended = cleared ? words.cleared(formatTime(cleared, nowMs)) : words.lasts;
  return clipped(`${alarmInWords(alarm)}, ${ended}`);
}

function certificateInWords({ number, revision, user, verdict }: Certificate): string {
  const words = instrumentWords.value;
  const which = revision > 1 ? `${number}/${revision}` : number;
  return clipped(`${words.certificate(which)} ${words.by(user)}${verdict ? `, ${verdict}` : ""}`);
}

function noteInWords({ text, user }: Note): string {
  return clipped(`${instrumentWords.value.by(user)}: ${text}`);
}

function clipped(sentence: string): string {
  return sentence.length > LONGEST ? `${sentence.slice(0, LONGEST - 1)}…` : sentence;
}
