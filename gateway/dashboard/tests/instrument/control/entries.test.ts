import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "@msgpack/msgpack";
import {
  decodeReply,
  type Entry,
  entryOfLedger,
  entryOfReply,
  type LedgerEntry,
  merged,
  passes,
  plainValue,
  withNewest,
} from "../../../src/instrument/control/entries.ts";
import type { Reply } from "../../../src/wire/messages.ts";

const logged = (number: number, more: Partial<LedgerEntry> = {}): Entry =>
  entryOfLedger({
    number,
    time: number * 1000,
    user: "anna",
    origin: "s1",
    id: `id-${number}`,
    name: "set",
    arguments: '{"value": 5}',
    result: "done",
    reason: "",
    values: '{"set": 5}',
    bytes_out: Uint8Array.of(1),
    bytes_in: Uint8Array.of(2),
    took_us: 10,
    received: 1,
    noted_by: "agent",
    ...more,
  });

const replied = (number: number, more: Partial<Reply> = {}): Entry =>
  entryOfReply(
    {
      id: `id-${number}`,
      name: "set",
      user: "anna",
      result: "done",
      reason: "",
      values: { set: 5 },
      units: { set: "g" },
      bytes_out: Uint8Array.of(1),
      bytes_in: Uint8Array.of(2),
      took_us: 10,
      time: number * 1000,
      ...more,
    },
    null,
  );

const numbers = (entries: readonly Entry[]) => entries.map((entry) => entry.number);

test("a reply and its entry in the ledger are one, with what only one of them tells", () => {
  for (const both of [merged([replied(3)], [logged(3)]), merged([logged(3)], [replied(3)])]) {
    assert.equal(both.length, 1);
    assert.equal(both[0]?.number, 3);
    assert.deepEqual(both[0]?.arguments, { value: 5 });
    assert.deepEqual(both[0]?.units, { set: "g" });
  }
});

test("what was sent from here has its arguments before the ledger tells them", () => {
  const own = { ...replied(3), arguments: { value: 5 } };
  for (const both of [merged([replied(3)], [own]), merged([own], [replied(3)])]) {
    assert.deepEqual(
      both.map((entry) => entry.arguments),
      [{ value: 5 }],
    );
  }
});

test("the newest is first, whichever order they come in", () => {
  const all = merged(merged([logged(1)], [logged(3), replied(4)]), [logged(2)]);
  assert.deepEqual(numbers(all), [null, 3, 2, 1]);
});

test("an id that is sent again is an entry each time", () => {
  assert.equal(merged([logged(1)], [logged(2, { id: "id-1" })]).length, 2);
});

test("what the gateway lost sight of is left out once the agent's record is there", () => {
  const lost = replied(3, { result: "lost", time: 2500 });
  assert.equal(merged([], [lost]).length, 1);
  assert.deepEqual(numbers(merged([lost], [logged(3)])), [3]);
  const refused = replied(3, { result: "refused", time: 2500 });
  assert.equal(merged([refused], [logged(3)]).length, 2);
});

test("a newest page that does not reach what is known begins the list anew, with no hole in it", () => {
  const known = [logged(2), logged(1)];
  assert.deepEqual(numbers(withNewest(known, [logged(4), logged(3)], true)), [4, 3]);
  assert.deepEqual(numbers(withNewest(known, [logged(3), logged(2)], true)), [3, 2, 1]);
  assert.deepEqual(numbers(withNewest(known, [logged(2), logged(1)], false)), [2, 1]);
  assert.deepEqual(numbers(withNewest([replied(9)], [logged(4)], true)), [null, 4]);
});

test("a filter keeps one user, one result, or both", () => {
  const entry = logged(1, { result: "refused" });
  assert.equal(passes(entry, { user: "", result: "" }), true);
  assert.equal(passes(entry, { user: "anna", result: "refused" }), true);
  assert.equal(passes(entry, { user: "otto", result: "" }), false);
  assert.equal(passes(entry, { user: "anna", result: "done" }), false);
});

test("a payload that is no reply is none", () => {
  const whole = { v: 1, id: "x", name: "set", user: "anna", result: "done", time: 5 };
  assert.equal(decodeReply(encode(whole))?.name, "set");
  assert.deepEqual(decodeReply(encode(whole))?.bytes_out, new Uint8Array());
  for (const broken of [encode(5), encode(null), encode({ id: "x" }), Uint8Array.of(0xc1), new Uint8Array()]) {
    assert.equal(decodeReply(broken), null);
  }
});

test("a value is shown as what it is: bytes as hex, a map as text", () => {
  assert.equal(plainValue({ $hex: "0d0a" }), "0d0a");
  assert.equal(plainValue({ a: 1 }), '{"a":1}');
  assert.equal(plainValue(undefined), null);
  assert.equal(plainValue(false), false);
  assert.deepEqual(logged(1, { arguments: "no json" }).arguments, {});
});
