// Completeness as long as somebody looks: asked when the view opens, when the time is changed, and again after a while.

import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { type Completeness, find, patternsOf, RANGES, type RangeName } from "./completeness.ts";

const PAUSE_MS = 30_000; // after an answer: a large laboratory's takes the database a while
const ANSWER_S = 30;

export class Counting {
  readonly range: Signal<RangeName> = signal("day");
  /** null: not asked yet in this range. */
  readonly found: Signal<Completeness[] | null> = signal(null);
  /** When that was so, in ms of the server's time. */
  readonly asOf: Signal<number | null> = signal(null);
  readonly refusal: Signal<string> = signal("");
  readonly isAsking: Signal<boolean> = signal(false);
  /** Whom to ask; null: there is nobody. */
  readonly logger: Signal<string | null>;
  private readonly session: Session;
  private readonly instrument: string | undefined;
  private asked = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stop: () => void = () => undefined;

  constructor(session: Session, instrument?: string) {
    this.session = session;
    this.instrument = instrument;
    this.logger = computed(() => session.lab.service("logger"));
  }

  start(): void {
    const { connection } = this.session;
    this.stop = effect(() => {
      const isReady = connection.standing.value === "live" && connection.rights.value !== undefined;
      if (this.range.value && this.logger.value !== null && isReady) untracked(() => this.ask());
    });
  }

  end(): void {
    this.asked += 1;
    clearTimeout(this.timer);
    this.stop();
  }

  choose(range: RangeName): void {
    if (range === this.range.peek()) return;
    this.found.value = null;
    this.range.value = range;
  }

  async ask(): Promise<void> {
    clearTimeout(this.timer);
    this.asked += 1;
    const mine = this.asked;
    this.isAsking.value = true;
    const answer = await this.count().catch((error: unknown) => error as Error);
    if (mine !== this.asked) return;
    this.isAsking.value = false;
    this.take(answer);
    this.timer = setTimeout(() => this.askAgain(), PAUSE_MS);
  }

  private askAgain(): void {
    if (document.visibilityState === "visible" && this.logger.peek() !== null) this.ask();
    else this.timer = setTimeout(() => this.askAgain(), PAUSE_MS);
  }

  private take(answer: Completeness[] | Error): void {
    if (answer instanceof Error) {
      if (answer instanceof Refused) this.refusal.value = answer.message; // else the connection went: it asks again
      return;
    }
    this.refusal.value = "";
    this.found.value = answer;
    this.asOf.value = this.session.connection.now();
  }

  private count(): Promise<Completeness[]> {
    const { connection } = this.session;
    const logger = this.logger.peek() ?? "logger";
    const span = RANGES[this.range.peek()];
    const from = span === null ? null : Math.round(connection.now() * 1000 - span);
    const patterns = this.instrument === undefined ? patternsOf(connection.rights.peek()) : [this.instrument];
    const isNothing = (error: unknown) => error instanceof Refused && error.code === "unknown";
    return find((body) => connection.request(logger, body, ANSWER_S), patterns, from, isNothing);
  }
}
