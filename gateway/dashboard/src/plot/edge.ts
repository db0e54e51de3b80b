// Where live ends: at the server's time, or beyond it by as much as the agent's clock is ahead. It goes on evenly, so that
// the plot does: taken from the newest sample alone it would stand still until the next one comes.

const FORGET_US = 10_000_000; // a clock that was set right is no longer ahead

export class Edge {
  private leadUs = 0;
  private nextLeadUs = 0;
  private since = 0;

  /** `now` by the server's clock and the newest sample's time, all in µs. */
  at(now: number, newest: number): number {
    const ahead = Math.max(newest - now, 0);
    this.nextLeadUs = Math.max(this.nextLeadUs, ahead);
    this.leadUs = Math.max(this.leadUs, ahead);
    if (Math.abs(now - this.since) > FORGET_US) {
      this.leadUs = this.nextLeadUs;
      this.nextLeadUs = ahead;
      this.since = now;
    }
    return now + this.leadUs;
  }
}
