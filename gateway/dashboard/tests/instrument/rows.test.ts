import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf } from "../../src/instrument/rows.ts";
import { Line } from "../../src/plot/line.ts";

function line(times: number[]): Line {
  const made = new Line();
  for (const time of times) made.push(time, time, time, time, 1, 0, false);
  return made;
}

test("a row holds all that was taken at one time, the newest first", () => {
  const lines = [
    { id: "a", line: line([1, 2, 3]) },
    { id: "b", line: line([2, 3, 9]) },
  ];
  const rows = rowsOf(lines, 0, 5, 50);
  assert.deepEqual(
    rows.map(({ time, values }) => [time, [...values.keys()]]),
    [
      [3, ["a", "b"]],
      [2, ["a", "b"]],
      [1, ["a"]],
    ],
  );
});

test("no more rows than asked for, the newest of all", () => {
  const lines = [
    { id: "a", line: line([1, 2, 3, 4]) },
    { id: "b", line: line([5, 6, 7]) },
  ];
  assert.deepEqual(
    rowsOf(lines, 0, 10, 3).map(({ time }) => time),
    [7, 6, 5],
  );
});
