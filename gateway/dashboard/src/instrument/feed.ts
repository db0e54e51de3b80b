// Live frames of one instrument into its store: what is logged of the last minute first, then what comes, each once.

import type { Store } from "../plot/store.ts";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { decodeFrame } from "../wire/frames.ts";
import { unpack } from "../wire/unpack.ts";

const BACKLOG_US = 60_000_000; // as frames; what is longer ago comes thinned (archive.ts)
const FILL_MS = 3000; // a service that is there has said so by then

export class Feed {
  private readonly session: Session;
  private readonly name: string;
  private readonly store: Store;
  private readonly changed: () => void;
  private readonly ends: (() => void)[] = [];

  constructor(session: Session, name: string, store: Store, changed: () => void) {
    this.session = session;
    this.name = name;
    this.store = store;
    this.changed = changed;
    this.whenFilled(() => this.begin());
  }

  end(): void {
    for (const end of this.ends) end();
  }

  /** Opened at this address the page knows of no service yet. */
  private whenFilled(go: () => void): void {
    let isDone = false;
    const once = () => {
      if (!isDone) go();
      isDone = true;
    };
    const wait = setTimeout(once, FILL_MS);
    this.ends.push(() => clearTimeout(wait));
    this.ends.push(this.session.lab.isFilled.subscribe((isFilled) => isFilled && once()));
    this.ends.push(() => {
      isDone = true;
    });
  }

  private begin(): void {
    const topic = `${this.name}/data`;
    const take = (_: string, payload: Uint8Array) => this.take(payload);
    let watch = this.session.connection.watch(topic, take, () => this.since());
    let isEnded = false;
    this.ends.push(() => {
      isEnded = true;
      watch.end();
    });
    watch.ready.catch((error: unknown) => {
      if (isEnded || !(error instanceof Refused) || error.code !== "unavailable") return;
      watch.end();
      this.store.begin(Number.POSITIVE_INFINITY); // then it has what comes from now on
      watch = this.session.connection.watch(topic, take);
    });
  }

  /** From when on the log is asked to send frames (µs); null: only what comes from now on. */
  private since(): number | null {
    const { connection, lab } = this.session;
    if (connection.isPublic || lab.service("history") === null) return null;
    const now = Math.round(connection.now() * 1000);
    const earliest = now - BACKLOG_US;
    if (this.store.end >= earliest) return Math.min(this.store.end + 1, now); // an agent's clock may be ahead
    this.store.begin(earliest);
    return earliest;
  }

  private take(payload: Uint8Array): void {
    for (const one of several(payload)) {
      const frame = decodeFrame(one);
      if (frame !== null) this.store.take(frame);
    }
    this.changed();
  }
}

/** One message is a frame, or a list of several frames' bytes. */
function several(payload: Uint8Array): Uint8Array[] {
  const kind = payload[0] ?? 0;
  const isList = (kind & 0xf0) === 0x90 || kind === 0xdc || kind === 0xdd;
  return isList ? (unpack(payload) as Uint8Array[]) : [payload];
}
