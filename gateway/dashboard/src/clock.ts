// The moment that ages are counted to: one signal for the whole page, every second.

import { type Signal, signal } from "@preact/signals";
import { session } from "./sign_in/session.ts";

/** The server's time in ms; follows it once a second. */
export const nowMs: Signal<number> = signal(Date.now());

export function startClock(): void {
  const tick = () => {
    nowMs.value = session.value?.connection.now() ?? Date.now();
  };
  tick();
  setInterval(tick, 1000);
}
