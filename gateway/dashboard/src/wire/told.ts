// What agents and services said, as it came -> the types of messages.ts. An older, a broken or a hostile one says
// anything: what lacks or is of another kind is empty from here on, so that views can trust the types.

import type { Value } from "./frames.ts";
import type {
  AgentStatus,
  Alarm,
  Argument,
  Channel,
  CommandDescription,
  Control,
  Description,
  Reply,
  Sample,
  ServiceStatus,
  State,
} from "./messages.ts";

export type Told = Record<string, unknown>;

const STATES = ["connected", "searching", "silent", "error"] as const;
const KINDS = ["high", "low", "rise", "fall", "silence"] as const;
const LEVELS = ["warning", "alarm"] as const;
const TYPES = ["number", "integer", "text", "boolean", "choice"] as const;
const RESULTS = ["done", "refused", "failed", "timeout", "offline", "expired", "not-permitted", "lost"] as const;

export function readDescription(told: Told): Description {
  return {
    channels: eachOnce(mapsOf(told.channels).map(readChannel)),
    commands: eachOnce(mapsOf(told.commands).map(readCommand)),
    driver: textOf(told.driver),
    label: textOf(told.label),
    profile: textOf(told.profile),
    port: textOf(told.port),
    identity: isMap(told.identity) ? textsOf(told.identity) : "",
  };
}

function readChannel(told: Told): Channel {
  return { name: textOf(told.name), unit: textOf(told.unit), label: textOf(told.label) };
}

function readCommand(told: Told): CommandDescription {
  return {
    name: textOf(told.name),
    arguments: eachOnce(mapsOf(told.arguments).map(readArgument)),
    timeout_s: numberOf(told.timeout_s) ?? 5,
    label: textOf(told.label),
    dangerous: told.dangerous === true,
    safe: told.safe === true,
    interlocks: listOf(told.interlocks).filter(isText),
  };
}

function readArgument(told: Told): Argument {
  return {
    name: textOf(told.name),
    type: oneOf(told.type, TYPES) ?? "text",
    unit: textOf(told.unit),
    minimum: numberOf(told.minimum),
    maximum: numberOf(told.maximum),
    choices: listOf(told.choices).filter(isText),
    default: readValue(told.default),
  };
}

/** null: it says nothing that is known. */
export function readState(told: Told): State | null {
  const state = oneOf(told.state, STATES);
  return state === null ? null : { state, since: numberOf(told.since) ?? 0, reason: textOf(told.reason) };
}

export function readControl(told: Told): Control {
  return {
    user: textOf(told.user),
    session: textOf(told.session),
    since: numberOf(told.since) ?? 0,
    until: numberOf(told.until) ?? 0,
  };
}

export function readAlarms(told: Told): Alarm[] {
  return mapsOf(told.alarms).map(readAlarm);
}

function readAlarm(told: Told): Alarm {
  const known = told.acknowledged;
  return {
    id: textOf(told.id),
    channel: textOf(told.channel),
    kind: oneOf(told.kind, KINDS) ?? "silence",
    level: oneOf(told.level, LEVELS) ?? "alarm",
    since: numberOf(told.since) ?? 0,
    value: numberOf(told.value),
    limit: numberOf(told.limit) ?? 0,
    unit: textOf(told.unit),
    cause: textOf(told.cause),
    detail: textOf(told.detail),
    acknowledged: isMap(known)
      ? { user: textOf(known.user), time: numberOf(known.time) ?? 0, note: textOf(known.note) }
      : null,
  };
}

export function readSamples(told: Told): Record<string, Sample> {
  return Object.fromEntries(
    Object.entries(told)
      .filter((entry): entry is [string, Told] => isMap(entry[1]) && entry[0] !== "__proto__")
      .map(([channel, sample]) => [channel, readSample(sample)]),
  );
}

function readSample(told: Told): Sample {
  const { value, unit, quality, time } = told;
  return {
    value: readValue(value),
    unit: textOf(unit),
    quality: textOf(quality) || "good",
    time: numberOf(time) ?? 0,
  };
}

