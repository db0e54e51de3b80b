import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fromField,
  PRESETS,
  pan,
  readRange,
  SHORTEST_US,
  select,
  timesOf,
  toField,
  writeRange,
  zoom,
} from "../../src/history/range.ts";
import { random } from "../random.ts";

const HOUR = 3_600_000_000;
const NOW = 1_790_000_000_000_000;

test("the usual times are read and written as the address has them", () => {
  for (const preset of PRESETS) {
    const range = readRange(preset, "");
    assert.ok(range !== null);
    assert.deepEqual(writeRange(range), { from: preset, to: "" });
  }
});

test("an address without times means the last day", () => {
  assert.deepEqual(timesOf(readRange("", "") ?? { kind: "all" }, NOW, null), { from: NOW - 24 * HOUR, to: NOW });
});

test("two moments are the same moments after a way through the address, wherever that is opened", () => {
  const next = random(1);
  for (let at = 0; at < 1000; at += 1) {
    const from = Math.floor(next() * 1e9) * 1_000_000 + Math.floor(next() * 1000) * 1000;
    const range = { kind: "fixed", from, to: from + 1000 * (1 + Math.floor(next() * 1e9)) } as const;
    const { from: begin, to: end } = writeRange(range);
    assert.deepEqual(readRange(begin, end), range);
  }
});

test("whole seconds are written without fractions", () => {
  const range = readRange("2026-11-22T08:00:00+01:00", "2026-11-22T08:00:10.500Z");
  assert.ok(range !== null);
  assert.deepEqual(writeRange(range), { from: "2026-11-22T07:00:00Z", to: "2026-11-22T08:00:10.500Z" });
});

test("what names no time is told apart", () => {
  const wrong: [string, string][] = [
    ["yesterday", ""],
    ["2026-11-22T08:00:00", "2026-11-22T09:00:00"],
    ["2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z"],
    ["2026-11-22T09:00:00Z", "2026-11-22T08:00:00Z"],
    ["2026-13-45T08:00:00Z", "2026-11-22T08:00:00Z"],
    ["0d", ""],
    ["1d", "2026-11-22T08:00:00Z"],
    ["all", "2026-11-22T08:00:00Z"],
    ["", "2026-11-22T08:00:00Z"],
    ["999999w", ""],
  ];
  for (const [from, to] of wrong) assert.equal(readRange(from, to), null, `${from} ${to}`);
});

test("all begins with the first sample, once that is known", () => {
  assert.equal(timesOf({ kind: "all" }, NOW, null), null);
  assert.deepEqual(timesOf({ kind: "all" }, NOW, NOW - 5 * HOUR), { from: NOW - 5 * HOUR, to: NOW });
  assert.deepEqual(timesOf({ kind: "all" }, NOW, NOW), { from: NOW - SHORTEST_US, to: NOW });
});

test("zooming keeps what is at its centre where it is, and never ends before it begins or after now", () => {
  const next = random(2);
  for (let at = 0; at < 1000; at += 1) {
    const from = NOW - next() * 1e4 * HOUR;
    const times = { from, to: from + next() * (NOW - from) };
    const share = next();
    const centre = times.from + (times.to - times.from) * share;
    const range = zoom(times, next() * 3, centre, NOW);
    assert.ok(range.kind === "fixed" && range.from < range.to && range.to <= NOW);
    if (range.to < NOW && range.from > 0) {
      const found = (centre - range.from) / (range.to - range.from);
      assert.ok(Math.abs(found - share) < 0.1, `${found} ${share}`);
    }
  }
});

test("moving keeps how long the time is, and stops at now", () => {
  const times = { from: NOW - 10 * HOUR, to: NOW - 8 * HOUR };
  assert.deepEqual(pan(times, -1, NOW), { kind: "fixed", from: NOW - 12 * HOUR, to: NOW - 10 * HOUR });
  assert.deepEqual(pan(times, 50, NOW), { kind: "fixed", from: NOW - 2 * HOUR, to: NOW });
});

test("a stretch may be drawn from right to left, and a click is not too short a time", () => {
  assert.deepEqual(select(NOW - HOUR, NOW - 3 * HOUR, NOW), { kind: "fixed", from: NOW - 3 * HOUR, to: NOW - HOUR });
  const range = select(NOW - HOUR, NOW - HOUR, NOW);
  assert.ok(range.kind === "fixed" && range.to - range.from === SHORTEST_US);
});

test("a field for date and time holds local time, to the minute or the second", () => {
  const us = new Date(2026, 10, 22, 8, 5, 9).getTime() * 1000;
  assert.equal(toField(us, true), "2026-11-22T08:05:09");
  assert.equal(toField(us, false), "2026-11-22T08:05");
  assert.equal(fromField("2026-11-22T08:05:09"), us);
  assert.equal(fromField(""), null);
});
