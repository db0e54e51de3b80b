// What agents say of themselves, and what gateways say of who knocks --> findings. Pure.

import type { AgentStatus } from "../wire/messages.ts";
import { formatBytes, formatNumber, formatSpan } from "../words/numbers.ts";
import { broken, type Finding, ok, warning } from "./findings.ts";
import { foundWords } from "./found_words.ts";

const CLOCK_US = 5_000_000; // a slow line's delay is no fault of a clock
const NEARLY_FULL = 0.8;
const LITTLE_ROOM = 200_000_000; // bytes
const MANY = 5000; // frames: more than a second of what a busy agent takes
const NOT_WRITABLE = "spool not writable";
const WRONG_SECRET = "wrong secret"; // as gateways tell it

export interface Knock {
  reason: string;
  time: number;
}

export interface SeenAgents {
  statuses: ReadonlyMap<string, AgentStatus>;
  knocks: ReadonlyMap<string, Knock>;
  /** When the newest value of each came, in µs. */
  heard: ReadonlyMap<string, number>;
  /** Whether a logger is there and well. */
  isLogged: boolean;
}

export function agents(seen: SeenAgents, nowMs: number): Finding[] {
  const names = new Set([...seen.statuses.keys(), ...seen.knocks.keys()]);
  return [...names].sort().flatMap((name) => agent(name, seen, nowMs));
}

/** From the figures of all gateways. */
export function knocksOf(figures: Iterable<Record<string, unknown>>): Map<string, Knock> {
  const found = new Map<string, Knock>();
  for (const { knocks } of figures) {
    for (const [name, knock] of Object.entries((knocks ?? {}) as Record<string, Knock>)) {
      if (typeof knock?.reason === "string" && typeof knock.time === "number") found.set(name, knock);
    }
  }
  return found;
}

function agent(name: string, seen: SeenAgents, nowMs: number): Finding[] {
  const status = seen.statuses.get(name);
  const knock = seen.knocks.get(name);
  const standing = knock ? knocking(name, knock, status !== undefined, nowMs) : null;
  if (status === undefined) return standing === null ? [] : [standing];
  if (!status.online) return [standing ?? offline(name, status, seen.heard.get(name), nowMs)];
  const words = foundWords.value;
  const online = ok("agent", words.online(formatSpan(nowMs - status.since / 1000), status.version), name);
  return [standing ?? online, clock(name, status), spool(name, status, seen.isLogged), ...order(name, status, nowMs)];
}

function knocking(name: string, knock: Knock, isKnown: boolean, nowMs: number): Finding {
  const words = foundWords.value;
  const age = formatSpan(Math.max(nowMs - knock.time / 1000, 0));
  if (!isKnown) return warning("agent", words.stranger(age), words.strangerRemedy(name), name);
  if (knock.reason === WRONG_SECRET) {
    return broken("agent", words.wrongSecret(age), words.wrongSecretRemedy(name), name);
  }
  return broken("agent", words.twoWithOneName(age), words.twoWithOneNameRemedy, name);
}

function offline(name: string, { reason }: AgentStatus, heardUs: number | undefined, nowMs: number): Finding {
  const words = foundWords.value;
  const heard = heardUs ? words.heard(formatSpan(Math.max(nowMs - heardUs / 1000, 0))) : "";
  if (reason === "stopped") return broken("agent", words.wasStopped(heard), words.startAgain, name);
  return broken("agent", words.offline(reason ? ` (${reason})` : "", heard), words.offlineRemedy, name);
}

function clock(name: string, { clock: { ahead_us, synchronised } }: AgentStatus): Finding {
  const words = foundWords.value;
  if (typeof ahead_us === "number" && Math.abs(ahead_us) > CLOCK_US) {
    const span = formatSpan(Math.abs(ahead_us) / 1000);
    const found = ahead_us > 0 ? words.clockAhead(span) : words.clockBehind(span);
    return broken("agent-clock", found, words.clockRemedy, name);
  }
  if (synchronised !== true) return warning("agent-clock", words.clockFree, words.clockRemedy, name);
  return ok("agent-clock", words.clockGood, name);
}

function spool(name: string, status: AgentStatus, isLogged: boolean): Finding {
  const words = foundWords.value;
  const { reason, unlogged, spool: room } = status;
  if (reason.startsWith(NOT_WRITABLE)) {
    return broken("agent-spool", words.spoolNotWritable(reason), words.spoolNotWritableRemedy, name);
  }
  const share = filled(status) ?? 0;
  const full = words.spoolFull(`${formatNumber(share * 100, 0)}\u00a0%`, formatNumber(unlogged));
  if (share >= NEARLY_FULL) {
    return (share >= 1 ? broken : warning)("agent-spool", full, words.spoolFullRemedy, name);
  }
  if (room.free !== undefined && room.free !== null && room.free < LITTLE_ROOM) {
    return warning("agent-spool", words.spoolDisk(formatBytes(room.free)), words.spoolDiskRemedy, name);
  }
  if (reason) return warning("agent-spool", reason, words.spoolDamagedRemedy, name);
  if (unlogged >= MANY && isLogged) return warning("agent-spool", full, words.spoolManyRemedy, name);
  return ok("agent-spool", full, name);
}

/** How much of what it may hold it holds, from 0 to 1; null where it does not say. */
export function filled({ spool: { bytes, limit } }: Pick<AgentStatus, "spool">): number | null {
  return typeof bytes === "number" && typeof limit === "number" && limit > 0 ? bytes / limit : null;
}

/** Only where its last order was not carried out, or was given up again. */
function order(name: string, { orders: { last } }: AgentStatus, nowMs: number): Finding[] {
  const words = foundWords.value;
  const result = words.orderResults[last?.result ?? ""];
  const kind = words.orderKinds[last?.kind ?? ""];
  if (last === undefined || result === undefined || kind === undefined) return [];
  const age = formatSpan(Math.max(nowMs - (last.time ?? 0) / 1000, 0));
  const remedy = last.kind === "program" ? words.programRemedy(name) : words.configurationRemedy(name);
  return [warning("agent-orders", words.order(kind, result, age, last.reason ?? ""), remedy, name)];
}