export function readAgentStatus(told: Told): AgentStatus {
  return {
    online: told.online === true,
    since: numberOf(told.since) ?? 0,
    version: textOf(told.version),
    gateway: textOf(told.gateway),
    epoch: numberOf(told.epoch) ?? 0,
    clock: readClock(mapOf(told.clock)),
    taken: numberOf(told.taken) ?? 0,
    samples: numberOf(told.samples) ?? 0,
    unlogged: numberOf(told.unlogged) ?? 0,
    reason: textOf(told.reason),
    spool: numbersOf(mapOf(told.spool)),
    orders: readOrders(mapOf(told.orders).last),
  };
}

function readClock({ synchronised, error_us: error, ahead_us: ahead }: Told): AgentStatus["clock"] {
  return {
    ...(typeof synchronised === "boolean" && { synchronised }),
    error_us: numberOf(error),
    ahead_us: numberOf(ahead),
  };
}

function readOrders(last: unknown): AgentStatus["orders"] {
  if (!isMap(last)) return {};
  const { kind, result, reason, time } = last;
  const told = { kind: textOf(kind), result: textOf(result), reason: textOf(reason) };
  return { last: { ...told, time: numberOf(time) ?? 0 } };
}

export function readServiceStatus(told: Told): ServiceStatus {
  return {
    role: textOf(told.role),
    online: told.online === true,
    healthy: told.healthy === true,
    since: numberOf(told.since) ?? 0,
    version: textOf(told.version),
    reason: textOf(told.reason),
    figures: mapOf(told.figures),
  };
}

export function readReply(told: Told): Reply {
  return {
    id: textOf(told.id),
    name: textOf(told.name),
    user: textOf(told.user),
    result: oneOf(told.result, RESULTS) ?? "failed",
    reason: textOf(told.reason),
    values: Object.fromEntries(Object.entries(mapOf(told.values)).map(([name, value]) => [name, readValue(value)])),
    units: textsOf(mapOf(told.units)),
    bytes_out: bytesOf(told.bytes_out),
    bytes_in: bytesOf(told.bytes_in),
    took_us: numberOf(told.took_us) ?? 0,
    time: numberOf(told.time) ?? 0,
  };
}

export function isMap(told: unknown): told is Told {
  return told !== null && typeof told === "object" && !Array.isArray(told) && !ArrayBuffer.isView(told);
}

export function mapOf(told: unknown): Told {
  return isMap(told) ? told : {};
}

export function listOf(told: unknown): unknown[] {
  return Array.isArray(told) ? told : [];
}

export function mapsOf(told: unknown): Told[] {
  return listOf(told).filter(isMap);
}

export function isText(told: unknown): told is string {
  return typeof told === "string";
}

export function textOf(told: unknown): string {
  return isText(told) ? told : "";
}

/** Only what is text. */
function textsOf(told: Told): Record<string, string> {
  return Object.fromEntries(Object.entries(told).filter((entry): entry is [string, string] => isText(entry[1])));
}

function numbersOf(told: Told): Record<string, number> {
  return Object.fromEntries(
    Object.entries(told).filter((entry): entry is [string, number] => numberOf(entry[1]) !== null),
  );
}

/** No NaN and nothing infinite: those are no measurements, and no times. */
export function numberOf(told: unknown): number | null {
  return typeof told === "number" && Number.isFinite(told) ? told : null;
}

function readValue(told: unknown): Value {
  return isText(told) || typeof told === "boolean" || typeof told === "number" ? told : null;
}

function bytesOf(told: unknown): Uint8Array {
  return told instanceof Uint8Array ? told : new Uint8Array();
}

function oneOf<One extends string>(told: unknown, of: readonly One[]): One | null {
  return of.find((one) => one === told) ?? null;
}

/** Names are keys of what is drawn: of two the first stays, and one without a name is none. */
function eachOnce<One extends { name: string }>(all: readonly One[]): One[] {
  const names = new Set([""]);
  return all.filter(({ name }) => !names.has(name) && names.add(name));
}
