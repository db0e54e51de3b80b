import assert from "node:assert/strict";
import { test } from "node:test";
import { axesOf, decimalsFor, reach, timeFormat } from "../../src/plot/axes.ts";

test("each unit has one axis, left and right in turn, and switches have their own", () => {
  const lines = [
    { unit: "°C", kind: "number" },
    { unit: "g", kind: "number" },
    { unit: "°C", kind: "number" },
    { unit: "", kind: "boolean" },
  ] as const;
  assert.deepEqual(
    axesOf(lines).map(({ unit, side, lines: drawn, isBoolean }) => [unit, side, drawn, isBoolean]),
    [
      ["°C", "left", [0, 2], false],
      ["g", "right", [1], false],
      ["", "left", [3], true],
    ],
  );
});

test("an axis holds all its lines with air around them", () => {
  const [low, high] = reach([[1, 2], null, [-8, 0]]);
  assert.ok(low < -8 && low > -10 && high > 2 && high < 4);
});

test("an axis of one value or of none has a height", () => {
  for (const ranges of [[], [null], [[0, 0]], [[5, 5]], [[-3e300, -3e300]]] as ([number, number] | null)[][]) {
    const [low, high] = reach(ranges);
    assert.ok(low < high, JSON.stringify(ranges));
  }
});

test("numbers of an axis have the decimals of its step", () => {
  assert.deepEqual([1, 0.5, 0.25, 1e-6, 20].map(decimalsFor), [0, 1, 2, 6, 0]);
});

test("labels of time are as fine as their step", () => {
  assert.equal(timeFormat(10).fractionalSecondDigits, 2);
  assert.equal(timeFormat(1000).second, "2-digit");
  assert.equal(timeFormat(60_000).second, undefined);
  assert.equal(timeFormat(86_400_000).hour, undefined);
});
