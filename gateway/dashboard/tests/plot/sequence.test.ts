import assert from "node:assert/strict";
import { test } from "node:test";
import { Sequence } from "../../src/plot/sequence.ts";
import { random } from "../random.ts";

const take = (sequence: Sequence, epoch: number, number: number) =>
  sequence.take(epoch, number, number * 10, number * 10 + 9);

test("each frame is new once, whichever order they come in", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const next = random(seed);
    const sequence = new Sequence();
    const seen = new Set<string>();
    for (let at = 0; at < 200; at += 1) {
      const [epoch, number] = [1 + Math.floor(next() * 3), 1 + Math.floor(next() * 40)];
      const key = `${epoch} ${number}`;
      assert.equal(take(sequence, epoch, number), !seen.has(key), `${key}, seed ${seed}`);
      seen.add(key);
    }
  }
});

test("holes are the numbers that lack between those that came", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const next = random(seed);
    const sequence = new Sequence();
    const numbers = new Set(Array.from({ length: 20 }, () => 1 + Math.floor(next() * 60)));
    for (const number of numbers) take(sequence, 7, number);
    const lacking = sequence.holes.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, at) => first + at),
    );
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const expected = Array.from({ length: high - low + 1 }, (_, at) => low + at).filter((one) => !numbers.has(one));
    assert.deepEqual(lacking, expected);
  }
});

test("a hole lies between the last sample before and the first after it, and goes when its frame comes", () => {
  const sequence = new Sequence();
  for (const number of [5, 6, 9]) take(sequence, 1, number);
  assert.deepEqual(sequence.holes, [{ epoch: 1, first: 7, last: 8, since: 69, until: 90 }]);
  take(sequence, 1, 8);
  take(sequence, 1, 7);
  assert.deepEqual(sequence.holes, []);
});

test("a new run of the agent begins with no hole", () => {
  const sequence = new Sequence();
  take(sequence, 1, 900);
  take(sequence, 2, 4);
  assert.deepEqual(sequence.holes, []);
});

test("a hole that the log tells of is forgotten", () => {
  const sequence = new Sequence();
  for (const number of [1, 5, 9]) take(sequence, 1, number);
  sequence.forget(50);
  assert.deepEqual(
    sequence.holes.map(({ first }) => first),
    [6],
  );
});

test("thousands of holes and runs take a bounded room", () => {
  const sequence = new Sequence();
  for (let epoch = 1; epoch <= 50; epoch += 1) for (let at = 1; at <= 2000; at += 2) take(sequence, epoch, at);
  assert.ok(sequence.holes.length <= 8 * 256);
});
