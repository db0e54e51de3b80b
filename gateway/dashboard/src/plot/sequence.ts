// Which frames were seen, by run of the agent and number: none is taken twice, and what lacks between them is a hole.

/** Numbers that did not come, and between which times (µs). */
export interface Hole {
  epoch: number;
  first: number;
  last: number;
  since: number;
  until: number;
}

/** Frames one after the other: their numbers, the first one's first time and the last one's last. */
interface Run {
  first: number;
  last: number;
  since: number;
  until: number;
}

const MOST_EPOCHS = 8;
const MOST_RUNS = 256;

export class Sequence {
  private readonly epochs = new Map<number, Run[]>();

  /** Whether this frame is new; it is known from now on. */
  take(epoch: number, number: number, since: number, until: number): boolean {
    const runs = this.epochs.get(epoch) ?? this.begin(epoch);
    let at = runs.length;
    while (at > 0 && (runs[at - 1] as Run).first > number) at -= 1;
    const before = runs[at - 1];
    if (before !== undefined && before.last >= number) return false;
    const after = runs[at];
    if (before !== undefined && before.last + 1 === number)
      extend(before, { first: number, last: number, since, until });
    else runs.splice(at, 0, { first: number, last: number, since, until });
    const joined = runs[before !== undefined && before.last === number ? at - 1 : at] as Run;
    if (after !== undefined && joined.last + 1 === after.first) {
      extend(joined, after);
      runs.splice(runs.indexOf(after), 1);
    }
    if (runs.length > MOST_RUNS) runs.shift();
    return true;
  }

  /** The oldest first. */
  get holes(): Hole[] {
    const found: Hole[] = [];
    for (const [epoch, runs] of this.epochs) {
      for (let at = 1; at < runs.length; at += 1) {
        const [before, after] = [runs[at - 1] as Run, runs[at] as Run];
        const numbers = { epoch, first: before.last + 1, last: after.first - 1 };
        found.push({ ...numbers, since: before.until, until: Math.max(after.since, before.until) });
      }
    }
    return found;
  }

  /** What lies before `time` is not asked after any more: it is told by the log. */
  forget(time: number): void {
    for (const runs of this.epochs.values()) {
      while (runs.length > 1 && (runs[1] as Run).since <= time) {
        (runs[1] as Run).first = (runs[0] as Run).first; // frames of the hole would be taken as known: they are logged
        runs.shift();
      }
    }
  }

  private begin(epoch: number): Run[] {
    const runs: Run[] = [];
    this.epochs.set(epoch, runs);
    const oldest = this.epochs.keys().next().value;
    if (this.epochs.size > MOST_EPOCHS && oldest !== undefined) this.epochs.delete(oldest);
    return runs;
  }
}

function extend(run: Run, by: Run): void {
  run.last = by.last;
  run.until = by.until;
}
