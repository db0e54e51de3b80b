// How much of what instruments were asked for was recorded: asked of a logger page by page, and put in words.

import { instrumentWords } from "../instrument/words.ts";
import type { Rights } from "../wire/messages.ts";
import { formatNumber, formatTime } from "../words/numbers.ts";
import { completenessWords } from "./completeness_words.ts";

/** As docs/protocol.md tells it; times in µs. */
export interface Completeness {
  instrument: string;
  expected: number;
  received: number;
  missing: number;
  explained: number;
  quarantined: number;
  conflicts: number;
  percent: number | null;
  runs: Run[];
  ranges: Range[];
  gaps: Gap[];
  more_runs: number;
  more_ranges: number;
  more_gaps: number;
}

export interface Run {
  epoch: number;
  first: number | null;
  last: number;
  received: number;
  missing: number;
  since: number;
  until: number;
}

export interface Range {
  epoch: number;
  run_since: number;
  first: number;
  last: number;
  kind: string;
  reason: string;
  detail: string;
}

export interface Gap {
  since: number | null;
  until: number | null;
  reason: string;
  detail: string;
}

export type Ask = (body: Record<string, unknown>) => Promise<{ instruments: Completeness[]; more: boolean }>;

/** complete; explained: something is missing, and why is known; waiting: it may still come; lacking: nobody knows why,
 * or it came and could not be stored; nothing: nothing was ever recorded. */
export type Verdict = "lacking" | "waiting" | "explained" | "complete" | "nothing";

export const VERDICTS: readonly Verdict[] = ["lacking", "waiting", "explained", "complete", "nothing"];

const DAY_US = 86_400_000_000;
export const RANGES = { day: DAY_US, week: 7 * DAY_US, all: null } as const;
export type RangeName = keyof typeof RANGES;

/** What this user may ask about. */
export function patternsOf(rights: Rights | undefined): string[] {
  if (rights === undefined) return [];
  if (rights === null || rights.instruments.includes("+/+")) return ["+/+"];
  return rights.instruments;
}

/** All of it, by name; an instrument that falls under two patterns once. `isNothing` tells a refusal that says so. */
export async function find(
  ask: Ask,
  patterns: readonly string[],
  from: number | null,
  isNothing: (error: unknown) => boolean,
): Promise<Completeness[]> {
  const found = new Map<string, Completeness>();
  for (const pattern of patterns) {
    try {
      for await (const one of pages(ask, pattern, from)) found.set(one.instrument, one);
    } catch (error) {
      if (!isNothing(error)) throw error;
    }
  }
  return [...found.values()].sort((one, other) => one.instrument.localeCompare(other.instrument));
}

async function* pages(ask: Ask, pattern: string, from: number | null): AsyncGenerator<Completeness> {
  let after: string | null = null;
  while (true) {
    const body = { request: "completeness", instrument: pattern, after, ...(from === null ? {} : { from }) };
    const page = await ask(body);
    yield* page.instruments;
    const last = page.instruments.at(-1);
    if (!page.more || last === undefined) return;
    after = last.instrument;
  }
}

/** `isAwaited`: its agent still has frames, or is away and may have. */
export function verdictOf(one: Completeness, isAwaited: boolean): Verdict {
  if (one.expected === 0) return "nothing";
  if (one.quarantined > 0 || one.conflicts > 0) return "lacking";
  if (one.missing === 0) return "complete";
  if (one.missing === one.explained) return "explained";
  return isAwaited ? "waiting" : "lacking";
}

/** `4812 of 4812, no gap` */
export function summary(one: Completeness): string {
  const words = completenessWords.value;
  if (one.expected === 0) return words.nothing;
  const counted = words.of(formatNumber(one.received), formatNumber(one.expected));
  if (one.missing > 0 || one.quarantined > 0) return counted;
  const pauses = one.gaps.length + one.more_gaps;
  return `${counted}, ${pauses === 0 ? words.noGap : words.pauses(pauses, formatNumber(pauses))}`;
}

/** What there is besides: of missing ones whether the reason is known, of others why they are not among the data. */
export function lacks(one: Completeness, isAwaited: boolean): string[] {
  const words = completenessWords.value;
  const unknown = one.missing - one.explained;
  const unknownInWords = isAwaited ? words.underWay : words.noReason;
  return [
    one.explained > 0 ? words.explained(one.explained, formatNumber(one.explained)) : "",
    unknown > 0 ? unknownInWords(unknown, formatNumber(unknown)) : "",
    one.quarantined > 0 ? words.quarantined(one.quarantined, formatNumber(one.quarantined)) : "",
    one.conflicts > 0 ? words.conflicts(one.conflicts, formatNumber(one.conflicts)) : "",
  ].filter((line) => line !== "");
}

/** Never rounded up: 100 % is said of nothing that lacks a frame. */
export function percentInWords(percent: number | null): string {
  if (percent === null) return "\u2013";
  const shown = Math.floor(percent * 100 + 1e-6) / 100;
  return `${formatNumber(shown, shown === 100 ? 0 : 2)}\u00a0%`;
}

export function reasonInWords(reason: string, detail: string): string {
  const words = completenessWords.value;
  const told = reason === "" ? words.notKnownYet : (instrumentWords.value.reasons[reason] ?? reason);
  return detail ? `${told} (${detail})` : told;
}

/** `frames 12 to 40 of the run since 12:03:05` */
export function numbersInWords({ first, last, run_since }: Range, nowMs: number): string {
  const words = completenessWords.value;
  const run = words.ofRun(formatTime(run_since, nowMs));
  if (first === last) return `${words.frame(formatNumber(first))} ${run}`;
  return `${words.frames(formatNumber(first), formatNumber(last))} ${run}`;
}

/** `12:03:05 to 12:04:10` */
export function timeInWords({ since, until }: Gap, nowMs: number): string {
  const words = completenessWords.value;
  const [from, to] = [since, until].map((time) => (time === null ? "" : formatTime(time, nowMs)));
  if (from && to) return words.fromTo(from, to);
  if (from) return words.since(from);
  return to ? words.until(to) : words.unknownTime;
}
