// What this page sends to one instrument, and what becomes of it. Nothing waits for a connection: it is sent now or never.

import { type Signal, signal } from "@preact/signals";
import type { Instrument } from "../../lab/instrument.ts";
import type { Session } from "../../sign_in/session.ts";
import type { Reply } from "../../wire/messages.ts";
import type { Arguments } from "./commands.ts";
import { type Entry, entryOfReply } from "./entries.ts";
import { isUncertain, replyOfError } from "./outcome.ts";

const USUAL_TIMEOUT_S = 10;

export interface UnderWay {
  name: string;
  sinceMs: number; // of performance.now()
  timeoutS: number;
  isArming: boolean;
}

export interface Outcome {
  reply: Reply;
  arguments: Record<string, unknown>;
  /** Whether it was refused when it was announced: then the command itself was never sent. */
  wasArming: boolean;
}

export interface Sending {
  name: string;
  arguments?: Record<string, unknown>;
  timeoutS?: number;
  isDangerous?: boolean;
}

export class Actions {
  /** By the place on the page, which is a command's name: what is under way, and what became of the last one. */
  readonly underWay: Signal<ReadonlyMap<string, UnderWay>> = signal(new Map());
  readonly outcomes: Signal<ReadonlyMap<string, Outcome>> = signal(new Map());
  /** Replies of what was sent from here, also those that the gateway gave. */
  readonly replies: Signal<readonly Entry[]> = signal([]);
  private readonly session: Session;
  private readonly instrument: string;

  constructor(session: Session, instrument: string) {
    this.session = session;
    this.instrument = instrument;
  }

  /** Does nothing while the same is under way, or where there is no connection. */
  async send({ name, arguments: given = {}, timeoutS = USUAL_TIMEOUT_S, isDangerous = false }: Sending): Promise<void> {
    if (this.underWay.value.has(name) || this.session.connection.standing.value !== "live") return;
    const began = { name, sinceMs: performance.now(), timeoutS };
    this.outcomes.value = without(this.outcomes.value, name);
    if (isDangerous) {
      this.underWay.value = withOne(this.underWay.value, name, { ...began, isArming: true });
      const armed = await this.ask("_arm", { name, arguments: given }, USUAL_TIMEOUT_S);
      if (armed.result !== "done") return this.conclude(name, { reply: armed, arguments: given, wasArming: true });
    }
    this.underWay.value = withOne(this.underWay.value, name, { ...began, isArming: false });
    const reply = await this.ask(name, given, timeoutS);
    this.conclude(name, { reply, arguments: given, wasArming: false });
  }

  /** What became of it was read. */
  forget(name: string): void {
    this.outcomes.value = without(this.outcomes.value, name);
  }

  /** The ledger knows better what became of a command than who lost sight of it. */
  settle(entries: readonly Entry[]): void {
    for (const [name, outcome] of this.outcomes.value) {
      const { id, user } = outcome.reply;
      if (outcome.wasArming || id === "" || !isUncertain(outcome.reply.result)) continue;
      const told = entries.find((entry) => entry.id === id && entry.user === user && entry.notedBy === "agent");
      if (told !== undefined && told.result !== outcome.reply.result) {
        this.outcomes.value = withOne(this.outcomes.value, name, { ...outcome, reply: replyOfEntry(told) });
      }
    }
  }

  private async ask(name: string, given: Record<string, unknown>, timeoutS: number): Promise<Reply> {
    const { connection } = this.session;
    const id = newId();
    const reply = await connection.command(this.instrument, name, given, { timeout: timeoutS, id }).catch((error) => {
      const user = connection.welcome.value?.user ?? "";
      return { ...replyOfError(error, name, user, connection.now()), id };
    });
    this.replies.value = [entryOfReply(reply, given as Arguments), ...this.replies.value].slice(0, 100);
    return reply;
  }

  private conclude(name: string, outcome: Outcome): void {
    this.underWay.value = without(this.underWay.value, name);
    this.outcomes.value = withOne(this.outcomes.value, name, outcome);
  }
}

const known = new WeakMap<Instrument, Actions>();

/** What is under way stays so when the reader looks at another tab of the page. */
export function actionsOf(session: Session, instrument: Instrument): Actions {
  const actions = known.get(instrument) ?? new Actions(session, instrument.name);
  known.set(instrument, actions);
  return actions;
}

function replyOfEntry(entry: Entry): Reply {
  const bytes = { bytes_out: entry.bytesOut, bytes_in: entry.bytesIn };
  const { id, name, user, result, reason, units, time } = entry;
  return {
    id,
    name,
    user,
    result,
    reason,
    values: entry.values as Reply["values"],
    units,
    ...bytes,
    took_us: entry.tookUs,
    time,
  };
}

/** crypto.randomUUID() is there by https only. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withOne<Kept>(map: ReadonlyMap<string, Kept>, key: string, kept: Kept): ReadonlyMap<string, Kept> {
  return new Map(map).set(key, kept);
}

function without<Kept>(map: ReadonlyMap<string, Kept>, key: string): ReadonlyMap<string, Kept> {
  const left = new Map(map);
  left.delete(key);
  return left;
}
