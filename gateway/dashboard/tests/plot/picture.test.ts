import assert from "node:assert/strict";
import { test } from "node:test";
import type { Gap } from "../../src/plot/gaps.ts";
import type { Column, Past } from "../../src/plot/past.ts";
import { Composer, cover } from "../../src/plot/picture.ts";
import { Store, traceId } from "../../src/plot/store.ts";
import { random } from "../random.ts";

const START = 1_790_000_000_000_000;
const ID = traceId("mass", "");
const STEP = 1000;

/** Sample number `at` is at START + at * STEP and has the value `at`: so it is seen which are there. */
function store(first: number, last: number): Store {
  const made = new Store();
  made.begin(START + first * STEP);
  // A frame is whole: the first begins before.
  for (let [at, number] = [first - 5, 1]; at < last; at += 10, number += 1) {
    const times = Array.from({ length: 10 }, (_, one) => START + (at + one) * STEP);
    const channels = { mass: times.map((_, one) => at + one) };
    made.take({ epoch: 1, number, times, channels, units: {}, quality: {}, records: [] });
  }
  return made;
}

function past(first: number, last: number, width = 0, gaps: Gap[] = []): Past {
  const numbers = Array.from({ length: last - first }, (_, at) => first + at);
  const column: Column = {
    ...{ name: "mass", unit: "", kind: "number", half: 0, limit: 20 * STEP },
    ...{ time: numbers.map((at) => START + at * STEP), min: [...numbers], max: [...numbers], mean: [...numbers] },
    count: numbers.map(() => 1),
  };
  return {
    ...{ from: START + first * STEP, to: START + last * STEP, widthUs: width },
    ...{ columns: new Map([[ID, column]]), changes: [], gaps },
  };
}

function compose(asked: { store: Store; pasts: Past[]; from: number; to: number; pixelUs?: number; gaps?: Gap[] }) {
  return new Composer().compose({
    ...{ hidden: new Set<string>(), gaps: [], pixelUs: 1 },
    ...asked,
    ...{ from: START + asked.from * STEP, to: START + asked.to * STEP },
  });
}

test("at the seam between log and live each sample is there once", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const next = random(seed);
    const seam = 1000 + Math.floor(next() * 500);
    const split = 200 + Math.floor(next() * 600);
    const pasts = [past(split - Math.floor(next() * 100), seam), past(0, split, STEP * 2)];
    const [from, to] = [Math.floor(next() * seam), seam + 1 + Math.floor(next() * 400)];
    const { lines } = compose({ store: store(seam, 2000), pasts, from, to });
    const line = lines[0]?.line ?? assert.fail();
    const found = [...line.mean.subarray(0, line.length)];
    assert.deepEqual(
      found,
      Array.from({ length: found.length }, (_, at) => (found[0] as number) + at),
      `seed ${seed}: in order, none twice, none missing`,
    );
    assert.ok(line.count.subarray(0, line.length).every((one) => one === 1));
    assert.ok((found[0] as number) <= from && (found.at(-1) as number) >= to - 1);
    assert.ok(line.broken.subarray(1, line.length).every((one) => one === 0));
  }
});

test("thinned, the extremes of the whole time are there and each sample counts once", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const next = random(seed);
    const seam = 5000 + Math.floor(next() * 3000);
    const { lines } = compose({
      ...{ store: store(seam, 10_000), pasts: [past(0, seam)], from: 0, to: 9990 },
      pixelUs: STEP * (1 + next() * 100),
    });
    const line = lines[0]?.line ?? assert.fail();
    assert.equal(line.min[0], 0);
    assert.ok((line.max[line.length - 1] as number) >= 9989);
    const counted = line.count.subarray(0, line.length).reduce((sum, one) => sum + one, 0);
    assert.ok(counted >= 9990 && counted <= 9992, `${counted}`);
  }
});

test("the finest answer tells a time, a coarser one what that does not reach", () => {
  const [fine, coarse] = [past(400, 600, STEP), past(0, 1000, 50 * STEP)];
  const told = cover([coarse, fine], START, START + 1000 * STEP).map(({ past: one, from, to }) => [
    one === fine ? "fine" : "coarse",
    (from - START) / STEP,
    (to - START) / STEP,
  ]);
  assert.deepEqual(told, [
    ["coarse", 0, 400],
    ["fine", 400, 600],
    ["coarse", 600, 1000],
  ]);
});

test("stretches are in order, beside each other, and none is told twice", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const next = random(seed);
    const pasts = Array.from({ length: 5 }, () => {
      const from = Math.floor(next() * 1000);
      return {
        ...past(from, from + 1, Math.floor(next() * 4)),
        to: START + (from + 1 + Math.floor(next() * 500)) * STEP,
      };
    });
    const stretches = cover(pasts, START + 100 * STEP, START + 900 * STEP);
    for (const [at, { from, to, past: one }] of stretches.entries()) {
      assert.ok(from < to && from >= one.from && to <= one.to);
      assert.ok(at === 0 || from >= (stretches[at - 1]?.to ?? 0));
    }
  }
});

test("what nobody has told yet is empty, and no line leads over it", () => {
  const { lines } = compose({ store: store(1000, 1200), pasts: [past(0, 500)], from: 0, to: 1100 });
  const line = lines[0]?.line ?? assert.fail();
  assert.equal([...line.broken.subarray(1, line.length)].filter((one) => one === 1).length, 1);
});

test("a gap of the log breaks the line and is told with its reason", () => {
  const numbers = { epoch: 1, first: 2, last: 3 };
  const gap: Gap = {
    since: START + 300 * STEP,
    until: START + 310 * STEP,
    reason: "agent off",
    detail: "",
    ...numbers,
  };
  const told = past(0, 1000, 0, [gap]);
  const column = told.columns.get(ID) ?? assert.fail();
  for (const name of ["time", "min", "max", "mean", "count"] as const) column[name].splice(301, 9);
  const picture = compose({ store: store(1000, 1200), pasts: [told], from: 0, to: 1100 });
  assert.deepEqual(picture.gaps, [gap]);
  const line = picture.lines[0]?.line ?? assert.fail();
  const broken = [...line.broken.subarray(0, line.length)].indexOf(1);
  assert.equal(line.mean[broken], 310);
});

test("a gap of which nobody told the end has ended where samples come again", () => {
  const lasting: Gap = {
    ...{ since: START + 1005 * STEP, until: null, reason: "port lost", detail: "" },
    ...{ epoch: null, first: null, last: null },
  };
  const live = store(1000, 1200);
  live.explain(lasting);
  assert.equal(compose({ store: live, pasts: [], from: 0, to: 1100 }).gaps[0]?.until, START + 1006 * STEP);
});

test("what is hidden is not drawn, and stays among the channels", () => {
  const composer = new Composer();
  const asked = { store: store(0, 100), pasts: [], gaps: [], from: START, to: START + 90 * STEP, pixelUs: 1 };
  assert.equal(composer.compose({ ...asked, hidden: new Set([ID]) }).lines.length, 0);
  assert.equal(composer.channels.length, 1);
});
