// What one instrument sends while the page is open: frames in, a trace for each channel, texts, gaps. Each frame counts
// once, whatever way it came; memory is bounded however long it goes on.

import type { Frame, Value } from "../wire/frames.ts";
import type { Change } from "./changes.ts";
import { fromHole, type Gap, merge, readGap } from "./gaps.ts";
import { type Hole, Sequence } from "./sequence.ts";
import { type Kind, Trace } from "./trace.ts";

const MOST_TRACES = 64; // a frame holds no more channels
// Samples of one channel, as they were: 2 min at 1000/s. Of an instrument with many channels the later ones have less.
const [MOST_OF_ONE, MANY, MOST_OF_MANY] = [2 ** 17, 8, 2 ** 14];
const MOST_CHANGES = 2000;
const MOST_GAPS = 200;
const SET_BACK_US = 10_000_000; // a clock that went back by more began anew
const MOST_TOLD = 200;

/** One name for a channel with its unit: what was in g and is in kg now makes two lines. */
export function traceId(name: string, unit: string): string {
  return `${name}\u0000${unit}`;
}

export class Store {
  readonly traces = new Map<string, Trace>();
  /** Texts, each where it is another than before; the oldest first. */
  changes: Change[] = [];
  /** From this time (µs) on the store has what there is; before, only the log does. */
  since = Number.POSITIVE_INFINITY;
  /** The newest sample's time; 0: none yet. */
  end = 0;
  /** Counts up with all that is taken in. */
  version = 0;
  private readonly sequence = new Sequence();
  private readonly texts = new Map<string, string>();
  private told: Gap[] = [];
  private reasons: Record<string, unknown>[] = [];

  /** What is older than `time` is the log's to tell. */
  begin(time: number): void {
    this.since = time;
    this.sequence.forget(time);
    this.version += 1;
  }

  /** Whether the frame was new. */
  take(frame: Frame): boolean {
    const { times } = frame;
    const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
    if (!this.sequence.take(frame.epoch, frame.number, first, last)) return false;
    this.version += 1;
    this.takeRecords(frame.records);
    if (Object.keys(frame.channels).length === 0) return true;
    if (last < this.end - SET_BACK_US) this.clear(first);
    if (this.since === Number.POSITIVE_INFINITY) this.since = first;
    for (const [name, values] of Object.entries(frame.channels)) this.takeChannel(frame, name, values);
    this.end = Math.max(this.end, last);
    return true;
  }

  get holes(): Hole[] {
    return this.sequence.holes.filter((hole) => hole.until > this.since);
  }

  /** What the frames themselves tell of gaps, and holes in their numbers. */
  get gaps(): Gap[] {
    return merge(
      this.told,
      this.holes.map((hole) => withReason(hole, this.reasons)),
    );
  }

  /** What somebody else found out about a hole. */
  explain(gap: Gap): void {
    this.told = merge(this.told, [gap]).slice(-MOST_GAPS);
    this.version += 1;
  }

  private takeChannel(frame: Frame, name: string, values: Value[]): void {
    const unit = frame.units[name] ?? "";
    for (let at = 0; at < values.length; at += 1) {
      const [time, value] = [frame.times[at] as number, values[at]];
      if (time < this.since || value === null || value === undefined) continue;
      if (typeof value === "string") this.takeText(time, name, value);
      else if (typeof value === "number" || typeof value === "boolean")
        this.trace(name, unit, typeof value as Kind)?.add(time, Number(value));
    }
  }

  private trace(name: string, unit: string, kind: Kind): Trace | null {
    const id = traceId(name, unit);
    const known = this.traces.get(id);
    if (known !== undefined) {
      if (kind === "number") known.kind = kind;
      return known;
    }
    if (this.traces.size >= MOST_TRACES) return null;
    const made = new Trace(name, unit, kind, this.traces.size < MANY ? MOST_OF_ONE : MOST_OF_MANY);
    this.traces.set(id, made);
    return made;
  }

  private takeText(time: number, name: string, text: string): void {
    if (this.texts.get(name) === text) return;
    this.texts.set(name, text);
    this.changes.push({ time, name, text });
    if (this.changes.length > MOST_CHANGES) this.changes = this.changes.slice(-MOST_CHANGES / 2);
  }

  private takeRecords(records: Record<string, unknown>[]): void {
    for (const record of records) {
      if (record.kind !== "gap") continue;
      const gap = readGap(record);
      if (gap === null) this.reasons = [...this.reasons, record].slice(-MOST_TOLD);
      else this.told = merge(this.told, [gap]).slice(-MOST_GAPS);
    }
  }

  private clear(since: number): void {
    for (const trace of this.traces.values()) trace.clear();
    this.changes = [];
    this.since = since;
    this.end = 0;
  }
}

/** A hole, with the reason that a record told of its numbers. */
function withReason(hole: Hole, reasons: readonly Record<string, unknown>[]): Gap {
  const told = reasons.find(
    ({ epoch, first, last }) => epoch === hole.epoch && Number(first) <= hole.last && Number(last) >= hole.first,
  );
  const gap = fromHole(hole);
  return told === undefined ? gap : { ...gap, reason: String(told.reason ?? ""), detail: String(told.detail ?? "") };
}
