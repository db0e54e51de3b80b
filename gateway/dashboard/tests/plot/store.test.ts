import assert from "node:assert/strict";
import { test } from "node:test";
import { Store, traceId } from "../../src/plot/store.ts";
import type { Frame, Value } from "../../src/wire/frames.ts";
import { random } from "../random.ts";

const START = 1_790_000_000_000_000;

function frame(number: number, channels: Record<string, Value[]>, more: Partial<Frame> = {}): Frame {
  const length = Object.values(channels)[0]?.length ?? 1;
  const first = START + number * 100_000;
  const times = Array.from({ length }, (_, at) => first + at * 1000);
  return { epoch: 1, number, times, channels, units: {}, quality: {}, records: [], ...more };
}

function samples(store: Store, id: string): [number, number][] {
  const found: [number, number][] = [];
  store.traces.get(id)?.scan(0, 1e16, 1, (time, value) => found.push([time, value]));
  return found;
}

test("each sample is there once, whichever frames come twice and in whichever order", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const next = random(seed);
    const store = new Store();
    store.begin(START);
    const numbers = Array.from({ length: 30 }, (_, at) => at + 1);
    const coming = [...numbers, ...numbers].map((number) => ({ number, at: number + next() * 8 }));
    for (const { number } of coming.sort((one, other) => one.at - other.at)) {
      store.take(frame(number, { mass: Array.from({ length: 10 }, (_, at) => number * 10 + at) }));
    }
    const found = samples(store, traceId("mass", ""));
    assert.deepEqual(
      found.map(([, value]) => value),
      Array.from({ length: 300 }, (_, at) => at + 10),
    );
    assert.deepEqual(store.holes, []);
  }
});

test("what was taken before its time is left to the log", () => {
  const store = new Store();
  store.begin(START + 100_005);
  store.take(frame(1, { mass: Array.from({ length: 10 }, (_, at) => at) }));
  assert.deepEqual(
    samples(store, traceId("mass", "")).map(([, value]) => value),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test("without a log it begins with what comes first", () => {
  const store = new Store();
  store.take(frame(7, { mass: [1, 2] }));
  assert.equal(store.since, START + 700_000);
});

test("a channel that changes its unit is two", () => {
  const store = new Store();
  store.take(frame(1, { mass: [1] }, { units: { mass: "g" } }));
  store.take(frame(2, { mass: [0.001] }, { units: { mass: "kg" } }));
  assert.deepEqual([...store.traces.keys()], [traceId("mass", "g"), traceId("mass", "kg")]);
});

test("switches are drawn as 0 and 1, texts kept where they change, and no value is none", () => {
  const store = new Store();
  store.take(frame(1, { lid: [true, false, null], program: ["rest", "rest", "kiln"] }));
  assert.deepEqual(
    samples(store, traceId("lid", "")).map(([, value]) => value),
    [1, 0],
  );
  assert.equal(store.traces.get(traceId("lid", ""))?.kind, "boolean");
  assert.deepEqual(
    store.changes.map(({ text }) => text),
    ["rest", "kiln"],
  );
});

test("a hole in the numbers is a gap without a reason, until somebody tells one", () => {
  const store = new Store();
  store.take(frame(1, { mass: [1] }));
  store.take(frame(4, { mass: [1] }));
  const hole = { epoch: 1, first: 2, last: 3, since: START + 100_000, until: START + 400_000 };
  assert.deepEqual(store.gaps, [{ ...hole, reason: "", detail: "" }]);
  const record = { kind: "gap", reason: "spool full", epoch: 1, first: 2, last: 3 };
  store.take(frame(5, {}, { records: [record] }));
  assert.deepEqual(store.gaps, [{ ...hole, reason: "spool full", detail: "" }]);
});

test("gaps that frames tell of end when their end is told", () => {
  const store = new Store();
  const begun = { kind: "gap", reason: "port lost", from: START, detail: "unplugged" };
  store.take(frame(1, {}, { records: [begun] }));
  assert.deepEqual([store.gaps[0]?.since, store.gaps[0]?.until], [START, null]);
  store.take(frame(2, {}, { records: [{ ...begun, to: START + 9 }] }));
  assert.deepEqual([store.gaps.length, store.gaps[0]?.until], [1, START + 9]);
});

test("a clock that is set back by more than a moment begins anew, and the rest is the log's", () => {
  const store = new Store();
  for (let at = 1000; at < 1020; at += 1) store.take(frame(at, { mass: [at] }));
  store.take(frame(1020, { mass: [5] }, { times: [START] }));
  assert.equal(store.since, START);
  assert.deepEqual(samples(store, traceId("mass", "")), [[START, 5]]);
});

test("hours at 1000 samples a second take a bounded room", () => {
  const store = new Store();
  const column = Array.from({ length: 1000 }, (_, at) => Math.sin(at));
  for (let number = 1; number <= 1500; number += 1) {
    const times = column.map((_, at) => START + (number * 1000 + at) * 1000);
    store.take(frame(number, { mass: column, word: column.map((_, at) => `${number} ${at}`) }, { times }));
  }
  assert.equal(store.traces.get(traceId("mass", ""))?.length, 2 ** 17);
  assert.ok(store.changes.length <= 2000);
});

test("no more channels are held than a frame has", () => {
  const store = new Store();
  for (let at = 0; at < 200; at += 1) store.take(frame(at + 1, { mass: [at] }, { units: { mass: `g${at}` } }));
  assert.equal(store.traces.size, 64);
});
