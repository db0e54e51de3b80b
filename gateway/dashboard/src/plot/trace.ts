// One channel as it comes live: its newest samples, and buckets of minimum, maximum and sum for what is longer ago.
// However long it runs, it holds no more than `samples` samples and BUCKETS buckets of each width.

import { Ring } from "./ring.ts";
import { Usual } from "./usual.ts";

export type Kind = "number" | "boolean";

/** Where an entry goes: its time (µs; of a bucket the middle), its values, and half of its bucket's width. */
export type Visit = (time: number, min: number, max: number, mean: number, count: number, half: number) => void;

export const WIDTHS_US = [10_000, 50_000, 250_000, 1_000_000, 5_000_000, 20_000_000];
export const BUCKETS = 8192; // of 20 s: 45 h
const MOST_READ = 20_000; // samples for one picture; above, buckets do
const [START, MIN, MAX, SUM, COUNT] = [0, 1, 2, 3, 4];

export class Trace {
  readonly name: string;
  readonly unit: string;
  kind: Kind;
  readonly usual = new Usual();
  private readonly samples: Ring;
  private readonly levels = WIDTHS_US.map((width) => ({ width, ring: new Ring(BUCKETS, 5) }));

  constructor(name: string, unit: string, kind: Kind, samples: number) {
    this.name = name;
    this.unit = unit;
    this.kind = kind;
    this.samples = new Ring(samples, 2);
  }

  get length(): number {
    return this.samples.length;
  }

  get newest(): { time: number; value: number } | null {
    const { samples } = this;
    return samples.length === 0 ? null : { time: samples.last, value: samples.get(1, samples.length - 1) };
  }

  /** When the first sample after a time was taken, as far as that is still held; Infinity: none was. */
  after(time: number): number {
    const row = this.samples.find(time + 1);
    return row < this.samples.length ? this.samples.get(0, row) : Number.POSITIVE_INFINITY;
  }

  add(time: number, value: number): void {
    const at = this.samples.insert(time); // first: it may move the columns
    this.samples.column(1)[at] = value;
    this.usual.add(time);
    for (const { width, ring } of this.levels) count(ring, Math.floor(time / width) * width, value);
  }

  clear(): void {
    this.samples.clear();
    for (const { ring } of this.levels) ring.clear();
  }

  /** Visit what lies in [from, to), in order, with one entry beside it at either end, no finer than a picture needs
   * whose pixels are `pixelUs` wide. */
  scan(from: number, to: number, pixelUs: number, visit: Visit): void {
    const level = this.choose(from, to, pixelUs);
    if (level === null) scanSamples(this.samples, from, to, visit);
    else scanBuckets(level.ring, level.width, from, to, visit);
  }

  /** null: the samples themselves. */
  private choose(from: number, to: number, pixelUs: number): { width: number; ring: Ring } | null {
    const { samples, levels } = this;
    const reachesBack = samples.evicted === 0 || samples.first <= from;
    if (reachesBack && samples.find(to) - samples.find(from) <= MOST_READ) return null;
    const fine = levels.filter(({ width }) => width <= pixelUs);
    const usable = [...fine.reverse().slice(0, 1), ...levels.filter(({ width }) => width > pixelUs)];
    if (fine.length === 0 && reachesBack) return null;
    return usable.find(({ ring }) => ring.evicted === 0 || ring.first <= from) ?? levels.at(-1) ?? null;
  }
}

function count(ring: Ring, start: number, value: number): void {
  let row = ring.length - 1;
  if (row >= 0 && ring.get(START, row) > start) row = ring.find(start);
  const isThere = row >= 0 && row < ring.length && ring.get(START, row) === start;
  const at = isThere ? ring.place(row) : ring.insert(start);
  const [mins, maxs, sums, counts] = [ring.column(MIN), ring.column(MAX), ring.column(SUM), ring.column(COUNT)];
  mins[at] = isThere ? Math.min(mins[at] as number, value) : value;
  maxs[at] = isThere ? Math.max(maxs[at] as number, value) : value;
  sums[at] = (isThere ? (sums[at] as number) : 0) + value;
  counts[at] = (isThere ? (counts[at] as number) : 0) + 1;
}

function scanSamples(ring: Ring, from: number, to: number, visit: Visit): void {
  const [times, values] = [ring.column(0), ring.column(1)];
  const end = Math.min(ring.find(to) + 1, ring.length);
  for (let row = Math.max(ring.find(from) - 1, 0); row < end; row += 1) {
    const at = ring.place(row);
    const value = values[at] as number;
    visit(times[at] as number, value, value, value, 1, 0);
  }
}

function scanBuckets(ring: Ring, width: number, from: number, to: number, visit: Visit): void {
  const [starts, mins, maxs] = [ring.column(START), ring.column(MIN), ring.column(MAX)];
  const [sums, counts] = [ring.column(SUM), ring.column(COUNT)];
  const end = Math.min(ring.find(to) + 1, ring.length);
  for (let row = Math.max(ring.find(from - width + 1) - 1, 0); row < end; row += 1) {
    const at = ring.place(row);
    const counted = counts[at] as number;
    const mean = (sums[at] as number) / counted;
    visit((starts[at] as number) + width / 2, mins[at] as number, maxs[at] as number, mean, counted, width / 2);
  }
}
