// For each instrument the trace of one channel, from the moment the session began, whichever view is open.

import { effect, type Signal, signal, untracked } from "@preact/signals";
import { conditionOf, isLive } from "../lab/condition.ts";
import type { Instrument } from "../lab/instrument.ts";
import type { Session } from "../sign_in/session.ts";
import { Slots } from "./decimals.ts";
import { Fill } from "./fill.ts";
import { Trace } from "./trace.ts";

export interface Traced {
  trace: Trace;
  /** Which channel it is of: the first that sent a number; "" as long as none did. */
  channel: Signal<string>;
  slots: Slots;
}

export class Traces {
  readonly fill: Fill;
  private readonly session: Session;
  private readonly traced = new Map<Instrument, Traced>();
  private readonly ends = new Map<Instrument, () => void>();
  private readonly endOfFollowing: () => void;
  private readonly endOfLosses: () => void;

  constructor(session: Session) {
    this.session = session;
    this.fill = new Fill(session);
    this.endOfFollowing = effect(() => {
      const there = new Set(session.lab.instruments.value.values());
      untracked(() => this.follow(there));
    });
    this.endOfLosses = session.connection.standing.subscribe((standing) => {
      if (standing === "lost") this.fill.again();
    });
  }

  of(instrument: Instrument): Traced {
    const known = this.traced.get(instrument) ?? { trace: new Trace(), channel: signal(""), slots: new Slots() };
    this.traced.set(instrument, known);
    return known;
  }

  end(): void {
    this.endOfFollowing();
    this.endOfLosses();
    this.fill.end();
    for (const end of this.ends.values()) end();
    this.ends.clear();
  }

  private follow(there: ReadonlySet<Instrument>): void {
    for (const [instrument, end] of this.ends) {
      if (there.has(instrument)) continue;
      end();
      this.ends.delete(instrument);
      this.traced.delete(instrument);
    }
    for (const instrument of there) {
      if (!this.ends.has(instrument)) this.ends.set(instrument, this.record(instrument));
    }
  }

  private record(instrument: Instrument): () => void {
    const { connection, lab } = this.session;
    const traced = this.of(instrument);
    const endOfValues = effect(() => {
      const latest = instrument.latest.value;
      if (traced.channel.peek() === "") traced.channel.value = firstNumber(instrument);
      const sample = latest[traced.channel.peek()];
      if (typeof sample?.value === "number") traced.trace.add(sample.time, sample.value);
    });
    const endOfGaps = effect(() => {
      const agent = lab.agents.value.get(instrument.agent);
      if (!isLive(conditionOf(instrument.state.value, agent, connection.standing.value))) traced.trace.interrupt();
    });
    return () => {
      endOfValues();
      endOfGaps();
    };
  }
}

function firstNumber(instrument: Instrument): string {
  const latest = instrument.latest.value;
  return instrument.channels.find(({ name }) => typeof latest[name]?.value === "number")?.name ?? "";
}

const known = new WeakMap<Session, Traces>();

export function tracesOf(session: Session): Traces {
  const found = known.get(session) ?? new Traces(session);
  known.set(session, found);
  return found;
}
