// Asks the history service for one instrument after the other, two at a time, and ends what nobody wants any more.
// In: what is wanted. Out: for each instrument how far it is, and at the end its Past.

import { type Head, type Past, Reading } from "../plot/past.ts";

/** One instrument's time in so many buckets at most. */
export interface Wanted {
  instrument: string;
  from: number | null; // null: from the first sample on
  to: number;
  points: number;
}

export interface TextChannel {
  name: string;
  unit: string;
  count: number;
}

export interface Answer {
  wanted: Wanted;
  past: Past;
  /** Channels of texts: how many there were is all that buckets tell. */
  texts: TextChannel[];
  /** Gaps beyond those that are listed. */
  moreGaps: number;
}

export type Progress =
  | { step: "waiting" }
  | { step: "loading"; done: number; expected: number }
  | { step: "done"; answer: Answer }
  | { step: "failed"; error: Error };

/** Asks the history service; rejects with its sentence. */
export type Ask = (body: Record<string, unknown>) => Promise<unknown>;

type Told = Head & { done?: number; more_gaps?: number };
interface Next {
  piece: unknown;
  more: boolean;
  done?: number;
}

interface Run {
  isWanted: boolean;
  stream: string;
  ask: Ask;
}

export const AT_ONCE = 2; // of the four streams that a user may have: another page of theirs may need some

export class Loader {
  private readonly asker: () => Ask;
  private readonly tell: (wanted: Wanted, progress: Progress) => void;
  private waiting: Wanted[] = [];
  private readonly running = new Map<Wanted, Run>();

  /** `asker` is called once for each stream: all of it is asked of one service. */
  constructor(asker: () => Ask, tell: (wanted: Wanted, progress: Progress) => void) {
    this.asker = asker;
    this.tell = tell;
  }

  /** This and nothing else is wanted from now on: what is under way and fits goes on, the rest is ended. */
  want(all: readonly Wanted[]): void {
    const kept = new Set<Wanted>();
    for (const [wanted, run] of this.running) {
      if (run.isWanted && !all.some((other) => areSame(wanted, other))) this.leave(run);
      if (run.isWanted) kept.add(wanted);
    }
    this.waiting = all.filter((wanted) => ![...kept].some((other) => areSame(wanted, other)));
    for (const wanted of this.waiting) this.tell(wanted, { step: "waiting" });
    this.begin();
  }

  end(): void {
    this.want([]);
  }

  private begin(): void {
    while (this.running.size < AT_ONCE) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      const run = { isWanted: true, stream: streamName(), ask: this.asker() };
      this.running.set(next, run);
      void this.run(next, run);
    }
  }

  /** Also where the first answer is still to come. */
  private leave(run: Run): void {
    run.isWanted = false;
    close(run);
  }

  private async run(wanted: Wanted, run: Run): Promise<void> {
    try {
      const answer = await this.read(wanted, run);
      if (run.isWanted && answer !== null) this.tell(wanted, { step: "done", answer });
    } catch (error) {
      if (run.isWanted) this.tell(wanted, { step: "failed", error: error as Error });
    } finally {
      this.running.delete(wanted);
      this.begin();
    }
  }

  /** null: not wanted any more. */
  private async read(wanted: Wanted, run: Run): Promise<Answer | null> {
    const { instrument, from, to, points } = wanted;
    const { stream, ask } = run;
    this.tell(wanted, { step: "loading", done: 0, expected: 0 });
    const time = from === null ? { to } : { from, to };
    const question = { request: "history", instrument, ...time, points, buckets: true, stream };
    const head = (await ask(question)) as Told;
    let isOpen = head.more;
    try {
      const reading = new Reading(head);
      const texts = new Texts(head);
      texts.add(head.piece);
      for (let number = 1; isOpen && run.isWanted; number += 1) {
        const next = (await ask({ request: "history-next", stream, number })) as Next;
        isOpen = next.more;
        reading.add(next.piece);
        texts.add(next.piece);
        if (run.isWanted) this.tell(wanted, { step: "loading", done: next.done ?? 0, expected: head.expected });
      }
      return isOpen ? null : { wanted, past: reading.end(), texts: texts.channels, moreGaps: head.more_gaps ?? 0 };
    } finally {
      if (isOpen && run.isWanted) close(run);
    }
  }
}

function close({ ask, stream }: Run): void {
  ask({ request: "history-end", stream }).catch(() => undefined); // then it has ended already
}

export function areSame(one: Wanted, other: Wanted): boolean {
  return (
    one.instrument === other.instrument && one.from === other.from && one.to === other.to && one.points === other.points
  );
}

/** Counts the texts of buckets. */
class Texts {
  readonly channels: TextChannel[] = [];
  private readonly keys: string[] = [];

  constructor({ kind, channels }: Told) {
    if (kind !== "buckets") return;
    for (const { key, name, unit, type } of channels) {
      if (type !== "text") continue;
      this.keys.push(key);
      this.channels.push({ name, unit, count: 0 });
    }
  }

  add(piece: unknown): void {
    const columns = (piece as { columns?: Record<string, { count: Uint8Array }> } | null)?.columns ?? {};
    for (const [at, channel] of this.channels.entries()) {
      const told = columns[this.keys[at] as string];
      if (told !== undefined) channel.count += sumOf(told.count);
    }
  }
}

/** Of little-endian uint32. */
function sumOf(counts: Uint8Array): number {
  const content = new DataView(counts.buffer, counts.byteOffset, counts.byteLength);
  let sum = 0;
  for (let at = 0; at < counts.byteLength; at += 4) sum += content.getUint32(at, true);
  return sum;
}

/** A name of our own choice: so a stream can be ended before its first answer has come. */
function streamName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
