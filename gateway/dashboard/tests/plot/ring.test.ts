import assert from "node:assert/strict";
import { test } from "node:test";
import { Ring } from "../../src/plot/ring.ts";
import { random } from "../random.ts";

function rows(ring: Ring): number[][] {
  return Array.from({ length: ring.length }, (_, row) => [ring.get(0, row), ring.get(1, row)]);
}

function put(ring: Ring, key: number, value: number): void {
  const at = ring.insert(key);
  ring.column(1)[at] = value;
}

test("holds the newest rows and no more than it may", () => {
  const ring = new Ring(1000, 2);
  for (let at = 0; at < 2500; at += 1) put(ring, at, -at);
  assert.equal(ring.length, 1000);
  assert.equal(ring.evicted, 1500);
  assert.equal(ring.column(0).length, 1000);
  assert.deepEqual(rows(ring)[0], [1500, -1500]);
  assert.deepEqual(rows(ring).at(-1), [2499, -2499]);
});

test("a row that comes late goes where it belongs", () => {
  const ring = new Ring(10, 2);
  for (const key of [1, 2, 5, 3, 4, 2]) put(ring, key, key * 10);
  assert.deepEqual(
    rows(ring).map(([key]) => key),
    [1, 2, 2, 3, 4, 5],
  );
  assert.ok(rows(ring).every(([key, value]) => value === (key as number) * 10));
});

test("rows come in order and each with its value, whatever the order they came in", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const next = random(seed);
    const ring = new Ring(300 + Math.floor(next() * 500), 2);
    const keys: number[] = [];
    for (let at = 0; at < 700; at += 1) {
      const key = at + Math.floor(next() * 20) - 10;
      keys.push(key);
      put(ring, key, key * 3 + 1);
    }
    const kept = rows(ring);
    assert.ok(kept.every(([key], at) => at === 0 || (key as number) >= (kept[at - 1]?.[0] as number)));
    assert.ok(kept.every(([key, value]) => value === (key as number) * 3 + 1));
    assert.equal(kept.length, Math.min(700, ring.capacity));
  }
});

test("finds the first row that is not before a bound, also where the ring has turned", () => {
  const ring = new Ring(100, 1);
  for (let at = 0; at < 257; at += 1) ring.insert(at * 2);
  assert.equal(ring.first, 314);
  assert.equal(ring.find(0), 0);
  assert.equal(ring.find(315), 1);
  assert.equal(ring.find(316), 1);
  assert.equal(ring.find(10_000), 100);
});
