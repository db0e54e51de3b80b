// How long it usually is from one sample to the next: a longer pause is not a line.

const KEPT = 64;
const LEAST = 4; // below so many pauses nothing is usual yet
const TIMES_LONGER = 4;
const SHORTEST_US = 50_000; // operating systems make pauses of such length

/** The longest pause that is still a line, of these pauses; Infinity where they are too few to tell. */
export function longestPause(pauses: readonly number[]): number {
  if (pauses.length < LEAST) return Number.POSITIVE_INFINITY;
  const sorted = [...pauses].sort((one, other) => one - other);
  const usual = sorted[Math.floor((sorted.length - 1) * 0.9)] as number;
  return Math.max(usual * TIMES_LONGER, SHORTEST_US);
}

/** The same of a channel as it goes on, by its last pauses. */
export class Usual {
  /** Of now: see longestPause. */
  limit = Number.POSITIVE_INFINITY;
  private readonly pauses: number[] = [];
  private taken = 0;
  private last = Number.NaN;

  add(time: number): void {
    const pause = time - this.last;
    this.last = time;
    if (!(pause > 0)) return;
    this.pauses[this.taken % KEPT] = pause;
    this.taken += 1;
    if (this.taken < KEPT || this.taken % KEPT === 0) this.limit = longestPause(this.pauses);
  }
}
