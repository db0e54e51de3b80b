// Answers as the history service gives them, of plain numbers.

import { encode } from "@msgpack/msgpack";

export interface Column {
  name: string;
  unit?: string;
  type?: string;
  buckets: ([number, number, number, number] | null)[]; // minimum, mean, maximum, count
}

/** A piece of buckets, `width_us` long, from `from` on. */
export function piece(from: number, width_us: number, columns: readonly Column[]): unknown {
  const length = columns[0]?.buckets.length ?? 0;
  const times = new BigInt64Array(Array.from({ length }, (_, at) => BigInt(from + at * width_us)));
  const told: Record<string, unknown> = {};
  for (const { name, buckets } of columns) {
    const pick = (at: number) => bytes(new Float64Array(buckets.map((bucket) => bucket?.[at] ?? Number.NaN)));
    const count = bytes(new Uint32Array(buckets.map((bucket) => bucket?.[3] ?? 0)));
    told[name] = { min: pick(0), mean: pick(1), max: pick(2), count };
  }
  return { time: bytes(times), columns: told };
}

/** The head of a stream with its first piece. */
export function head(from: number, to: number, columns: readonly Column[], more = false): Record<string, unknown> {
  const expected = columns[0]?.buckets.length ?? 0;
  const width_us = Math.ceil((to - from) / Math.max(expected, 1));
  const channels = columns.map(({ name, unit = "", type = "number" }) => ({ key: name, name, unit, type }));
  const content = piece(from, width_us, columns);
  return {
    stream: "s",
    from,
    to,
    kind: "buckets",
    width_us,
    channels,
    gaps: [],
    more_gaps: 0,
    expected,
    piece: content,
    more,
  };
}

function bytes(numbers: BigInt64Array | Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer);
}

/** As it comes over the wire. */
export const packed = (content: unknown): Uint8Array => encode(content);
