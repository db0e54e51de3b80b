// Answers of several instruments -> series over one time, their figures, and the panels they are drawn in.

import type { Gap } from "../plot/gaps.ts";
import type { Line } from "../plot/line.ts";
import type { Past } from "../plot/past.ts";
import { Composer, type Drawn } from "../plot/picture.ts";
import { Store } from "../plot/store.ts";
import type { Times } from "./range.ts";

/** One channel of one instrument. */
export interface Series extends Drawn {
  instrument: string;
}

export interface Figures {
  min: number;
  mean: number;
  max: number;
  count: number;
}

export interface Composed {
  series: Series[];
  /** Of each instrument, the oldest first. */
  gaps: ReadonlyMap<string, Gap[]>;
}

export interface Panel {
  series: Series[];
  isBoolean: boolean;
}

/** What is known of one instrument: its answers, of which an exact one stands alone. */
export interface Source {
  instrument: string;
  pasts: readonly Past[];
}

export const UNITS_IN_PANEL = 3; // more axes beside each other leave no room for the lines

export class Overlay {
  private readonly composers = new Map<string, Composer>();
  private readonly nothingLive = new Store();

  /** In the order of the sources. */
  compose(sources: readonly Source[], { from, to }: Times, pixelUs: number): Composed {
    const series: Series[] = [];
    const gaps = new Map<string, Gap[]>();
    for (const { instrument, pasts } of sources) {
      const composer = this.composers.get(instrument) ?? new Composer();
      this.composers.set(instrument, composer);
      const asked = { store: this.nothingLive, pasts, gaps: [], from, to, pixelUs, hidden: NONE };
      const picture = composer.compose(asked);
      gaps.set(instrument, picture.gaps);
      for (const line of picture.lines) {
        series.push({ ...line, id: seriesId(instrument, line.name, line.unit), instrument, isBand: true });
      }
    }
    return { series, gaps };
  }
}

const NONE: ReadonlySet<string> = new Set();

/** As the address has it: `pi-1/balance/mass`, with the unit where the channel has one. */
export function seriesId(instrument: string, name: string, unit: string): string {
  return `${instrument}/${name}${unit === "" ? "" : ` [${unit}]`}`;
}

/** Those of one unit share an axis, up to three units a panel; what is true or false comes last. `isOwn`: each series
 * has a panel, and with it a scale of its own. */
export function panelsOf(series: readonly Series[], isOwn: boolean): Panel[] {
  const booleans = series.filter(({ kind }) => kind === "boolean");
  const numbers = series.filter(({ kind }) => kind !== "boolean");
  if (isOwn) return [...numbers, ...booleans].map((one) => ({ series: [one], isBoolean: one.kind === "boolean" }));
  const units = [...new Set(numbers.map(({ unit }) => unit))];
  const panels: Panel[] = [];
  for (let at = 0; at < units.length; at += UNITS_IN_PANEL) {
    const here = units.slice(at, at + UNITS_IN_PANEL);
    panels.push({ series: numbers.filter(({ unit }) => here.includes(unit)), isBoolean: false });
  }
  if (booleans.length > 0) panels.push({ series: booleans, isBoolean: true });
  return panels;
}

/** What lies in the time, by the samples that its points hold; null for nothing. */
export function figuresOf(line: Line, { from, to }: Times): Figures | null {
  let [min, max, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let at = 0; at < line.length; at += 1) {
    const [time, half, here] = [line.time[at] as number, line.half[at] as number, line.count[at] as number];
    if (time + half < from || time - half > to) continue;
    min = Math.min(min, line.min[at] as number);
    max = Math.max(max, line.max[at] as number);
    sum += (line.mean[at] as number) * here;
    count += here;
  }
  return count > 0 ? { min, mean: sum / count, max, count } : null;
}

/** The decimals that an instrument sends, by the maxima of a line: these are samples as they were. */
export function decimalsIn(line: Line, decimalsOf: (value: number) => number): number {
  let most = 0;
  const step = Math.max(Math.floor(line.length / 100), 1);
  for (let at = 0; at < line.length; at += step) most = Math.max(most, decimalsOf(line.max[at] as number));
  return Math.min(most, 6);
}

export interface Point {
  min: number;
  max: number;
  mean: number;
  count: number;
}

/** What a line has at a time, or within `near` µs of it; null where it has nothing. */
export function pointAt(line: Line, time: number, near: number): Point | null {
  const at = line.nearest(time);
  if (at < 0) return null;
  const [centre, half] = [line.time[at] as number, line.half[at] as number];
  const after = centre < time ? at + 1 : at;
  const isBetween = after > 0 && after < line.length && line.broken[after] === 0;
  if (Math.abs(centre - time) > Math.max(near, half) && !isBetween) return null;
  const [min, max, mean] = [line.min[at] as number, line.max[at] as number, line.mean[at] as number];
  return { min, max, mean, count: line.count[at] as number };
}
