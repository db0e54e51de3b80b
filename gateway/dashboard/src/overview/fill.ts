// What was recorded before the page was opened, for sparklines that come into sight: one question after the other, for
// a user has few at a time and plots need them more.

import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { type Point, TRACE_US, type Trace } from "./trace.ts";

const POINTS = 120;
const PATIENCE_MS = 15_000; // after a service that was busy or away
const PASSING = new Set(["busy", "limit", "unavailable", "timeout"]);

interface Buckets {
  time: number[];
  columns: Record<string, { mean: (number | null)[] }>;
}

interface Answer {
  stream: string | null;
  piece: Buckets | null;
  more: boolean;
  gaps?: { since: number; until: number | null }[];
}

interface Wanted {
  instrument: string;
  channel: string;
  trace: Trace;
}

export class Fill {
  private readonly session: Session;
  private readonly waiting: Wanted[] = [];
  private readonly asked = new Set<Trace>();
  private readonly over = new AbortController();
  private isAsking = false;

  constructor(session: Session) {
    this.session = session;
  }

  /** Once for each trace, until `again`. */
  want(wanted: Wanted): void {
    if (this.session.connection.isPublic || this.asked.has(wanted.trace)) return;
    this.asked.add(wanted.trace);
    this.waiting.push(wanted);
    if (!this.isAsking) void this.work();
  }

  /** Out of sight before its turn: others come first. */
  drop(trace: Trace): void {
    const at = this.waiting.findIndex((wanted) => wanted.trace === trace);
    if (at < 0) return;
    this.waiting.splice(at, 1);
    this.asked.delete(trace);
  }

  /** The connection was lost meanwhile: what came then lacks. */
  again(): void {
    this.asked.clear();
    this.waiting.length = 0;
  }

  end(): void {
    this.over.abort();
    this.waiting.length = 0;
  }

  private async work(): Promise<void> {
    this.isAsking = true;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      if (await this.ask(next)) continue;
      if (this.asked.has(next.trace)) this.waiting.unshift(next);
      await this.pause();
    }
    this.isAsking = false;
  }

  /** Whether there is nothing to ask again. */
  private async ask({ instrument, channel, trace }: Wanted): Promise<boolean> {
    const { connection, lab } = this.session;
    if (this.over.signal.aborted) return true;
    const service = lab.service("history");
    if (service === null) return false;
    const until = Math.round(connection.now() * 1000);
    const span = { from: until - TRACE_US, to: until, points: POINTS, buckets: true, plain: true };
    try {
      const answer = await connection.request<Answer>(
        service,
        { request: "history", instrument, channels: [channel], ...span },
        20,
      );
      if (answer.more) connection.request(service, { request: "history-end", stream: answer.stream }).catch(ignore);
      trace.fill(pointsOf(answer));
      return true;
    } catch (error) {
      return error instanceof Refused && !PASSING.has(error.code);
    }
  }

  /** Until another service is there, or this one has had time. */
  private pause(): Promise<void> {
    const { lab } = this.session;
    const before = lab.service("history");
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      const end = lab.services.subscribe(() => {
        if (lab.service("history") !== before) resolve();
      });
      this.over.signal.addEventListener("abort", () => resolve(), { once: true });
      this.ends.push(() => clearTimeout(timer), end);
    }).then(() => {
      for (const end of this.ends.splice(0)) end();
    });
  }

  private readonly ends: (() => void)[] = [];
}

/** Buckets -> points with the gaps that the log knows; an empty bucket is none, for slow instruments have many. */
export function pointsOf({ piece, gaps = [] }: Pick<Answer, "piece" | "gaps">): Point[] {
  if (piece === null) return [];
  const mean = Object.values(piece.columns)[0]?.mean ?? [];
  const points: Point[] = piece.time.flatMap((time, at) => {
    const value = mean[at];
    return typeof value === "number" && Number.isFinite(value) ? [{ time, value }] : [];
  });
  const [first = 0, last = 0] = [points[0]?.time, points.at(-1)?.time];
  const marks = gaps.filter(({ since }) => since > first && since < last);
  const all = [...points, ...marks.map(({ since }): Point => ({ time: since, value: null }))];
  return all.sort((one, other) => one.time - other.time);
}

function ignore(): void {}
