import assert from "node:assert/strict";
import { test } from "node:test";
import { place, thin } from "../../src/overview/sparkline.ts";

const SPAN = { from: 0, until: 100 };
const SIZE = { width: 10, height: 20 };
const line = (...values: number[]) => values.map((value, at) => ({ time: (at * 100) / values.length, value }));

test("no peak is lost where many points share a column of pixels", () => {
  const many = Array.from({ length: 1000 }, (_, at) => (at === 457 ? 99 : at === 733 ? -99 : 1));
  const kept = thin(line(...many), (time) => time / 10);
  assert.ok(kept.length <= 40);
  assert.deepEqual(
    [Math.max, Math.min].map((most) => most(...kept.map((point) => point.value as number))),
    [99, -99],
  );
});

test("few points stay as they are", () => {
  assert.deepEqual(
    thin(line(1, 2, 3), (time) => time / 10),
    line(1, 2, 3),
  );
});

test("the lowest is at the bottom, the highest at the top, the newest at the right", () => {
  const [placed] = place(
    [
      [
        { time: 0, value: 5 },
        { time: 100, value: 7 },
      ],
    ],
    SPAN,
    SIZE,
    0,
  );
  assert.deepEqual(placed, [0, 20, 10, 0]);
});

test("a steady value is a line in the middle, and its last digit is no storm", () => {
  assert.deepEqual(place([line(5)], SPAN, SIZE, 0), [[0, 10]]);
  const [placed = []] = place([line(5, 5.01)], SPAN, SIZE, 0.04);
  assert.ok(Math.abs((placed[1] ?? 0) - (placed[3] ?? 0)) <= 5.001);
});
