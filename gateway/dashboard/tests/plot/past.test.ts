import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "@msgpack/msgpack";
import { type Head, type Past, Reading, scanPast } from "../../src/plot/past.ts";
import { traceId } from "../../src/plot/store.ts";

const START = 1_790_000_000_000_000;

const head = (more: Partial<Head>): Head => ({
  stream: "s",
  from: START,
  to: START + 1_000_000,
  kind: "frames",
  channels: [{ key: "mass", name: "mass", unit: "g", type: "number" }],
  gaps: [],
  expected: 1,
  piece: null,
  more: false,
  ...more,
});

const bytes = (array: BigInt64Array | Float64Array | Uint32Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function buckets(starts: number[], column: { min: number[]; max: number[]; mean: number[]; count: number[] }) {
  return {
    time: bytes(new BigInt64Array(starts.map(BigInt))),
    columns: {
      mass: {
        min: bytes(new Float64Array(column.min)),
        max: bytes(new Float64Array(column.max)),
        mean: bytes(new Float64Array(column.mean)),
        count: bytes(new Uint32Array(column.count)),
      },
    },
  };
}

const framesPiece = (...frames: { e: number; n: number; t: number[]; c: object }[]) =>
  encode(frames.map((one) => encode({ v: 1, k: [true, 0], u: { mass: "g" }, ...one })));

const mass = (past: Past) => past.columns.get(traceId("mass", "g"));

test("buckets come as little-endian bytes at any place of the message", () => {
  const told = buckets([START, START + 1000], { min: [1, 2], max: [3, 4], mean: [2, 3], count: [5, 6] });
  const shifted = new Uint8Array(told.time.length + 3);
  shifted.set(told.time, 3);
  const piece = { ...told, time: shifted.subarray(3) };
  const past = new Reading(head({ kind: "buckets", width_us: 1000, piece })).end();
  const { time, min, max, mean, count, half } = mass(past) ?? assert.fail();
  assert.deepEqual(
    { time, min, max, mean, count, half },
    {
      ...{ time: [START + 500, START + 1500], min: [1, 2], max: [3, 4], mean: [2, 3], count: [5, 6], half: 500 },
    },
  );
});

test("a bucket without a value is none, and without a mean it has the middle", () => {
  const told = buckets([START, START + 1000], {
    min: [Number.NaN, 2],
    max: [Number.NaN, 4],
    mean: [Number.NaN, Number.NaN],
    count: [0, 2],
  });
  const past = new Reading(head({ kind: "buckets", width_us: 1000, piece: told })).end();
  assert.deepEqual([mass(past)?.time, mass(past)?.mean], [[START + 1500], [3]]);
});

test("pieces follow each other", () => {
  const reading = new Reading(
    head({ kind: "buckets", width_us: 10, piece: buckets([START], { min: [1], max: [1], mean: [1], count: [1] }) }),
  );
  reading.add(null);
  reading.add(buckets([START + 10], { min: [2], max: [2], mean: [2], count: [1] }));
  assert.deepEqual(mass(reading.end())?.min, [1, 2]);
});

test("frames are cut to the time that was asked for: its beginning is in it, its end is not", () => {
  const times = [START - 1, 1, 2, 1_000_001];
  const past = new Reading(head({ piece: framesPiece({ e: 1, n: 1, t: times, c: { mass: [1, 2, 3, 4] } }) })).end();
  assert.deepEqual(mass(past)?.mean, [2, 3]);
});

test("a frame that comes twice counts once, and runs of the agent are put in order of time", () => {
  const one = { e: 9, n: 1, t: [START + 500], c: { mass: [2] } };
  const other = { e: 8, n: 1, t: [START + 100], c: { mass: [1] } };
  const past = new Reading(head({ piece: framesPiece(one, one, other) })).end();
  assert.deepEqual(mass(past)?.mean, [1, 2]);
});

test("texts are kept where they change, and what is no frame is left out", () => {
  const frames = [
    { e: 1, n: 1, t: [START, 1, 2], c: { word: ["a", "a", "b"] } },
    { e: 1, n: 2, t: [START + 5], c: { word: ["b"] } },
  ].map((one) => encode({ v: 1, k: [true, 0], ...one }));
  const past = new Reading(head({ piece: encode([...frames, new Uint8Array([1, 2])]) })).end();
  assert.deepEqual(
    past.changes.map(({ text, time }) => [text, time - START]),
    [
      ["a", 0],
      ["b", 2],
    ],
  );
});

test("what lies in a time is visited with one beside it at either end", () => {
  const piece = framesPiece({ e: 1, n: 1, t: [START, 10, 20, 30, 40], c: { mass: [0, 1, 2, 3, 4] } });
  const column = mass(new Reading(head({ piece })).end()) ?? assert.fail();
  const visited: number[] = [];
  scanPast(column, START + 20, START + 30, (_, value) => visited.push(value));
  assert.deepEqual(visited, [1, 2, 3]);
});
