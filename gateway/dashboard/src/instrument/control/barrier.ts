// Why a command cannot be sent now, as far as the page knows; the agent and the broker judge it again. Pure.

import type { Condition } from "../../lab/condition.ts";
import { mayCommand } from "../../rights.ts";
import type { Rights } from "../../wire/messages.ts";
import type { Holding } from "./lease.ts";

export type Barrier = "public" | "role" | "lost" | "offline" | "other" | "elsewhere" | "notLive";

export interface Standpoint {
  condition: Condition;
  rights: Rights | undefined;
  instrument: string;
  holding: Holding;
}

/** What keeps this reader from sending anything at all to its agent about this instrument. */
export function barrierToAgent({ condition, rights, instrument }: Omit<Standpoint, "holding">): Barrier | null {
  if (rights?.role === "public") return "public";
  if (condition === "lost") return "lost";
  if (!mayCommand(rights, instrument)) return "role";
  return condition === "offline" ? "offline" : null;
}

/** `isUrgent`: the safe command and raw bytes are tried also where nothing is heard of the instrument. */
export function barrierToCommand(standpoint: Standpoint, isUrgent = false): Barrier | null {
  const before = barrierToAgent(standpoint);
  if (before !== null) return before;
  const { by } = standpoint.holding;
  if (by === "other" || by === "elsewhere") return by;
  return standpoint.condition === "connected" || isUrgent ? null : "notLive";
}
