// How an instrument stands: what it says of itself counts only as long as its agent and our connection are there.

import type { Standing } from "../wire/connection.ts";
import type { AgentStatus, State } from "../wire/messages.ts";

/** lost: our connection; offline: its agent's; unknown: nothing was heard of it yet. */
export type Condition = State["state"] | "offline" | "unknown" | "lost";

/** The order of urgency, the worst first. */
export const CONDITIONS: readonly Condition[] = [
  "error",
  "silent",
  "searching",
  "offline",
  "unknown",
  "lost",
  "connected",
];

export function conditionOf(
  state: State | null,
  agent: Pick<AgentStatus, "online"> | undefined,
  standing: Standing,
): Condition {
  if (standing !== "live") return "lost";
  if (agent?.online !== true) return "offline";
  return state?.state ?? "unknown";
}

/** Whether its numbers may be shown as what it measures now. */
export function isLive(condition: Condition): boolean {
  return condition === "connected";
}
