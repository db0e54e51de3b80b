import assert from "node:assert/strict";
import { test } from "node:test";
import { decimalsIn, figuresOf, Overlay, panelsOf, pointAt, type Series } from "../../src/history/overlay.ts";
import { type Head, type Past, Reading } from "../../src/plot/past.ts";
import { decimalsOf } from "../../src/words/numbers.ts";
import { random } from "../random.ts";
import { type Column, head } from "./answers.ts";

const TIMES = { from: 0, to: 1000 };
type Bucket = [number, number, number, number];

function past(from: number, to: number, columns: Column[], gaps: Record<string, unknown>[] = []): Past {
  return new Reading({ ...head(from, to, columns), gaps } as unknown as Head).end();
}

function compose(pasts: Past[], times = TIMES): Series[] {
  return new Overlay().compose([{ instrument: "a/1", pasts }], times, 1).series;
}

const line = (pasts: Past[], times = TIMES) => (compose(pasts, times)[0] as Series).line;

test("the peak of one sample is the maximum of four weeks, and of any closer time that holds it", () => {
  const next = random(1);
  for (let round = 0; round < 100; round += 1) {
    const buckets = Array.from({ length: 500 }, (): Bucket => [1, 2, 3, 1 + Math.floor(next() * 1000)]);
    const place = Math.floor(next() * 500);
    buckets[place] = [1, 2.001, 97.25, 1000];
    const whole = past(0, 1000, [{ name: "t", buckets }]);
    assert.equal(figuresOf(line([whole]), TIMES)?.max, 97.25);
    const closer = { from: Math.max(place * 2 - next() * 300, 0), to: place * 2 + 2 + next() * 300 };
    assert.equal(figuresOf(line([whole], closer), closer)?.max, 97.25);
  }
});

test("the mean is the mean of samples, not of buckets", () => {
  const buckets: Bucket[] = [
    [10, 10, 10, 1],
    [20, 20, 20, 3],
  ];
  assert.deepEqual(figuresOf(line([past(0, 1000, [{ name: "t", buckets }])]), TIMES), {
    min: 10,
    mean: 17.5,
    max: 20,
    count: 4,
  });
});

test("of a time without samples there are no figures", () => {
  const buckets: (Bucket | null)[] = [[1, 1, 1, 1], null, null, null];
  const closer = { from: 600, to: 900 };
  assert.equal(figuresOf(line([past(0, 1000, [{ name: "t", buckets }])], closer), closer), null);
});

test("coarse values stay where finer ones have not come", () => {
  const coarse = past(0, 1000, [{ name: "t", buckets: [[0, 5, 9, 10] as Bucket, [0, 5, 9, 10] as Bucket] }]);
  const fine = past(0, 100, [{ name: "t", buckets: Array.from({ length: 10 }, (): Bucket => [4, 5, 6, 1]) }]);
  const { length, max } = line([fine, coarse]);
  assert.ok(length > 10);
  assert.equal(max[0], 6);
  assert.equal(max[length - 1], 9);
});

test("a gap breaks the line and is told of its instrument", () => {
  const buckets: (Bucket | null)[] = [[1, 1, 1, 5], [1, 1, 1, 5], null, [1, 1, 1, 5]];
  const gap = { since: 500, until: 750, reason: "port lost", detail: "" };
  const composed = new Overlay().compose(
    [{ instrument: "a/1", pasts: [past(0, 1000, [{ name: "t", buckets }], [gap])] }],
    TIMES,
    1,
  );
  const { broken, length } = (composed.series[0] as Series).line;
  assert.deepEqual([...broken.subarray(0, length)], [0, 0, 1]);
  assert.equal(composed.gaps.get("a/1")?.[0]?.reason, "port lost");
});

test("channels of several instruments keep apart, also those of one name", () => {
  const one = past(0, 1000, [{ name: "t", unit: "°C", buckets: [[1, 1, 1, 1] as Bucket] }]);
  const other = past(0, 1000, [{ name: "t", unit: "°C", buckets: [[2, 2, 2, 1] as Bucket] }]);
  const sources = [
    { instrument: "a/1", pasts: [one] },
    { instrument: "a/2", pasts: [other] },
  ];
  const { series } = new Overlay().compose(sources, TIMES, 1);
  assert.deepEqual(
    series.map(({ id, line: { min } }) => [id, min[0]]),
    [
      ["a/1/t [°C]", 1],
      ["a/2/t [°C]", 2],
    ],
  );
});

function named(...units: string[]): Series[] {
  const columns = units.map((unit, at) => ({
    name: `c${at}`,
    unit,
    type: unit === "?" ? "boolean" : "number",
    buckets: [[0, 0.5, 1, 4] as Bucket],
  }));
  return compose([past(0, 1000, columns)]);
}

const unitsOf = (series: Series[], isOwn = false) =>
  panelsOf(series, isOwn).map((panel) => panel.series.map(({ unit }) => unit));

test("units share a panel by threes, and one unit has one axis", () => {
  assert.deepEqual(unitsOf(named("g", "°C", "g", "%", "bar", "V")), [
    ["g", "°C", "g", "%"],
    ["bar", "V"],
  ]);
});

test("what is true or false comes last, in a panel of its own", () => {
  assert.deepEqual(unitsOf(named("?", "g", "?")), [["g"], ["?", "?"]]);
});

test("each with a scale of its own has a panel of its own", () => {
  assert.deepEqual(unitsOf(named("?", "g", "g"), true), [["g"], ["g"], ["?"]]);
});

test("under the crosshair is what is there, and nothing where nothing was measured", () => {
  const second = 1_000_000;
  const buckets = Array.from({ length: 20 }, (_, at): Bucket | null =>
    at < 10 || at > 15 ? [at, at + 1, at + 2, 5] : null,
  );
  const times = { from: 0, to: 20 * second };
  const drawn = line([past(0, 20 * second, [{ name: "t", buckets }])], times);
  assert.deepEqual(pointAt(drawn, 1.2 * second, 10), { min: 1, max: 3, mean: 2, count: 5 });
  assert.deepEqual(pointAt(drawn, 19.9 * second, 10), { min: 19, max: 21, mean: 20, count: 5 });
  assert.equal(pointAt(drawn, 13 * second, 10), null);
});

test("as many decimals as the instrument sends", () => {
  const buckets: Bucket[] = [
    [1, 1.123456, 2.25, 2],
    [1, 1.5, 3, 2],
  ];
  assert.equal(decimalsIn(line([past(0, 1000, [{ name: "t", buckets }])]), decimalsOf), 2);
});
