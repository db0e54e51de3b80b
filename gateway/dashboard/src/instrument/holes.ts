// Holes in the numbers of live frames: the log is asked now and then whether it has got them, or why it will not.

import { areSame, readGap } from "../plot/gaps.ts";
import type { Head } from "../plot/past.ts";
import type { Store } from "../plot/store.ts";
import type { Session } from "../sign_in/session.ts";

const FIRST_MS = 2000; // what comes a moment late
const AGAIN_MS = 8000;
const GIVEN_UP_US = 3600 * 1_000_000; // after an hour it comes with the next question about that time

export class Holes {
  private readonly session: Session;
  private readonly name: string;
  private readonly store: Store;
  private readonly filled: () => void;
  private timer: ReturnType<typeof setTimeout>;
  private isEnded = false;

  constructor(session: Session, name: string, store: Store, filled: () => void) {
    this.session = session;
    this.name = name;
    this.store = store;
    this.filled = filled;
    this.timer = setTimeout(() => void this.look(), FIRST_MS);
  }

  end(): void {
    this.isEnded = true;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    const found = this.unexplained();
    if (found.length > 0) await this.ask(found).catch(() => undefined); // asked again then
    if (!this.isEnded) this.timer = setTimeout(() => void this.look(), found.length > 0 ? AGAIN_MS : FIRST_MS);
  }

  private unexplained() {
    const earliest = this.store.end - GIVEN_UP_US;
    return this.store.gaps.filter(
      (gap) => gap.first !== null && gap.reason === "" && gap.until !== null && gap.until > earliest,
    );
  }

  private async ask(holes: ReturnType<Holes["unexplained"]>): Promise<void> {
    const { connection, lab } = this.session;
    const service = lab.service("history");
    if (service === null || connection.isPublic) return;
    const from = Math.min(...holes.map(({ since }) => since));
    const to = Math.max(...holes.map(({ until }) => until ?? 0)) + 1;
    const question = { request: "history", instrument: this.name, from, to, points: 10 };
    const head = await connection.request<Head>(service, question);
    if (head.more) connection.request(service, { request: "history-end", stream: head.stream }).catch(() => undefined);
    if (this.isEnded) return;
    const told = head.gaps.map(readGap).filter((gap) => gap !== null);
    const logged = holes.filter((hole) => !told.some((gap) => areSame(gap, hole)));
    for (const gap of told) if (gap.reason !== "") this.store.explain(gap);
    if (logged.length === 0) return;
    // What is logged by now is shown from the log, and with it all that is before.
    this.store.begin(Math.max(...logged.map(({ until }) => until ?? 0)));
    this.filled();
  }
}
