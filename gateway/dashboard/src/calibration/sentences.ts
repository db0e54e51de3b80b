// What to do now, and how things stand, in words. Pure but for the language.

import { formatTime } from "../words/numbers.ts";
import { shown } from "./figures.ts";
import type { Run, Step, Test } from "./messages.ts";
import { calibrationWords } from "./words.ts";

/** A shape for each status of a stream and each verdict, so that no colour is needed to tell them apart. */
export const SHAPES: Record<string, string> = {
  idle: "\u25cf",
  settling: "\u25cc",
  unsteady: "\u25c6",
  stable: "\u25cf",
  refused: "\u25b2",
  pass: "\u2714\ufe0e",
  fail: "\u2718\ufe0e",
};

export const TONES: Record<string, string> = {
  idle: "is-idle",
  settling: "is-busy",
  unsteady: "is-warning",
  stable: "is-good",
  refused: "is-alarm",
  pass: "is-good",
  fail: "is-alarm",
};

/** In one sentence, what whoever stands at the instrument does for a step. */
export function instruction({ what, point, unit, position }: Step, type: string): string {
  const words = calibrationWords.value;
  const isLoad = type === "balance" || ["g", "mg", "kg"].includes(unit);
  if (what === "zero" || (point === 0 && isLoad)) return isLoad ? words.takeOff : words.toZero;
  const amount = shown(point, unit);
  if (isLoad) return position ? words.putAt(amount, position) : words.put(amount);
  return position ? words.bringAt(amount, position) : words.bring(amount);
}

/** A step as a line of a table names it. */
export function nameOf({ what, point, unit, direction, repeat, position }: Step, isRepeated: boolean): string {
  if (what === "zero") return calibrationWords.value.zero;
  const sign = direction === "down" ? " \u25bc" : "";
  return `${shown(point, unit)}${sign}${position && `, ${position}`}${isRepeated ? ` (${repeat})` : ""}`;
}

export function titleOf({ title, kind }: Pick<Test, "title" | "kind">): string {
  return title || (calibrationWords.value.tests[kind] ?? kind);
}

/** What a room's sensor or a standard's role is called. */
export function roleInWords(role: string): string {
  return calibrationWords.value.conditions[role] ?? role;
}

export function stateInWords({
  state,
  phase,
  is_paused: isPaused,
}: Pick<Run, "state" | "phase" | "is_paused">): string {
  const words = calibrationWords.value;
  const isPhased = state === "measuring" || state === "measured";
  const said = [words.states[state] ?? state, isPhased ? words.phases[phase] : "", isPaused ? words.paused : ""];
  return said.filter(Boolean).join(", ");
}

export function verdictInWords(verdict: string): string {
  const words = calibrationWords.value;
  return verdict === "" ? words.noVerdict : (words.verdicts[verdict] ?? verdict);
}

export function byAt(who: string, us: number | null, nowMs: number): string {
  return us === null ? who : calibrationWords.value.by(who, formatTime(us, nowMs));
}
