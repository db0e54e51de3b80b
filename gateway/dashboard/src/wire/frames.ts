// A frame's bytes -> samples. The keys are told in broker/kleinmaelzung_wire/frames.py; the agent checked what it sent,
// so what does not fit here is no frame and gives null.

import { unpack } from "./unpack.ts";

export type Value = number | string | boolean | null;

/** Samples of one instrument: `times[i]` (µs since 1970 UTC) belongs to `channels[name][i]`. */
export interface Frame {
  epoch: number;
  number: number;
  times: number[];
  channels: Record<string, Value[]>;
  units: Record<string, string>;
  quality: Record<string, (string | null)[]>; // absent: good
  records: Record<string, unknown>[]; // what happened to the instrument instead of samples: gaps, alarms, commands
}

export function decodeFrame(payload: Uint8Array): Frame | null {
  const wire = decodeMap(payload);
  if (wire === null || !Array.isArray(wire.t) || typeof wire.e !== "number" || typeof wire.n !== "number") return null;
  if (!wire.t.every((time) => Number.isFinite(time))) return null;
  const channels = only<Value[]>(wire.c, Array.isArray);
  const times = timesOf(wire.t as number[], channels);
  if (!Object.values(channels).every((column) => column.length === times.length)) return null;
  return {
    epoch: wire.e,
    number: wire.n,
    times,
    channels,
    units: only<string>(wire.u, (unit) => typeof unit === "string"),
    quality: only<(string | null)[]>(wire.q, Array.isArray),
    records: Array.isArray(wire.r) ? wire.r.filter((record) => record !== null && typeof record === "object") : [],
  };
}

/** The entries of a map whose values are of one kind. */
function only<Kind>(told: unknown, isKind: (value: unknown) => boolean): Record<string, Kind> {
  if (told === null || typeof told !== "object") return {};
  return Object.fromEntries(Object.entries(told).filter(([, value]) => isKind(value)));
}

/** `packed` is [first], [first, step] for more than two samples at equal steps, or [first, offset, ...]. */
function timesOf(packed: number[], channels: Record<string, Value[]>): number[] {
  const first = packed[0] ?? 0;
  const column = Object.values(channels)[0];
  const length = column?.length ?? 1;
  if (packed.length === 2 && length > 2) return Array.from({ length }, (_, at) => first + (packed[1] ?? 0) * at);
  return packed.map((offset, at) => (at === 0 ? first : first + offset));
}

/** Any msgpack map of ours; null for what is none. */
export function decodeMap(payload: Uint8Array): Record<string, unknown> | null {
  try {
    const value = unpack(payload);
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
