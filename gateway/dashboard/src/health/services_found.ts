// What the services say of themselves, and whether they answer: statuses --> findings. Pure.

import type { ServiceStatus } from "../wire/messages.ts";
import { formatNumber } from "../words/numbers.ts";
import { broken, type Finding, ok, warning } from "./findings.ts";
import { foundWords } from "./found_words.ts";
import { forDatabase } from "./remedies.ts";

export const ROLES = ["logger", "history", "batches", "calibration"] as const;
const BEHIND = 5000; // messages; as many go into one transaction
const DATABASE = /^database: /;

export type Services = ReadonlyMap<string, ServiceStatus>;

/** Services that say they are well, and did not answer when they were asked. */
export type Silent = ReadonlySet<string>;

export function services(known: Services, silent: Silent): Finding[] {
  return [...ROLES.flatMap((role) => ofRole(role, known, silent)), ...databases(known)];
}

export function isWell(name: string, status: ServiceStatus, silent: Silent): boolean {
  return status.online && status.healthy && !silent.has(name);
}

/** One for each service that has this role; none at all is a fault. */
function ofRole(role: string, known: Services, silent: Silent): Finding[] {
  const words = foundWords.value;
  const found = [...known].filter(([, status]) => status.role === role).sort();
  if (found.length === 0) return [broken(role, words.none(words.lost[role] ?? ""), words.start(role))];
  const well = found.filter(([name, status]) => isWell(name, status, silent)).map(([name]) => name);
  return found.map(([name, status]) =>
    well.includes(name) ? wellOne(name, status) : illOne(name, status, well, silent.has(name)),
  );
}

/** Broken where no other does its work. */
function illOne(name: string, { role, online, healthy, reason }: ServiceStatus, others: string[], isSilent: boolean) {
  const words = foundWords.value;
  const make = others.length > 0 ? warning : broken;
  const lost = others.length > 0 ? words.doesAllWork(others.join(", ")) : (words.lost[role] ?? "");
  if (online && healthy && isSilent) return make(role, words.hangs(lost), words.hangsRemedy, name);
  if (online) return make(role, words.seeDatabase(lost), words.seeDatabaseRemedy, name);
  if (reason) return make(role, words.ended(lost, reason), words.thenStart(forDatabase(reason), role), name);
  return make(role, words.notRunning(lost), words.startAndLook(role), name);
}

function wellOne(name: string, { role, figures }: ServiceStatus): Finding {
  const words = foundWords.value;
  if (role !== "logger") return ok(role, words.answers, name);
  const queue = figures.queue;
  if (typeof queue === "number" && queue >= BEHIND) {
    return warning(role, words.behind(formatNumber(queue)), words.behindRemedy, name);
  }
  return ok(role, words.recording, name);
}

/** What the services say of their database: each sentence once, with who says it. */
export function databases(known: Services): Finding[] {
  const words = foundWords.value;
  const asked = [...known].filter(([, { role, online }]) => online && ROLES.some((one) => one === role));
  if (asked.length === 0) return [];
  const reasons = new Map<string, string[]>();
  for (const [name, status] of asked.filter(([, { healthy }]) => !healthy)) {
    const reason = status.reason || words.noReason;
    reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
  if (reasons.size === 0) return [ok("database", words.answers)];
  return [...reasons].map(([reason, names]) =>
    broken("database", `${names.sort().join(", ")}: ${reason.replace(DATABASE, "")}`, forDatabase(reason)),
  );
}
