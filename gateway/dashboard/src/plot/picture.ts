// Live store and log put together: what is drawn of a time, each sample once. From the store's `since` on the store
// tells, before it the log: so there is no break at the seam, and nothing twice.

import { type Gap, merge, within } from "./gaps.ts";
import { Line, Thinner } from "./line.ts";
import { type Past, scanPast } from "./past.ts";
import type { Store } from "./store.ts";
import type { Kind, Visit } from "./trace.ts";

export interface Drawn {
  id: string;
  name: string;
  unit: string;
  kind: Kind;
  line: Line;
  isBand?: boolean; // drawn as an area with its mean, however narrow its buckets are
}

export interface Picture {
  from: number;
  to: number;
  lines: Drawn[];
  gaps: Gap[];
}

/** A stretch of time, and which answer of the log tells it. */
export interface Stretch {
  past: Past;
  from: number;
  to: number;
}

/** Cover [from, to) by answers, the finest that is there for each stretch; in order of time. */
export function cover(pasts: readonly Past[], from: number, to: number): Stretch[] {
  const byFineness = pasts
    .filter((past) => past.to > from && past.from < to)
    .sort((one, other) => one.widthUs - other.widthUs);
  let open: [number, number][] = from < to ? [[from, to]] : [];
  const stretches: Stretch[] = [];
  for (const past of byFineness) {
    const left: [number, number][] = [];
    for (const [since, until] of open) {
      const [begin, end] = [Math.max(since, past.from), Math.min(until, past.to)];
      if (begin >= end) {
        left.push([since, until]);
        continue;
      }
      stretches.push({ past, from: begin, to: end });
      if (since < begin) left.push([since, begin]);
      if (end < until) left.push([end, until]);
    }
    open = left;
  }
  return stretches.sort((one, other) => one.from - other.from);
}

/** Draws one after the other, of the same store; lines are kept, so that a picture makes no garbage. */
export class Composer {
  /** All that there are in what was composed last, hidden or not. */
  channels: Omit<Drawn, "line">[] = [];
  private readonly lines = new Map<string, Line>();

  compose(asked: {
    store: Store;
    pasts: readonly Past[];
    gaps: readonly Gap[];
    from: number;
    to: number;
    pixelUs: number;
    hidden: ReadonlySet<string>;
  }): Picture {
    const { store, from, to } = asked;
    const seam = Math.min(Math.max(store.since, from), to);
    const stretches = cover(asked.pasts, Math.min(from, seam), seam);
    const now = Math.max(to, store.end);
    const told = merge(store.gaps, ...asked.pasts.map((past) => past.gaps));
    const known = told.map((gap) => ended(gap, store));
    // What is the matter now is told by the frames too, and better.
    const gaps = known.some(({ until }) => until === null) ? known : merge(asked.gaps, known);
    const seen = within(gaps, from, to, now);
    this.channels = channelsOf(store, stretches);
    const lines = this.channels
      .filter(({ id }) => !asked.hidden.has(id))
      .map((channel) => ({ ...channel, line: this.draw(channel.id, asked, stretches, seam, seen) }));
    return { from, to, lines, gaps: seen };
  }

  private draw(
    id: string,
    { store, from, to, pixelUs }: { store: Store; from: number; to: number; pixelUs: number },
    stretches: readonly Stretch[],
    seam: number,
    gaps: readonly Gap[],
  ): Line {
    const line = this.lines.get(id) ?? new Line();
    this.lines.set(id, line);
    const thinner = new Thinner(line, pixelUs, gaps);
    const trace = store.traces.get(id);
    const usual = trace?.usual.limit ?? Number.POSITIVE_INFINITY;
    for (const stretch of stretches) {
      const column = stretch.past.columns.get(id);
      if (column === undefined) continue;
      thinner.allow(Math.max(column.limit, Number.isFinite(usual) && column.time.length < 5 ? usual : 0));
      const isFirst = stretch.from === from;
      scanPast(column, stretch.from, stretch.to, between(thinner.add, stretch, isFirst, stretch.to === to));
    }
    if (trace !== undefined && to > seam) {
      thinner.allow(usual);
      const live = { from: seam, to };
      trace.scan(seam, to, pixelUs, between(thinner.add, live, seam > store.since, true));
    }
    thinner.flush();
    return line;
  }
}

/** Entries within a stretch; beside it only where nobody else tells what is there. */
function between(
  add: Visit,
  { from, to }: { from: number; to: number },
  isOpenBefore: boolean,
  isOpenAfter: boolean,
): Visit {
  const begin = isOpenBefore ? Number.NEGATIVE_INFINITY : from;
  const end = isOpenAfter ? Number.POSITIVE_INFINITY : to;
  return (time, min, max, mean, count, half) => {
    // A bucket across an end is told on either side: its peak may be on either.
    if (half === 0 ? time >= begin && time < end : time + half > begin && time - half < end) {
      add(time, min, max, mean, count, half);
    }
  };
}

/** A gap of which nobody told the end has ended where samples come again. */
function ended(gap: Gap, store: Store): Gap {
  if (gap.until !== null) return gap;
  const next = Math.min(...[...store.traces.values()].map((trace) => trace.after(gap.since)));
  return Number.isFinite(next) ? { ...gap, until: next } : gap;
}

function channelsOf(store: Store, stretches: readonly Stretch[]): Omit<Drawn, "line">[] {
  const found = new Map<string, Omit<Drawn, "line">>();
  for (const [id, { name, unit, kind }] of store.traces) found.set(id, { id, name, unit, kind });
  for (const { past } of stretches) {
    for (const [id, { name, unit, kind }] of past.columns) if (!found.has(id)) found.set(id, { id, name, unit, kind });
  }
  return [...found.values()];
}
