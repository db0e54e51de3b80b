// When a silent connection is asked whether it is there, and when it is given up: a browser tells nothing of a network
// that just went silent, nor that the machine slept. All times in ms, of a clock that goes on while it sleeps.

export const TICK_MS = 500;
const QUIET_MS = 2_000; // then it is asked
const ANSWER_MS = 4_000; // a server that is busy answers within that
const WELCOME_MS = 12_000; // a wrong password waits up to 4 s, for a place among those that log in another 4 s
const ASLEEP_MS = 10_000; // so late comes no tick of a page that is looked at and of a machine that is awake
const LONGEST_WAIT_MS = 1_700; // the agents' and the clients' too: everybody is back within 2 s

export interface Pulse {
  openedAt: number;
  isWelcome: boolean;
  heardAt: number;
  /** When it was asked, unless something was heard since. */
  askedAt: number | null;
  tickedAt: number;
}

export type Verdict = "wait" | "ask" | "give-up";

/** `isSeen`: whether the page is looked at; else the browser lets it tick once a minute. */
export function judge(pulse: Pulse, now: number, isSeen: boolean): Verdict {
  if (!pulse.isWelcome) return now - pulse.openedAt > WELCOME_MS ? "give-up" : "wait";
  const hasSlept = isSeen && now - pulse.tickedAt > ASLEEP_MS && now - pulse.heardAt > ASLEEP_MS;
  if (hasSlept) return "give-up";
  if (pulse.askedAt !== null) return now - pulse.askedAt > ANSWER_MS ? "give-up" : "wait";
  return now - pulse.heardAt > QUIET_MS ? "ask" : "wait";
}

/** How long to wait before the next attempt; `chance` from 0 to 1 spreads those who were all cut off at once. */
export function waitBefore(attempt: number, chance: number): number {
  return 300 + chance * Math.min(500 * 2 ** attempt, LONGEST_WAIT_MS);
}
