import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "../../src/overview/decimals.ts";

test("a channel keeps the most decimals that were seen, and no other channel does", () => {
  const slots = new Slots();
  assert.deepEqual(
    [12.48, 12.5, 13].map((value) => slots.decimalsFor("mass", value)),
    [2, 2, 2],
  );
  assert.equal(slots.decimalsFor("count", 13), 0);
});

test("the noise of a computed number is cut from one on, and kept below", () => {
  const slots = new Slots();
  assert.equal(slots.decimalsFor("mean", 21.416666667), 6);
  assert.equal(slots.decimalsFor("mean", 0.000001234), 9);
});

test("a slot is as wide as the widest that was written, separators being narrow", () => {
  const slots = new Slots();
  assert.deepEqual(
    ["9.5", "1,234.5", "9.5"].map((text) => slots.widthFor("mass", text)),
    [2.6, 6.2, 6.2],
  );
});

test("a slot has an end", () => {
  assert.equal(new Slots().widthFor("mass", "9".repeat(10_000)), 16);
});

test("what flickers is a few steps of the last digit", () => {
  const slots = new Slots();
  slots.decimalsFor("mass", 12.48);
  assert.equal(slots.leastRange("mass"), 0.04);
});
