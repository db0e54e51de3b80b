import assert from "node:assert/strict";
import { test } from "node:test";
import { BUCKETS, Trace, WIDTHS_US } from "../../src/plot/trace.ts";
import { random } from "../random.ts";

const START = 1_790_000_000_000_000;

interface Entry {
  time: number;
  min: number;
  max: number;
  mean: number;
  count: number;
  half: number;
}

function scan(trace: Trace, from: number, to: number, pixelUs: number): Entry[] {
  const entries: Entry[] = [];
  trace.scan(from, to, pixelUs, (time, min, max, mean, count, half) =>
    entries.push({ time, min, max, mean, count, half }),
  );
  return entries;
}

test("a short time is told sample by sample, with one beside it at either end", () => {
  const trace = new Trace("mass", "g", "number", 1000);
  for (let at = 0; at < 10; at += 1) trace.add(START + at * 1000, at);
  const found = scan(trace, START + 3000, START + 6000, 1).map(({ mean }) => mean);
  assert.deepEqual(found, [2, 3, 4, 5, 6]);
});

test("a day at 1000 samples a second takes a bounded room, and no peak is lost", () => {
  const trace = new Trace("mass", "g", "number", 2 ** 17);
  const peaks = new Set([12_345, 777_777, 1_500_001]);
  for (let at = 0; at < 2_000_000; at += 1)
    trace.add(START + at * 1000, peaks.has(at) ? 1000 + at : Math.sin(at / 500));
  assert.equal(trace.length, 2 ** 17);
  const entries = scan(trace, START, START + 2_000_000_000, 2_000_000);
  assert.ok(entries.length <= BUCKETS);
  for (const peak of peaks) {
    const holder = entries.find(({ max }) => max === 1000 + peak);
    assert.ok(holder, `the peak at ${peak}`);
    assert.ok(Math.abs(holder.time - (START + peak * 1000)) <= holder.half);
  }
  const counted = entries.reduce((sum, { count }) => sum + count, 0);
  assert.equal(counted, 2_000_000);
});

test("buckets are no wider than a pixel as long as they reach back", () => {
  const trace = new Trace("mass", "g", "number", 1000);
  for (let at = 0; at < 60_000; at += 1) trace.add(START + at * 1000, at);
  for (const pixelUs of [10_000, 60_000, 900_000]) {
    const entries = scan(trace, START, START + 60_000_000, pixelUs);
    assert.ok(
      entries.every(({ half }) => 2 * half <= pixelUs),
      `${pixelUs}`,
    );
  }
});

test("whatever the width, extremes and count are those of the samples", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const next = random(seed);
    const trace = new Trace("t", "", "number", 500);
    const values: number[] = [];
    let time = START;
    for (let at = 0; at < 5000; at += 1) {
      time += 1 + Math.floor(next() * 30_000);
      values.push(next() * 1000 - 500);
      trace.add(next() < 0.05 ? time - 5000 : time, values.at(-1) as number);
    }
    const pixelUs = WIDTHS_US[Math.floor(next() * WIDTHS_US.length)] as number;
    const entries = scan(trace, START - 1, time + 1, pixelUs);
    assert.equal(Math.max(...entries.map(({ max }) => max)), Math.max(...values));
    assert.equal(Math.min(...entries.map(({ min }) => min)), Math.min(...values));
    assert.equal(
      entries.reduce((sum, { count }) => sum + count, 0),
      values.length,
    );
    assert.ok(entries.every((entry, at) => at === 0 || entry.time >= (entries[at - 1] as Entry).time));
  }
});
