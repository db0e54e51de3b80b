// Times in which nothing was measured or nothing came, with the reason where somebody told one. Times in µs.

import type { Hole } from "./sequence.ts";

export interface Gap {
  since: number;
  until: number | null; // null: it lasts
  reason: string; // of broker/kleinmaelzung_wire/gaps.py, or one of REASONS below; "": nobody said why
  detail: string;
  epoch: number | null;
  first: number | null;
  last: number | null;
}

/** What a record in a frame, or an answer of the history service, tells; null where it names no time. */
export function readGap(told: Record<string, unknown>): Gap | null {
  const since = numberOf(told.since ?? told.from);
  const until = numberOf(told.until ?? told.to);
  if (since === null) return null;
  return {
    since,
    until,
    reason: typeof told.reason === "string" ? told.reason : "",
    detail: typeof told.detail === "string" ? told.detail : "",
    epoch: numberOf(told.epoch),
    first: numberOf(told.first),
    last: numberOf(told.last),
  };
}

export function fromHole({ epoch, first, last, since, until }: Hole): Gap {
  return { since, until, reason: "", detail: "", epoch, first, last };
}

/** One list of what several tell, the oldest first: of the same gap the one that knows more stays. */
export function merge(...lists: readonly (readonly Gap[])[]): Gap[] {
  const merged: Gap[] = [];
  for (const gap of lists.flat()) {
    const same = merged.findIndex((other) => areSame(other, gap));
    if (same < 0) merged.push(gap);
    else merged[same] = better(merged[same] as Gap, gap);
  }
  return merged.sort((one, other) => one.since - other.since);
}

/** Whether both name frames that overlap, or both tell the same beginning of the same thing. */
export function areSame(one: Gap, other: Gap): boolean {
  if (namesFrames(one) && namesFrames(other)) {
    return one.epoch === other.epoch && one.first <= other.last && other.first <= one.last;
  }
  return one.reason === other.reason && one.since === other.since;
}

/** Those that touch [from, to], as they are seen at `now`. */
export function within(gaps: readonly Gap[], from: number, to: number, now: number): Gap[] {
  return gaps.filter((gap) => gap.since < to && (gap.until ?? now) > from);
}

/** Which gap is at this time: the one with a reason before the one without, the shorter before the longer. */
export function gapAt(gaps: readonly Gap[], time: number, now: number): Gap | null {
  const there = gaps.filter((gap) => gap.since <= time && (gap.until ?? now) >= time);
  const length = (gap: Gap) => (gap.until ?? now) - gap.since;
  there.sort((one, other) => Number(one.reason === "") - Number(other.reason === "") || length(one) - length(other));
  return there[0] ?? null;
}

interface Named {
  epoch: number;
  first: number;
  last: number;
}

function namesFrames(gap: Gap): gap is Gap & Named {
  return gap.epoch !== null && gap.first !== null && gap.last !== null;
}

function better(one: Gap, other: Gap): Gap {
  if ((one.reason === "") !== (other.reason === "")) return one.reason === "" ? other : one;
  return one.until === null ? other : one;
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
