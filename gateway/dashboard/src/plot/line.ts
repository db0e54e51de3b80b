// What is drawn of one channel: entries of the live store and of the log in order of time -> points, no more than a few
// for each pixel. A point that holds several samples has their minimum and maximum, so that no peak is lost.

import type { Gap } from "./gaps.ts";

/** Points in order of time; kept from picture to picture, so that drawing makes no garbage. */
export class Line {
  length = 0;
  time = new Float64Array(512); // µs; of several samples the middle
  min = new Float64Array(512);
  max = new Float64Array(512);
  mean = new Float64Array(512);
  count = new Float64Array(512);
  half = new Float64Array(512); // half of the bucket's width, µs; 0 for a single sample
  broken = new Uint8Array(512); // 1: no line from the point before

  clear(): void {
    this.length = 0;
  }

  /** The point nearest to a time, or -1. */
  nearest(time: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.time[middle] as number) < time) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || low === this.length) return Math.min(low, this.length - 1);
    return (this.time[low] as number) - time < time - (this.time[low - 1] as number) ? low : low - 1;
  }

  /** Lowest and highest value of what lies in [from, to]; null where there is nothing. */
  range(from: number, to: number): [number, number] | null {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let at = 0; at < this.length; at += 1) {
      const [time, half] = [this.time[at] as number, this.half[at] as number];
      if (time + half < from || time - half > to) continue;
      low = Math.min(low, this.min[at] as number);
      high = Math.max(high, this.max[at] as number);
    }
    return low <= high ? [low, high] : null;
  }

  push(time: number, min: number, max: number, mean: number, count: number, half: number, isBroken: boolean): void {
    if (this.length === this.time.length) this.grow();
    const at = this.length;
    this.time[at] = time;
    this.min[at] = min;
    this.max[at] = max;
    this.mean[at] = mean;
    this.count[at] = count;
    this.half[at] = half;
    this.broken[at] = isBroken ? 1 : 0;
    this.length += 1;
  }

  private grow(): void {
    for (const name of ["time", "min", "max", "mean", "count", "half"] as const) {
      const grown = new Float64Array(this[name].length * 2);
      grown.set(this[name]);
      this[name] = grown;
    }
    const broken = new Uint8Array(this.broken.length * 2);
    broken.set(this.broken);
    this.broken = broken;
  }
}

/** Takes entries in order of time and fills a line: those of one pixel become one point. */
export class Thinner {
  private readonly line: Line;
  private readonly pixelUs: number;
  private readonly gaps: readonly Gap[];
  private limit = Number.POSITIVE_INFINITY;
  private gapAt = 0;
  private bin = Number.NaN;
  private last = Number.NaN; // the end of the entry before
  private from = 0;
  private to = 0;
  private min = 0;
  private max = 0;
  private sum = 0;
  private count = 0;
  private half = 0;
  private time = 0;
  private isBroken = false;

  /** `gaps` by their beginnings, the oldest first. */
  constructor(line: Line, pixelUs: number, gaps: readonly Gap[]) {
    this.line = line;
    this.pixelUs = pixelUs;
    this.gaps = gaps;
    line.clear();
  }

  /** The longest pause from now on that is still a line. */
  allow(limit: number): void {
    this.limit = limit;
  }

  /** A method that can be handed on. */
  readonly add = (time: number, min: number, max: number, mean: number, count: number, half: number): void => {
    const begin = time - half;
    const isBroken = begin - this.last > this.limit || this.hasGap(this.last, begin);
    const bin = Math.floor(time / this.pixelUs);
    if (isBroken || bin !== this.bin || this.count === 0) {
      this.flush();
      this.bin = bin;
      this.isBroken = isBroken;
      this.from = begin;
      this.min = min;
      this.max = max;
      this.sum = mean * count;
      this.count = count;
      this.time = time;
      this.half = half;
    } else {
      this.min = Math.min(this.min, min);
      this.max = Math.max(this.max, max);
      this.sum += mean * count;
      this.count += count;
      this.half = -1; // of several entries: see flush
    }
    this.to = this.last = time + half;
  };

  flush(): void {
    if (this.count === 0) return;
    const isOne = this.half >= 0;
    const time = isOne ? this.time : (this.from + this.to) / 2;
    const half = isOne ? this.half : (this.to - this.from) / 2;
    this.line.push(time, this.min, this.max, this.sum / this.count, this.count, half, this.isBroken);
    this.count = 0;
  }

  /** Whether a gap lies between two entries; one that has samples within it breaks only at its ends. */
  private hasGap(before: number, after: number): boolean {
    if (!(after > before)) return false;
    const { gaps } = this;
    while (this.gapAt < gaps.length && endOf(gaps[this.gapAt] as Gap) <= before) this.gapAt += 1;
    const tolerance = (after - before) / 2;
    for (let at = this.gapAt; at < gaps.length; at += 1) {
      const gap = gaps[at] as Gap;
      if (gap.since >= after) return false;
      if (gap.since >= before - tolerance && endOf(gap) <= after + tolerance) return true;
    }
    return false;
  }
}

function endOf(gap: Gap): number {
  return gap.until ?? Number.POSITIVE_INFINITY;
}
