// Asks the services for what happened in the time that is looked at: ledger, alarms, certificates, notes -> marks.

import { effect, type Signal, signal } from "@preact/signals";
import type { Instrument } from "../lab/instrument.ts";
import type { Session } from "../sign_in/session.ts";
import { type Certificate, type LedgerEntry, type Mark, marksOf, type Note, type RecordedAlarm } from "./marks.ts";

const CALM_MS = 400;
const SELDOM_MS = 20_000; // what others put meanwhile, such as notes
const MOST_PAGES = 3;

export class Events {
  readonly marks: Signal<Mark[]> = signal([]);
  readonly notes: Signal<Note[]> = signal([]);
  private readonly session: Session;
  private readonly instrument: Instrument;
  private readonly ends: (() => void)[] = [];
  private asked: { from: number; to: number } | null = null;
  private wanted: { from: number; to: number } | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isAsking = false;

  constructor(session: Session, instrument: Instrument) {
    this.session = session;
    this.instrument = instrument;
    this.ends.push(session.connection.watch(`${instrument.name}/reply`, () => this.again()).end);
    this.ends.push(
      effect(() => {
        // Read, so that a change of any asks again.
        instrument.alarms.value;
        session.lab.services.value;
        if (session.connection.standing.value === "live") this.again();
      }),
    );
    const timer = setInterval(() => this.again(), SELDOM_MS);
    this.ends.push(() => clearInterval(timer));
  }

  end(): void {
    clearTimeout(this.timer);
    for (const end of this.ends) end();
  }

  /** What is looked at (µs); live, what comes after is asked for by `again`. */
  want(from: number, to: number): void {
    this.wanted = { from, to };
    const { asked } = this;
    if (asked !== null && from >= asked.from && to <= asked.to) return;
    this.schedule();
  }

  /** Something happened. */
  again(): void {
    this.asked = null;
    this.schedule();
  }

  private schedule(): void {
    if (this.session.connection.isPublic || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.isAsking) this.schedule();
      else void this.ask();
    }, CALM_MS);
  }

  private async ask(): Promise<void> {
    const { wanted } = this;
    if (wanted === null || this.session.connection.standing.value !== "live") return;
    const span = wanted.to - wanted.from;
    const from = Math.floor(wanted.from - span / 2);
    // Live the right end goes on: what happens there is told by `again`.
    const to = Math.ceil(wanted.to + span);
    this.isAsking = true;
    this.asked = { from, to };
    const within = { from, to };
    const [entries, alarms, certificates, notes] = await Promise.all([
      this.pages<LedgerEntry>("logger", "ledger", "entries", within, ({ number }) => number),
      this.pages<RecordedAlarm>("logger", "alarms", "alarms", within, ({ number }) => number),
      this.pages<Certificate & { entry: number }>(
        "calibration",
        "certificate-list",
        "certificates",
        {},
        ({ entry }) => entry,
      ),
      this.pages<Note>("batches", "note-list", "notes", within, ({ number }) => number),
    ]);
    this.isAsking = false;
    this.marks.value = marksOf({ entries, alarms, certificates, notes });
    this.notes.value = notes;
  }

  /** What a service answers, page by page; nothing where it is not there or refuses, for each tells of its own. */
  private async pages<Row>(
    role: string,
    request: string,
    key: string,
    body: Record<string, unknown>,
    last: (row: Row) => unknown,
  ): Promise<Row[]> {
    const { connection, lab } = this.session;
    const service = lab.service(role);
    const rows: Row[] = [];
    if (service === null) return rows;
    try {
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const after = rows.length > 0 ? { after: last(rows.at(-1) as Row) } : {};
        const question = { request, instrument: this.instrument.name, ...body, ...after };
        const answer = await connection.request<Record<string, Row[]> & { more: unknown }>(service, question);
        rows.push(...(answer[key] ?? []));
        if (answer.more !== true) break;
      }
    } catch {
      // Asked again with the next change.
    }
    return rows;
  }
}
