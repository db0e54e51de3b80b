import assert from "node:assert/strict";
import { test } from "node:test";
import type { Gap } from "../../src/plot/gaps.ts";
import { Line, Thinner } from "../../src/plot/line.ts";
import { random } from "../random.ts";

const gap = (since: number, until: number | null): Gap => ({
  since,
  until,
  reason: "port lost",
  detail: "",
  epoch: null,
  first: null,
  last: null,
});

function thin(samples: [number, number][], pixelUs: number, gaps: Gap[] = [], limit = Number.POSITIVE_INFINITY): Line {
  const line = new Line();
  const thinner = new Thinner(line, pixelUs, gaps);
  thinner.allow(limit);
  for (const [time, value] of samples) thinner.add(time, value, value, value, 1, 0);
  thinner.flush();
  return line;
}

const column = (line: Line, name: "time" | "min" | "max" | "mean" | "count") => [
  ...line[name].subarray(0, line.length),
];
const broken = (line: Line) => [...line.broken.subarray(0, line.length)];

test("one sample for each pixel stays exactly where it is", () => {
  const line = thin(
    [
      [3, 1],
      [14, 2],
      [29, 3],
    ],
    10,
  );
  assert.deepEqual(column(line, "time"), [3, 14, 29]);
  assert.deepEqual(column(line, "mean"), [1, 2, 3]);
});

test("samples of one pixel become one point that holds their extremes", () => {
  const line = thin(
    [
      [1, 5],
      [2, -9],
      [3, 100],
      [12, 7],
    ],
    10,
  );
  assert.deepEqual(column(line, "min"), [-9, 7]);
  assert.deepEqual(column(line, "max"), [100, 7]);
  assert.deepEqual(column(line, "count"), [3, 1]);
  assert.equal(column(line, "mean")[0], 32);
});

test("no peak is lost and nothing is counted twice, whatever the samples and the pixels", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const next = random(seed);
    const samples = Array.from({ length: 2000 }, (_, at): [number, number] => [
      at * 25 + next() * 25,
      next() * 2000 - 1000,
    ]);
    const pixelUs = 1 + next() * 500;
    const line = thin(samples, pixelUs, [], next() < 0.5 ? 40 : undefined);
    const values = samples.map(([, value]) => value);
    assert.equal(Math.max(...column(line, "max")), Math.max(...values));
    assert.equal(Math.min(...column(line, "min")), Math.min(...values));
    assert.equal(
      column(line, "count").reduce((sum, one) => sum + one, 0),
      samples.length,
    );
    const times = column(line, "time");
    assert.ok(times.every((one, at) => at === 0 || one >= (times[at - 1] as number)));
  }
});

test("the same pixels whichever way the window has moved", () => {
  const samples = Array.from({ length: 1000 }, (_, at): [number, number] => [at * 7, Math.sin(at)]);
  const all = thin(samples, 100);
  const later = thin(samples.slice(100), 100);
  assert.deepEqual(column(all, "max").slice(-50), column(later, "max").slice(-50));
});

test("a pause longer than usual is no line", () => {
  const line = thin(
    [
      [0, 1],
      [10, 1],
      [100, 1],
      [110, 1],
    ],
    5,
    [],
    40,
  );
  assert.deepEqual(broken(line), [0, 0, 1, 0]);
});

test("a gap between two samples is no line, however short it is", () => {
  const line = thin(
    [
      [0, 1],
      [10, 1],
      [20, 1],
      [30, 1],
    ],
    1,
    [gap(11, 19)],
  );
  assert.deepEqual(broken(line), [0, 0, 1, 0]);
});

test("a gap within a pixel breaks the line there too", () => {
  const line = thin(
    [
      [0, 1],
      [10, 2],
      [20, 3],
      [30, 4],
    ],
    1000,
    [gap(11, 19)],
  );
  assert.deepEqual(column(line, "count"), [2, 2]);
  assert.deepEqual(broken(line), [0, 1]);
});

test("samples that were taken within a gap keep their lines", () => {
  const samples = Array.from({ length: 20 }, (_, at): [number, number] => [at * 10, at]);
  assert.deepEqual(broken(thin(samples, 1, [gap(25, 155)])), Array(20).fill(0));
});

test("a gap that lasts breaks nothing before it", () => {
  assert.deepEqual(
    broken(
      thin(
        [
          [0, 1],
          [10, 1],
          [20, 1],
        ],
        1,
        [gap(21, null)],
      ),
    ),
    [0, 0, 0],
  );
});

test("the nearest point to a time is found", () => {
  const line = thin(
    [
      [0, 1],
      [10, 2],
      [20, 3],
    ],
    1,
  );
  assert.equal(line.nearest(-5), 0);
  assert.equal(line.nearest(14), 1);
  assert.equal(line.nearest(16), 2);
  assert.equal(line.nearest(1000), 2);
  assert.equal(new Line().nearest(3), -1);
});
