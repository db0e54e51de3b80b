// The last ten minutes of one channel, for the sparkline: a point a second at most, and where nothing was known.

export const TRACE_US = 600_000_000;
const MOST_POINTS = 900; // a point a second, and gaps
const GAP_AT_LEAST_US = 10_000_000;
const GAP_IN_STEPS = 4;

export interface Point {
  time: number; // µs
  value: number | null; // null: a gap begins
}

export class Trace {
  private points: Point[] = [];
  /** Counts up with each change, for whoever draws. */
  changes = 0;

  add(time: number, value: number): void {
    const last = this.points.at(-1);
    if (last !== undefined && time <= last.time) return;
    this.push({ time, value: Number.isFinite(value) ? value : null });
  }

  /** From now on nothing is known. */
  interrupt(): void {
    const last = this.points.at(-1);
    if (last !== undefined && last.value !== null) this.push({ time: last.time + 1, value: null });
  }

  /** Take what was recorded instead of what was seen; what is not recorded yet stays behind it. */
  fill(recorded: readonly Point[]): void {
    const last = recorded.at(-1)?.time ?? Number.NEGATIVE_INFINITY;
    this.points = [...recorded, ...this.points.filter((point) => point.time > last)];
    this.changes += 1;
  }

  since(time: number): readonly Point[] {
    const from = this.points.findIndex((point) => point.time >= time);
    return from < 0 ? [] : this.points.slice(from);
  }

  private push(point: Point): void {
    this.points.push(point);
    if (this.points.length > MOST_POINTS) this.points.splice(0, this.points.length - MOST_POINTS + 100);
    this.changes += 1;
  }
}

/** Points -> lines without a gap. It is also one where nothing came for much longer than usual. */
export function linesOf(points: readonly Point[]): Point[][] {
  const longest = Math.max(GAP_AT_LEAST_US, GAP_IN_STEPS * usualStep(points));
  const lines: Point[][] = [[]];
  for (const point of points) {
    const line = lines.at(-1) as Point[];
    const before = line.at(-1);
    if (point.value === null) lines.push([]);
    else if (before !== undefined && point.time - before.time > longest) lines.push([point]);
    else line.push(point);
  }
  return lines.filter((line) => line.length > 0);
}

function usualStep(points: readonly Point[]): number {
  const steps = points.slice(1).map((point, at) => point.time - (points[at]?.time ?? 0));
  return steps.sort((one, other) => one - other)[steps.length >> 1] ?? 0;
}
