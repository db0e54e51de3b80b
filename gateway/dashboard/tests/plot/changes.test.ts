import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyChanges } from "../../src/plot/changes.ts";

const change = (time: number, name: string, text: string) => ({ time, name, text });

test("what two answers tell, and what goes on as it was, is one change", () => {
  const told = [change(5, "a", "kiln"), change(1, "a", "rest"), change(1, "a", "rest"), change(3, "a", "rest")];
  assert.deepEqual(onlyChanges(told), [change(1, "a", "rest"), change(5, "a", "kiln")]);
});

test("channels change for themselves", () => {
  const told = [change(1, "a", "x"), change(2, "b", "x"), change(3, "a", "x")];
  assert.deepEqual(onlyChanges(told), [change(1, "a", "x"), change(2, "b", "x")]);
});
