// What became of a command that this page sent. In: a reply, or why there is none. Out: one kind of thing to show.

import { Lost, Refused } from "../../wire/connection.ts";
import type { Reply } from "../../wire/messages.ts";

export type Result = Reply["result"];

export const RESULTS: readonly Result[] = [
  "done",
  "refused",
  "failed",
  "timeout",
  "offline",
  "expired",
  "not-permitted",
  "lost",
];

/** A shape for each, so that no colour is needed to tell them apart. */
export const RESULT_SHAPES: Record<Result, string> = {
  done: "\u2713",
  refused: "\u2298",
  failed: "\u2715",
  timeout: "?",
  offline: "\u25cb",
  expired: "\u25f7",
  "not-permitted": "\u2296",
  lost: "?",
};

/** Nobody knows whether it took effect. */
export function isUncertain(result: Result): boolean {
  return result === "timeout" || result === "lost";
}

/** A reply for what came instead of one: the gateway's refusal, or the end of the connection. */
export function replyOfError(error: unknown, name: string, user: string, timeMs: number): Reply {
  const empty = { id: "", name, user, values: {}, units: {}, took_us: 0, time: timeMs * 1000 };
  const bytes = { bytes_out: new Uint8Array(), bytes_in: new Uint8Array() };
  return { ...empty, ...bytes, ...whyNoReply(error) };
}

function whyNoReply(error: unknown): { result: Result; reason: string } {
  if (error instanceof Lost) return { result: "lost", reason: "" };
  if (!(error instanceof Refused)) return { result: "lost", reason: String(error) };
  const reason = error.message;
  if (error.code === "not-permitted") return { result: "not-permitted", reason };
  // The gateway could not go on: it may have been sent before.
  return { result: error.code === "unavailable" ? "lost" : "refused", reason };
}
