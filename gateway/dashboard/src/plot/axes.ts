// A y axis for each unit: which there are, at which side, how far they reach, and their numbers. Times in ms.

import type { Drawn } from "./picture.ts";

export interface Axis {
  key: string; // of its scale
  unit: string;
  isBoolean: boolean;
  side: "left" | "right";
  lines: number[]; // which of the picture's
}

export const BOOLEAN = "boolean";

/** Left and right in turn, in the order in which channels come. */
export function axesOf(lines: readonly Pick<Drawn, "unit" | "kind">[]): Axis[] {
  const axes = new Map<string, Axis>();
  for (const [at, { unit, kind }] of lines.entries()) {
    const isBoolean = kind === "boolean";
    const key = isBoolean ? BOOLEAN : `unit ${unit}`;
    const side = axes.size % 2 === 0 ? "left" : "right";
    const axis = axes.get(key) ?? { key, unit, isBoolean, side, lines: [] };
    axis.lines.push(at);
    axes.set(key, axis);
  }
  return [...axes.values()];
}

/** From where to where an axis reaches, with air above and below, so that no line runs along the frame. */
export function reach(ranges: readonly ([number, number] | null)[]): [number, number] {
  const known = ranges.filter((range) => range !== null);
  const low = Math.min(...known.map((range) => range[0]));
  const high = Math.max(...known.map((range) => range[1]));
  if (!(low <= high)) return [0, 1];
  const air = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  return [low - air, high + air];
}

/** Axis numbers of one step, all with the same decimals. */
export function decimalsFor(step: number): number {
  if (!(step > 0)) return 0;
  let decimals = 0;
  while (decimals < 9 && !isWhole(step * 10 ** decimals)) decimals += 1;
  return decimals;
}

function isWhole(number: number): boolean {
  return Math.abs(Math.round(number) - number) <= number * 1e-6;
}

/** Which parts of the time a label needs where one step of the axis is so long. */
export function timeFormat(stepMs: number): Intl.DateTimeFormatOptions {
  if (stepMs >= 86_400_000) return { month: "2-digit", day: "2-digit" };
  if (stepMs >= 60_000) return { hour: "2-digit", minute: "2-digit" };
  const seconds: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  if (stepMs >= 1000) return seconds;
  return { ...seconds, fractionalSecondDigits: stepMs >= 100 ? 1 : stepMs >= 10 ? 2 : 3 };
}
