// One run as it is known here: the service's View, what its streams do now, and what this page asks of it.

import { type Signal, signal } from "@preact/signals";
import type { Session } from "../sign_in/session.ts";
import { decodeMap } from "../wire/frames.ts";
import { askKnown, type Body, mistakesIn, once, whyNot } from "./desk.ts";
import { filled } from "./filled.ts";
import { LIVE, type Live, RUN, type Run } from "./messages.ts";
import { isOver } from "./run.ts";

const LONG = new Set(["command", "calculate", "issue"]);
const AGAIN_MS = 100;

export class Bench {
  readonly run: Signal<Run | null> = signal(null);
  readonly live: Signal<Live | null> = signal(null);
  /** Why the last thing was not done; a sentence each. */
  readonly mistakes: Signal<string[]> = signal([]);
  /** The act that is under way. */
  readonly busy: Signal<string> = signal("");
  readonly session: Session;
  private readonly number: string;
  private readonly ends: (() => void)[] = [];
  private endWatch: (() => void) | null = null;
  private isAsking = false;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session, number: string) {
    this.session = session;
    this.number = number;
    const { connection, lab } = session;
    this.ends.push(connection.standing.subscribe(() => this.refresh()));
    this.ends.push(connection.rights.subscribe(() => this.refresh()));
    this.ends.push(lab.services.subscribe(() => this.run.peek() === null && this.refresh()));
  }

  end(): void {
    for (const end of this.ends) end();
    this.endWatch?.();
    clearTimeout(this.again);
  }

  /** Once more what the service knows: after a reconnection, and where more happened than is shown. */
  async refresh(): Promise<void> {
    const { connection, lab } = this.session;
    const isReady = connection.standing.peek() === "live" && connection.rights.peek() !== undefined;
    if (!isReady || this.isAsking || lab.service("calibration") === null) return;
    this.isAsking = true;
    try {
      this.learn(await askKnown(this.session, { request: "run-show", run: this.number }));
    } catch (error) {
      if (this.run.peek() === null) this.mistakes.value = [whyNot(error)];
    }
    this.isAsking = false;
    this.check();
  }

  async act(act: string, given: Body = {}): Promise<boolean> {
    const run = this.run.peek();
    if (run === null || this.busy.peek() !== "") return false;
    this.busy.value = act;
    this.mistakes.value = [];
    try {
      const asked = once({ request: "run-act", instrument: run.instrument, run: run.run, act, ...given });
      const answer = await askKnown(this.session, asked, LONG.has(act));
      this.mistakes.value = mistakesIn(answer);
      this.learn(answer);
    } catch (error) {
      this.mistakes.value = [whyNot(error)];
    }
    this.busy.value = "";
    return this.mistakes.value.length === 0;
  }

  private learn(answer: unknown): void {
    const told = (answer as { run?: unknown } | null)?.run;
    if (!told) return;
    const run = filled(RUN, told);
    if (run.head >= (this.run.peek()?.head ?? 0)) this.run.value = run;
    if (this.endWatch !== null || run.instrument === "") return;
    const { end } = this.session.connection.watch(`${run.instrument}/run`, (_, payload) => this.hear(payload));
    this.endWatch = end;
  }

  private hear(payload: Uint8Array): void {
    const told = payload.length === 0 ? null : decodeMap(payload);
    const live = told && filled(LIVE, told);
    this.live.value = live?.run === this.number ? live : null;
    this.check(this.live.value === null);
  }

  /** Whether something happened that is not shown, such as its end: then nothing is told of it any more. */
  private check(isGone = false): void {
    const [run, live] = [this.run.peek(), this.live.peek()];
    const isBehind = run !== null && (live === null ? isGone && !isOver(run) : live.head > run.head);
    if (!isBehind || this.isAsking || this.again !== undefined) return;
    this.again = setTimeout(() => {
      this.again = undefined;
      this.refresh();
    }, AGAIN_MS);
  }
}
