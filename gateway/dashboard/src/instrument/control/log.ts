// The console's list: pages of the ledger from the service `logger`, and replies as they come.

import { computed, effect, type Signal, signal } from "@preact/signals";
import type { Session } from "../../sign_in/session.ts";
import { Lost } from "../../wire/connection.ts";
import type { Actions } from "./actions.ts";
import {
  decodeReply,
  type Entry,
  entryOfLedger,
  entryOfReply,
  type Filter,
  merged,
  type Page,
  passes,
  usersIn,
  withNewest,
} from "./entries.ts";

const PAGE = 50;
const LOGGED_MS = 1_200; // until the ledger has what an agent just replied
const TRIES = 5;
const MOST = 2_000; // entries that the page keeps; older ones can be asked for again

export class Log {
  readonly entries: Signal<readonly Entry[]> = signal([]);
  readonly hasMore: Signal<boolean> = signal(false);
  /** Whether the ledger was read since the list began. */
  readonly isFilled: Signal<boolean> = signal(false);
  readonly isAsking: Signal<boolean> = signal(false);
  /** Why the ledger cannot be read, in the server's words; "no-logger" where nobody is there to ask. */
  readonly problem: Signal<string> = signal("");
  readonly filter: Signal<Filter> = signal({ user: "", result: "" });
  readonly users: Signal<string[]> = signal([]);
  private readonly session: Session;
  private readonly instrument: string;
  private readonly actions: Actions;
  private readonly ends: (() => void)[] = [];
  private later: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;

  constructor(session: Session, instrument: string, actions: Actions) {
    this.session = session;
    this.instrument = instrument;
    this.actions = actions;
  }

  start(): void {
    const { connection, lab } = this.session;
    const logger = computed(() => lab.service("logger"));
    const take = (_: string, payload: Uint8Array) => this.take(payload);
    const watch = connection.watch(`${this.instrument}/reply`, take);
    watch.ready.catch(() => undefined); // then only what is sent from here is seen, and the ledger
    this.ends.push(
      watch.end,
      effect(() => {
        if (connection.standing.value === "live" && logger.value !== null) this.refreshSoon(0);
      }),
      this.actions.replies.subscribe((own) => this.learn(own)),
    );
  }

  end(): void {
    clearTimeout(this.later);
    for (const end of this.ends.splice(0)) end();
  }

  /** Other entries are wanted: the list begins anew. */
  choose(filter: Filter): void {
    this.filter.value = filter;
    this.entries.value = this.actions.replies.peek().filter((entry) => passes(entry, filter));
    this.hasMore.value = this.isFilled.value = false;
    this.refreshSoon(0);
  }

  async older(): Promise<void> {
    const oldest = this.entries.value.reduce((least, entry) => Math.min(least, entry.number ?? Infinity), Infinity);
    const page = await this.ask(Number.isFinite(oldest) ? { after: oldest } : {});
    if (page === null) return;
    this.entries.value = merged(this.entries.value, page.entries.map(entryOfLedger));
    this.hasMore.value = page.more;
  }

  private take(payload: Uint8Array): void {
    const reply = decodeReply(payload);
    if (reply !== null) this.learn([entryOfReply(reply, null)]);
  }

  private learn(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const wanted = entries.filter((entry) => passes(entry, this.filter.peek()));
    this.entries.value = merged(this.entries.peek(), wanted).slice(0, MOST);
    this.users.value = usersIn(entries, this.users.peek());
    this.tries = 0;
    this.refreshSoon(LOGGED_MS);
  }

  private refreshSoon(inMs: number): void {
    clearTimeout(this.later);
    this.later = setTimeout(() => this.refresh(), inMs);
  }

  private async refresh(): Promise<void> {
    const page = await this.ask({});
    if (page === null) return;
    this.isFilled.value = true;
    const before = this.entries.value;
    const newest = page.entries.map(entryOfLedger);
    this.entries.value = withNewest(before, newest, page.more).slice(0, MOST);
    const isFirst = !before.some((entry) => entry.number !== null);
    const beganAnew = this.entries.value.filter((entry) => entry.number !== null).length === newest.length;
    if (isFirst || beganAnew) this.hasMore.value = page.more;
    this.users.value = usersIn(newest, this.users.value);
    this.actions.settle(newest);
    this.tries += 1;
    if (this.tries < TRIES && this.entries.value.some((entry) => entry.number === null)) {
      this.refreshSoon(LOGGED_MS * this.tries);
    }
  }

  private async ask(more: Record<string, unknown>): Promise<Page | null> {
    const { connection, lab } = this.session;
    const service = lab.service("logger");
    if (service === null) {
      this.problem.value = "no-logger";
      return null;
    }
    const wanted = this.filter.value;
    const body = { request: "ledger", instrument: this.instrument, limit: PAGE, ...given(wanted), ...more };
    this.isAsking.value = true;
    try {
      const page = await connection.request<Page>(service, body);
      this.problem.value = "";
      return wanted === this.filter.value ? page : null; // others were asked for meanwhile
    } catch (error) {
      if (!(error instanceof Lost)) this.problem.value = error instanceof Error ? error.message : String(error);
      return null;
    } finally {
      this.isAsking.value = false;
    }
  }
}

function given({ user, result }: Filter): Record<string, string> {
  return { ...(user !== "" && { user }), ...(result !== "" && { result }) };
}
