// What happened beside the values: commands, alarms, calibrations, notes and gaps as marks on the time line. Pure.

import type { Gap } from "../plot/gaps.ts";
import type { Alarm } from "../wire/messages.ts";

export type MarkKind = "command" | "alarm" | "warning" | "calibration" | "note" | "gap";

export interface Mark {
  id: string;
  kind: MarkKind;
  at: number; // µs
  what: LedgerEntry | RecordedAlarm | Certificate | Note | Gap;
}

export interface LedgerEntry {
  number: number;
  time: number;
  received: number;
  user: string;
  name: string;
  arguments: string;
  result: string;
  reason: string;
  values: string;
}

export interface RecordedAlarm {
  number: number;
  highest: "warning" | "alarm";
  cleared: number | null;
  reason: string;
  alarm: Alarm;
}

export interface Certificate {
  number: string;
  revision: number;
  issued: number;
  user: string;
  verdict: string;
}

export interface Note {
  number: number;
  instrument: string;
  at: number;
  until: number | null;
  text: string;
  user: string;
  noted: number;
  withdrawn: { user: string; time: number; reason: string } | null;
}

export const SHAPES: Record<MarkKind, string> = {
  command: "\u25b6",
  alarm: "\u25b2",
  warning: "\u25c6",
  calibration: "\u2713",
  note: "\u25a0",
  gap: "\u2016",
};

export function marksOf(known: {
  entries: readonly LedgerEntry[];
  alarms: readonly RecordedAlarm[];
  certificates: readonly Certificate[];
  notes: readonly Note[];
}): Mark[] {
  const marks: Mark[] = [
    ...known.entries.map(
      (what): Mark => ({ id: `command ${what.number}`, kind: "command", at: what.time || what.received, what }),
    ),
    ...known.alarms.map(
      (what): Mark => ({ id: `alarm ${what.number}`, kind: what.highest, at: what.alarm.since, what }),
    ),
    ...known.certificates.map(
      (what): Mark => ({
        id: `certificate ${what.number} ${what.revision}`,
        kind: "calibration",
        at: what.issued,
        what,
      }),
    ),
    ...known.notes
      .filter(({ withdrawn }) => withdrawn === null)
      .map((what): Mark => ({ id: `note ${what.number}`, kind: "note", at: what.at, what })),
  ];
  return marks.sort((one, other) => one.at - other.at);
}

/** Of a gap: in its middle, as far as it is to be seen. */
export function markOfGap(gap: Gap, from: number, to: number): Mark {
  const at = (Math.max(gap.since, from) + Math.min(gap.until ?? to, to)) / 2;
  return { id: `gap ${gap.since} ${gap.epoch ?? ""} ${gap.first ?? gap.reason}`, kind: "gap", at, what: gap };
}

export interface Group {
  id: string;
  at: number; // µs
  marks: Mark[];
}

/** Marks so near to each other that one would hide the other are one, `apart` µs or more from the next. */
export function group(marks: readonly Mark[], apart: number): Group[] {
  const groups: Group[] = [];
  for (const mark of [...marks].sort((one, other) => one.at - other.at)) {
    const last = groups.at(-1);
    if (last !== undefined && mark.at - last.at < apart) last.marks.push(mark);
    else groups.push({ id: mark.id, at: mark.at, marks: [mark] });
  }
  return groups;
}

/** A group's sign: the one kind all have, else the most urgent. */
export function kindOf({ marks }: Group): MarkKind {
  const order: MarkKind[] = ["alarm", "warning", "gap", "command", "calibration", "note"];
  return order.find((kind) => marks.some((mark) => mark.kind === kind)) ?? "note";
}
