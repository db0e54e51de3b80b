// What the log tells of a time: an answer of the history service, its pieces one by one -> columns for each channel.

import { decodeFrame, type Frame } from "../wire/frames.ts";
import { unpack } from "../wire/unpack.ts";
import { type Change, onlyChanges } from "./changes.ts";
import { type Gap, readGap } from "./gaps.ts";
import { traceId } from "./store.ts";
import type { Kind, Visit } from "./trace.ts";
import { longestPause } from "./usual.ts";

/** The head of an answer, as docs/protocol.md tells it. */
export interface Head {
  stream: string;
  from: number;
  to: number;
  kind: "frames" | "buckets";
  width_us?: number;
  channels: { key: string; name: string; unit: string; type: string }[];
  gaps: Record<string, unknown>[];
  expected: number;
  piece: unknown;
  more: boolean;
}

/** One channel's samples, or buckets, in order of time; of a bucket `time` is the middle. */
export interface Column {
  name: string;
  unit: string;
  kind: Kind;
  time: number[];
  min: number[];
  max: number[];
  mean: number[];
  count: number[];
  half: number;
  limit: number; // the longest pause that is still a line
}

/** All that is told of [from, to). */
export interface Past {
  from: number;
  to: number;
  widthUs: number; // of its buckets; 0: the samples themselves
  columns: Map<string, Column>; // by traceId
  changes: Change[];
  gaps: Gap[];
}

/** Takes the pieces of one answer. */
export class Reading {
  private readonly past: Past;
  private readonly head: Head;
  private readonly seen = new Set<string>();

  constructor(head: Head) {
    this.head = head;
    const gaps = head.gaps.map(readGap).filter((gap) => gap !== null);
    const widthUs = head.kind === "buckets" ? (head.width_us ?? 0) : 0;
    this.past = { from: head.from, to: head.to, widthUs, columns: new Map(), changes: [], gaps };
    this.add(head.piece);
  }

  add(piece: unknown): void {
    const content = piece instanceof Uint8Array ? unpack(piece) : piece;
    if (this.head.kind === "buckets") this.addBuckets(content as Buckets | null);
    else for (const payload of (content ?? []) as Uint8Array[]) this.addFrame(decodeFrame(payload));
  }

  /** After the last piece. */
  end(): Past {
    for (const column of this.past.columns.values()) {
      if (this.past.widthUs === 0) sort(column);
      column.limit = longestPause(pausesOf(column));
    }
    this.past.changes = onlyChanges(this.past.changes);
    return this.past;
  }

  private addFrame(frame: Frame | null): void {
    if (frame === null || this.seen.has(`${frame.epoch} ${frame.number}`)) return;
    this.seen.add(`${frame.epoch} ${frame.number}`);
    const { from, to } = this.past;
    for (const [name, values] of Object.entries(frame.channels)) {
      for (let at = 0; at < values.length; at += 1) {
        const [time, value] = [frame.times[at] as number, values[at]];
        if (time < from || time >= to || value === null || value === undefined) continue;
        if (typeof value === "string") this.past.changes.push({ time, name, text: value });
        else this.addSample(this.column(name, frame.units[name] ?? "", typeof value as Kind, 0), time, Number(value));
      }
    }
  }

  private addSample(column: Column, time: number, value: number): void {
    column.time.push(time);
    column.min.push(value);
    column.max.push(value);
    column.mean.push(value);
    column.count.push(1);
  }

  private addBuckets(buckets: Buckets | null): void {
    if (buckets === null) return;
    const starts = readInt64(buckets.time);
    for (const { key, name, unit, type } of this.head.channels) {
      const told = buckets.columns[key];
      if (told === undefined || type === "text") continue;
      const half = (this.head.width_us ?? 0) / 2;
      const column = this.column(name, unit, type === "boolean" ? "boolean" : "number", half);
      const [mins, maxs, means] = [readFloat64(told.min), readFloat64(told.max), readFloat64(told.mean)];
      const counts = readUint32(told.count);
      for (let at = 0; at < starts.length; at += 1) {
        const [min, max] = [mins[at] as number, maxs[at] as number];
        if (!counts[at] || Number.isNaN(min)) continue;
        const mean = means[at] as number;
        column.time.push((starts[at] as number) + half);
        column.min.push(min);
        column.max.push(max);
        column.mean.push(Number.isNaN(mean) ? (min + max) / 2 : mean);
        column.count.push(counts[at] as number);
      }
    }
  }

  private column(name: string, unit: string, kind: Kind, half: number): Column {
    const id = traceId(name, unit);
    const known = this.past.columns.get(id);
    if (known !== undefined) {
      if (kind === "number") known.kind = kind;
      return known;
    }
    const empty = { time: [], min: [], max: [], mean: [], count: [] };
    const made: Column = { name, unit, kind, ...empty, half, limit: Number.POSITIVE_INFINITY };
    this.past.columns.set(id, made);
    return made;
  }
}

interface Buckets {
  time: Uint8Array;
  columns: Record<string, { min: Uint8Array; max: Uint8Array; mean: Uint8Array; count: Uint8Array }>;
}

/** Visit what lies in [from, to), in order, with one entry beside it at either end. */
export function scanPast(column: Column, from: number, to: number, visit: Visit): void {
  const { time, half } = column;
  const begin = Math.max(find(time, from - half) - 1, 0);
  const end = Math.min(find(time, to + half) + 1, time.length);
  for (let at = begin; at < end; at += 1) {
    const [min, max] = [column.min[at] as number, column.max[at] as number];
    visit(time[at] as number, min, max, column.mean[at] as number, column.count[at] as number, half);
  }
}

/** The first place in a sorted list that is not less than `bound`. */
export function find(sorted: readonly number[], bound: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

const LOOKED_AT = 200;

/** How long it is from one sample to the next, at places all over the column. */
function pausesOf({ time, count }: Column): number[] {
  const step = Math.max(Math.floor(time.length / LOOKED_AT), 1);
  const pauses: number[] = [];
  for (let at = 1; at < time.length; at += step) {
    pauses.push(((time[at] as number) - (time[at - 1] as number)) / Math.max(count[at] as number, 1));
  }
  return pauses.filter((pause) => pause > 0);
}

/** Frames come by run of the agent; its clock may have been set meanwhile. */
function sort(column: Column): void {
  const { time } = column;
  if (time.every((one, at) => at === 0 || one >= (time[at - 1] as number))) return;
  const order = time.map((_, at) => at).sort((one, other) => (time[one] as number) - (time[other] as number));
  const sorted = (values: number[]) => order.map((at) => values[at] as number);
  for (const name of ["min", "max", "mean", "count", "time"] as const) column[name] = sorted(column[name]);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readInt64(bytes: Uint8Array): number[] {
  const content = view(bytes);
  return Array.from({ length: bytes.byteLength / 8 }, (_, at) => Number(content.getBigInt64(at * 8, true)));
}

function readFloat64(bytes: Uint8Array): number[] {
  const content = view(bytes);
  return Array.from({ length: bytes.byteLength / 8 }, (_, at) => content.getFloat64(at * 8, true));
}

function readUint32(bytes: Uint8Array): number[] {
  const content = view(bytes);
  return Array.from({ length: bytes.byteLength / 4 }, (_, at) => content.getUint32(at * 4, true));
}
