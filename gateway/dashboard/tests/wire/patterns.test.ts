import assert from "node:assert/strict";
import { test } from "node:test";
import { matches } from "../../src/wire/connection.ts";

test("an instrument means its description, state and data", () => {
  assert.ok(["description", "state", "data"].every((kind) => matches("pi-1/balance", `pi-1/balance/${kind}`)));
  assert.ok(!matches("pi-1/balance", "pi-1/balance/latest"));
  assert.ok(!matches("pi-1/balance", "pi-1/kiln/data"));
});

test("a plus stands for one name", () => {
  assert.ok(matches("+/+/latest", "pi-1/balance/latest"));
  assert.ok(!matches("+/+/latest", "pi-1/balance/state"));
  assert.ok(matches("pi-1/+", "pi-1/balance/data"));
});

test("agents are no services", () => {
  assert.ok(matches("+/status", "pi-1/status"));
  assert.ok(!matches("+/status", "pi-1/balance/state"));
  assert.ok(!matches("+/+/status", "_service/logger/status"));
  assert.ok(matches("_service/+/status", "_service/logger/status"));
});
