import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "@msgpack/msgpack";
import { unpack } from "../../src/wire/unpack.ts";

test("a key that would be a prototype takes nothing else with it", () => {
  const packed = encode(["done", 1, [JSON.parse('{"__proto__": {"a": "__proto__"}}'), { b: 2 }]]);
  const [, , [strange, other]] = unpack(packed) as [string, number, [Record<string, unknown>, unknown]];
  assert.deepEqual(other, { b: 2 });
  assert.deepEqual(Object.keys(strange), ["__Proto__"]);
  assert.equal(Object.getPrototypeOf(strange), Object.prototype);
});

test("a text stays as it is where no key is one", () => {
  assert.deepEqual(unpack(encode({ a: "__proto__" })), { a: "__proto__" });
});

test("what is no msgpack raises", () => {
  assert.throws(() => unpack(new Uint8Array([0xc1])));
  assert.throws(() => unpack(encode([1, 2]).slice(0, 2)));
});
