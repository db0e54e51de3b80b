import assert from "node:assert/strict";
import { test } from "node:test";
import { pointsOf } from "../../src/overview/fill.ts";
import { linesOf, Trace } from "../../src/overview/trace.ts";

const S = 1_000_000;

function values(trace: Trace): (number | null)[] {
  return trace.since(0).map((point) => point.value);
}

test("a value that was there already is no new point", () => {
  const trace = new Trace();
  trace.add(S, 1);
  trace.add(S, 1);
  assert.deepEqual(values(trace), [1]);
  assert.equal(trace.changes, 1);
});

test("where nothing was known the line is broken, once", () => {
  const trace = new Trace();
  trace.interrupt();
  trace.add(S, 1);
  trace.interrupt();
  trace.interrupt();
  trace.add(3 * S, 2);
  assert.deepEqual(values(trace), [1, null, 2]);
  assert.equal(linesOf(trace.since(0)).length, 2);
});

test("what is no number breaks the line too", () => {
  const trace = new Trace();
  trace.add(S, Number.NaN);
  assert.deepEqual(values(trace), [null]);
});

test("much longer than usual without a point is a gap, an instrument that is read once a minute has none", () => {
  const at = (...seconds: number[]) => seconds.map((second) => ({ time: second * S, value: 1 }));
  assert.equal(linesOf(at(0, 1, 2, 3, 30, 31, 32)).length, 2);
  assert.equal(linesOf(at(0, 60, 120, 180)).length, 1);
  assert.equal(linesOf([]).length, 0);
});

test("what was recorded replaces what was seen until then, and what came later stays", () => {
  const trace = new Trace();
  trace.add(10 * S, 10);
  trace.add(20 * S, 20);
  trace.fill([
    { time: 5 * S, value: 5 },
    { time: 12 * S, value: 12 },
  ]);
  assert.deepEqual(values(trace), [5, 12, 20]);
});

test("a trace does not grow for ever", () => {
  const trace = new Trace();
  for (let second = 0; second < 5000; second += 1) trace.add(second * S, second);
  assert.ok(trace.since(0).length <= 900);
  assert.equal(trace.since(0).at(-1)?.value, 4999);
});

test("empty buckets are left out, and gaps of the log are gaps", () => {
  const piece = { time: [0, S, 2 * S, 3 * S], columns: { mass: { mean: [1, null, 2, 3] } } };
  const points = pointsOf({
    piece,
    gaps: [
      { since: 2.5 * S, until: 2.7 * S },
      { since: 9 * S, until: null },
    ],
  });
  assert.deepEqual(
    points.map((point) => point.value),
    [1, 2, null, 3],
  );
  assert.deepEqual(pointsOf({ piece: null }), []);
});
