import assert from "node:assert/strict";
import { test } from "node:test";
import { longestPause, Usual } from "../../src/plot/usual.ts";

test("of a few samples nothing is usual yet", () => {
  assert.equal(longestPause([]), Number.POSITIVE_INFINITY);
  assert.equal(longestPause([1, 2, 3]), Number.POSITIVE_INFINITY);
});

test("a pause four times as long as nearly all is none that is usual", () => {
  const pauses = [...Array(19).fill(1_000_000), 60_000_000];
  assert.equal(longestPause(pauses), 4_000_000);
});

test("what an operating system delays by some ms is a line", () => {
  assert.equal(longestPause(Array(50).fill(1000)), 50_000);
});

test("follows an instrument that is read less often from now on", () => {
  const usual = new Usual();
  for (let at = 0; at < 500; at += 1) usual.add(at * 100_000);
  assert.equal(usual.limit, 400_000);
  for (let at = 1; at < 200; at += 1) usual.add(50_000_000 + at * 2_000_000);
  assert.equal(usual.limit, 8_000_000);
});
