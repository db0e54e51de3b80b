// Commands and what became of them, for the console. In: the ledger's pages and replies as they come. Out: one list,
// newest first, each once. A reply tells no arguments; the ledger has them a moment later.

import { decodeMap, type Value } from "../../wire/frames.ts";
import type { Reply } from "../../wire/messages.ts";
import { readReply } from "../../wire/told.ts";
import type { Result } from "./outcome.ts";

export interface Entry {
  key: string;
  number: number | null; // null: not from the ledger yet
  id: string;
  time: number;
  user: string;
  name: string;
  arguments: Record<string, unknown> | null; // null: not told yet
  result: Result;
  reason: string;
  values: Record<string, unknown>;
  units: Record<string, string>;
  bytesOut: Uint8Array;
  bytesIn: Uint8Array;
  tookUs: number;
  receivedUs: number | null;
  origin: string;
  notedBy: string;
  leftOut: string[];
}

/** One entry as the service `logger` answers it; `arguments` and `values` are JSON as text. */
export interface LedgerEntry {
  number: number;
  time: number;
  user: string;
  origin: string;
  id: string;
  name: string;
  arguments: string;
  result: string;
  reason: string;
  values: string;
  bytes_out: Uint8Array;
  bytes_in: Uint8Array;
  took_us: number;
  received: number | null;
  noted_by: string;
  left_out?: string[];
}

export interface Page {
  entries: LedgerEntry[];
  more: boolean;
}

export function entryOfLedger(entry: LedgerEntry): Entry {
  return {
    key: keyOf(entry),
    number: entry.number,
    id: entry.id,
    time: entry.time,
    user: entry.user,
    name: entry.name,
    arguments: parsed(entry.arguments),
    result: entry.result as Result,
    reason: entry.reason,
    values: parsed(entry.values),
    units: {},
    bytesOut: entry.bytes_out,
    bytesIn: entry.bytes_in,
    tookUs: entry.took_us,
    receivedUs: entry.received,
    origin: entry.origin,
    notedBy: entry.noted_by,
    leftOut: entry.left_out ?? [],
  };
}

export function entryOfReply(reply: Reply, given: Record<string, unknown> | null): Entry {
  return {
    key: keyOf(reply),
    number: null,
    id: reply.id,
    time: reply.time,
    user: reply.user,
    name: reply.name,
    arguments: given,
    result: reply.result,
    reason: reply.reason,
    values: reply.values,
    units: reply.units,
    bytesOut: reply.bytes_out,
    bytesIn: reply.bytes_in,
    tookUs: reply.took_us,
    receivedUs: null,
    origin: "",
    notedBy: "",
    leftOut: [],
  };
}

/** The payload of `<agent>/<instrument>/reply`; null for what is none. */
export function decodeReply(payload: Uint8Array): Reply | null {
  const told = decodeMap(payload);
  return typeof told?.id === "string" && typeof told.time === "number" ? readReply(told) : null;
}

/** The same attempt in the ledger and as a reply; an id may be sent again, and has a record each time. */
function keyOf({ id, user, time }: { id: string; user: string; time: number }): string {
  return `${user} ${id} ${time}`;
}

/** Take in more of them. What the ledger says counts, with the units that only a reply has. */
export function merged(known: readonly Entry[], more: readonly Entry[]): Entry[] {
  const found = new Map(known.map((entry) => [entry.key, entry]));
  for (const entry of more) found.set(entry.key, together(found.get(entry.key), entry));
  const all = withoutSuperseded([...found.values()]);
  return all.sort((one, other) => other.time - one.time || (other.number ?? Infinity) - (one.number ?? Infinity));
}

function together(before: Entry | undefined, entry: Entry): Entry {
  if (before === undefined) return entry;
  const [main, other] = entry.number === null ? [before, entry] : [entry, before];
  const units = Object.keys(main.units).length > 0 ? main.units : other.units;
  return { ...main, units, arguments: main.arguments ?? other.arguments };
}

const LOST_SIGHT_OF: readonly Result[] = ["lost", "expired", "offline"];

/** What the gateway said of a command that the agent recorded after all; the ledger leaves such out by itself. */
function withoutSuperseded(entries: Entry[]): Entry[] {
  const recorded = new Set(entries.filter((entry) => entry.number !== null).map(ofWhom));
  return entries.filter(
    (entry) => entry.number !== null || !LOST_SIGHT_OF.includes(entry.result) || !recorded.has(ofWhom(entry)),
  );
}

function ofWhom({ user, id }: Entry): string {
  return `${user} ${id}`;
}

/** After a newest page: if it does not reach what is known there is a hole between, and the page begins anew. */
export function withNewest(known: readonly Entry[], page: readonly Entry[], hasMore: boolean): Entry[] {
  const newest = known.reduce((most, entry) => Math.max(most, entry.number ?? 0), 0);
  const reaches = newest === 0 || !hasMore || page.some((entry) => (entry.number ?? 0) <= newest);
  const unlogged = known.filter((entry) => entry.number === null);
  return merged(reaches ? known : unlogged, page);
}

export interface Filter {
  user: string; // "": all
  result: string;
}

export function passes(entry: Entry, { user, result }: Filter): boolean {
  return (user === "" || entry.user === user) && (result === "" || entry.result === result);
}

/** What is known of everybody who sent something. */
export function usersIn(entries: readonly Entry[], before: readonly string[]): string[] {
  return [...new Set([...before, ...entries.map((entry) => entry.user)])].filter((user) => user !== "").sort();
}

function parsed(json: string): Record<string, unknown> {
  try {
    const value = JSON.parse(json);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

/** An argument or a value of a reply as text: bytes come as {"$hex": ...}, those of `_arm` as a map. */
export function plainValue(value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (value instanceof Uint8Array) return `${value.length} B`;
  const hex = (value as { $hex?: unknown }).$hex;
  return typeof hex === "string" ? hex : JSON.stringify(value);
}
