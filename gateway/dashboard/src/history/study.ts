// What the view looks at: instruments, a time, and how far the history of each is. Asks for what it needs by itself,
// and keeps what it had, so that something is shown until the finer comes.

import { batch, effect, type Signal, signal } from "@preact/signals";
import type { Past } from "../plot/past.ts";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { type Answer, areSame, Loader, type Progress, type Wanted } from "./loader.ts";
import { type Composed, Overlay } from "./overlay.ts";
import { type Range, type Times, timesOf, writeRange } from "./range.ts";
import { historyWords } from "./words.ts";

export interface Load {
  instrument: string;
  progress: Progress;
  /** The answer for just what is shown, once it is there. */
  exact: Answer | null;
}

/** What is drawn: it changes as a whole. */
export interface Drawing extends Composed {
  times: Times;
}

const MOST_KEPT = 6; // answers of one instrument
const FIRST_POINTS = 10; // enough to ask when the first sample was
const TIMEOUT_S = 30;

export class Study {
  readonly loads: Signal<readonly Load[]> = signal([]);
  readonly drawing: Signal<Drawing | null> = signal(null);
  /** What is shown: while somebody zooms it runs ahead of the address. */
  readonly times: Signal<Times | null> = signal(null);
  private readonly session: Session;
  private readonly loader: Loader;
  private readonly overlay = new Overlay();
  private readonly answers = new Map<string, Answer[]>(); // of each instrument, the newest first
  private readonly firsts = new Map<string, number>(); // each one's first sample
  private readonly isReady: Signal<boolean> = signal(false);
  private instruments: readonly string[] = [];
  private range: Range | null = null;
  points = 0;
  private frame = 0;
  private readonly ends: (() => void)[];

  constructor(session: Session) {
    this.session = session;
    this.loader = new Loader(
      () => this.asker(),
      (wanted, progress) => this.take(wanted, progress),
    );
    this.ends = [
      effect(() => {
        this.isReady.value = session.connection.standing.value === "live" && session.lab.service("history") !== null;
      }),
      this.isReady.subscribe((isReady) => {
        if (isReady) this.load();
      }),
    ];
  }

  end(): void {
    for (const end of this.ends) end();
    cancelAnimationFrame(this.frame);
    this.loader.end();
  }

  /** µs by the server's clock, whole ms. */
  now(): number {
    return Math.floor(this.session.connection.now()) * 1000;
  }

  /** What the address says. */
  look(instruments: readonly string[], range: Range): void {
    const isSameTime = this.range !== null && isSame(this.range, range);
    this.instruments = instruments;
    this.range = range;
    if (!isSameTime || range.kind === "all") this.times.value = this.timesNow();
    this.load();
  }

  /** The same up to now, and anew what failed. */
  refresh(): void {
    if (this.range?.kind !== "fixed") this.times.value = this.timesNow();
    this.load(true);
  }

  /** How many buckets a plot of this width can show. */
  fit(width: number): void {
    const points = Math.min(Math.max(Math.ceil(width / 100) * 100, 100), 2000);
    if (points === this.points) return;
    this.points = points;
    this.load();
  }

  /** Show another time before it is in the address. */
  preview(times: Times): void {
    this.times.value = times;
    this.redraw();
  }

  private timesNow(): Times | null {
    if (this.range === null) return null;
    const known = this.instruments.map((one) => this.firsts.get(one));
    const first = known.length === 0 || known.includes(undefined) ? null : Math.min(...(known as number[]));
    return timesOf(this.range, this.now(), first);
  }

  private asker(): (body: Record<string, unknown>) => Promise<unknown> {
    const { connection, lab } = this.session;
    const service = lab.service("history");
    if (service === null) return () => Promise.reject(new Error(historyWords.value.noService));
    return (body) => connection.request(service, body, TIMEOUT_S);
  }

  private load(again = false): void {
    if (!this.isReady.peek() || this.points === 0 || this.range === null) return;
    const times = this.times.peek();
    const wanted = this.instruments.map((instrument) => this.wantedOf(instrument, times));
    const had = new Map(this.loads.peek().map((load) => [load.instrument, load]));
    batch(() => {
      this.loads.value = wanted.map((one) => this.loadOf(one, had.get(one.instrument), again));
      const open = this.loads.value.filter(({ progress: { step } }) => step === "waiting" || step === "loading");
      this.loader.want(wanted.filter((one) => open.some(({ instrument }) => instrument === one.instrument)));
    });
    this.redraw();
  }

  /** Where all is wanted and nobody knows since when that is, first a few points from the first sample on. */
  private wantedOf(instrument: string, times: Times | null): Wanted {
    if (times === null) return { instrument, from: null, to: this.now(), points: FIRST_POINTS };
    return { instrument, from: times.from, to: times.to, points: this.points };
  }

  private loadOf(wanted: Wanted, had: Load | undefined, again: boolean): Load {
    const { instrument } = wanted;
    const exact = this.answers.get(instrument)?.find((answer) => areSame(answer.wanted, wanted)) ?? null;
    if (exact !== null) return { instrument, progress: { step: "done", answer: exact }, exact };
    const isProbed = wanted.from === null && this.firsts.has(instrument);
    if (had !== undefined && !again && (isProbed || isUnknown(had))) return { ...had, exact: null };
    return { instrument, progress: { step: "waiting" }, exact: null };
  }

  private take(wanted: Wanted, progress: Progress): void {
    const { instrument } = wanted;
    if (progress.step === "done" || progress.step === "failed") this.learn(wanted, progress);
    const isShown = wanted.from !== null;
    const exact = progress.step === "done" && isShown ? progress.answer : null;
    this.loads.value = this.loads.value.map((load) =>
      load.instrument === instrument ? { instrument, progress, exact } : load,
    );
    if (progress.step === "done") this.redraw();
    if (!isShown && this.instruments.every((one) => this.firsts.has(one))) {
      this.times.value = this.timesNow();
      this.load();
    }
  }

  private learn({ instrument, from, to }: Wanted, progress: Progress): void {
    if (progress.step === "done") {
      const kept = this.answers.get(instrument) ?? [];
      this.answers.set(instrument, [progress.answer, ...kept].slice(0, MOST_KEPT));
    }
    // Who has nothing, or failed, does not keep the others waiting.
    if (from === null) this.firsts.set(instrument, progress.step === "done" ? progress.answer.past.from : to);
  }

  /** With the next picture of the screen. */
  redraw(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.compose();
    });
  }

  private compose(): void {
    const times = this.times.peek();
    if (times === null || this.points === 0) {
      this.drawing.value = null;
      return;
    }
    const sources = this.instruments.map((instrument) => ({ instrument, pasts: this.pastsOf(instrument, times) }));
    const pixelUs = (times.to - times.from) / this.points / 2; // below a bucket's width: none is put together
    this.drawing.value = { times, ...this.overlay.compose(sources, times, pixelUs) };
  }

  private pastsOf(instrument: string, { from, to }: Times): Past[] {
    const exact = this.loads.peek().find((load) => load.instrument === instrument)?.exact;
    if (exact && exact.past.from === from && exact.past.to === to) return [exact.past];
    return (this.answers.get(instrument) ?? []).map(({ past }) => past);
  }
}

/** Of an instrument that nothing was ever logged of another time tells nothing else. */
export function isUnknown({ progress }: Load): boolean {
  return progress.step === "failed" && progress.error instanceof Refused && progress.error.code === "unknown";
}

function isSame(one: Range, other: Range): boolean {
  const [a, b] = [writeRange(one), writeRange(other)];
  return a.from === b.from && a.to === b.to;
}
