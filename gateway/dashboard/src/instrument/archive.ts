// What the log has of the time that is looked at: asked for when it is looked at, kept while it is of use.
// One question at a time, and a stream that is not read out is ended: a user may have four.

import { type Signal, signal } from "@preact/signals";
import { type Head, type Past, Reading } from "../plot/past.ts";
import type { Session } from "../sign_in/session.ts";
import { Lost, Refused } from "../wire/connection.ts";

const CALM_MS = 120; // while somebody turns the wheel nothing is asked
const AGAIN_MS = 5000;
const STILL_COMING_MS = 10_000; // how often what lacks without a reason is asked for again
const KEPT = 6;
const [LEAST_POINTS, MOST_POINTS] = [10, 20_000];

interface Wanted {
  from: number;
  to: number;
  pixelUs: number;
}

export class Archive {
  pasts: Past[] = [];
  /** Whether something is under way that will be seen. */
  readonly isReading: Signal<boolean> = signal(false);
  /** Why there is nothing, in the server's words; "" for no reason. */
  readonly problem: Signal<string> = signal("");
  private readonly session: Session;
  private readonly name: string;
  private readonly changed: () => void;
  private wanted: Wanted | null = null;
  private asked: Wanted | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private notBefore = 0;
  private readAt = 0;

  constructor(session: Session, name: string, changed: () => void) {
    this.session = session;
    this.name = name;
    this.changed = changed;
  }

  end(): void {
    clearTimeout(this.timer);
    this.wanted = null;
  }

  /** Say what is looked at, before what the live store has (µs); asked in each picture, so it asks for nothing twice. */
  want(from: number, to: number, pixelUs: number): void {
    if (!(from < to)) {
      this.wanted = null;
      return;
    }
    this.wanted = { from, to, pixelUs };
    if (this.asked !== null || this.isThere(this.wanted)) return;
    if (this.session.connection.isPublic || this.session.connection.standing.value !== "live") return;
    this.schedule(Math.max(this.pasts.length === 0 ? 0 : CALM_MS, this.notBefore - performance.now()));
  }

  /** What is held is not true any more: something that lacked was logged. */
  refresh(): void {
    this.pasts = [];
    this.notBefore = 0;
    this.changed();
  }

  private isThere({ from, to, pixelUs }: Wanted): boolean {
    const isFresh = performance.now() - this.readAt < STILL_COMING_MS;
    return this.pasts.some(
      (past) =>
        past.from <= from && past.to >= to && past.widthUs <= pixelUs * 1.5 && (isFresh || !lacksSomething(past, from)),
    );
  }

  private schedule(waitMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), waitMs);
  }

  private async read(): Promise<void> {
    const { wanted } = this;
    if (wanted === null || this.asked !== null) return;
    const service = this.session.lab.service("history");
    if (service === null) return;
    const span = wanted.to - wanted.from;
    const [from, to] = [Math.floor(wanted.from - span / 2), Math.ceil(wanted.to)];
    this.asked = { ...wanted, from, to };
    this.isReading.value = true;
    try {
      const points = Math.round(Math.min(Math.max((2 * (to - from)) / wanted.pixelUs, LEAST_POINTS), MOST_POINTS));
      const past = await this.readOut(service, { from, to, points });
      if (past !== null) this.keep(past);
      this.problem.value = "";
    } catch (error) {
      this.fail(error, from, to);
    }
    this.readAt = performance.now();
    this.asked = null;
    this.isReading.value = false;
    this.changed();
  }

  /** null: what is looked at is another time by now. */
  private async readOut(service: string, of: Record<string, number>): Promise<Past | null> {
    const { connection } = this.session;
    const stream = randomName();
    const head = await connection.request<Head>(service, {
      ...{ request: "history", instrument: this.name, stream },
      ...of,
    });
    const reading = new Reading(head);
    let { more } = head;
    for (let number = 1; more; number += 1) {
      if (!this.isOfUse(head.from, head.to)) {
        connection.request(service, { request: "history-end", stream: head.stream }).catch(() => undefined);
        return null;
      }
      const next = await connection.request<{ piece: unknown; more: boolean }>(service, {
        ...{ request: "history-next", stream: head.stream, number },
      });
      reading.add(next.piece);
      more = next.more;
    }
    return reading.end();
  }

  private isOfUse(from: number, to: number): boolean {
    return this.wanted !== null && this.wanted.from < to && this.wanted.to > from;
  }

  private keep(past: Past): void {
    const others = this.pasts.filter(
      (other) =>
        other.from < past.from || other.to > past.to || (other.widthUs < past.widthUs && !lacksSomething(other, 0)),
    );
    this.pasts = [past, ...others].slice(0, KEPT);
  }

  private fail(error: unknown, from: number, to: number): void {
    if (error instanceof Refused && error.code === "unknown") {
      // Nothing of it was ever logged.
      this.keep({ from, to, widthUs: 0, columns: new Map(), changes: [], gaps: [] });
      return;
    }
    this.notBefore = performance.now() + AGAIN_MS;
    if (error instanceof Refused) this.problem.value = error.message;
    else if (!(error instanceof Lost)) throw error;
  }
}

/** Whether it tells of something that may still come. */
function lacksSomething({ gaps }: Past, from: number): boolean {
  return gaps.some((gap) => gap.reason === "" && (gap.until ?? Number.POSITIVE_INFINITY) > from);
}

/** A name that nobody else chooses; crypto.randomUUID is not there on a page without TLS. */
export function randomName(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
