import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Corrected,
  corrected,
  isOverdue,
  type Measurand,
  measurandOf,
  readCalibration,
  type Uncorrected,
} from "../../src/lab/calibration.ts";
import type { Told } from "../../src/wire/told.ts";

// The same numbers as tests/unit/wire/test_calibrations.py: page and server correct by one rule.
const POINTS = {
  kind: "points",
  indication: [0, 50, 100],
  correction: [0, -0.002, 0.004],
  U: [0.001, 0.003, 0.002],
  k: [2, 2.11, 2.05],
};
const CURVE = {
  kind: "curve",
  origin: 20,
  coefficients: [0.1, -0.01],
  covariance: [
    [4e-4, 1e-6],
    [1e-6, 1e-6],
  ],
  u_common: 0.03,
};
const MASS = { name: "mass", channel: "weight", unit: "g", low: 0, high: 100, k: 2, correction: POINTS, reason: "" };
const WARMTH = { name: "temperature", channel: "t", unit: "degC", low: 0, high: 50, k: 2.1, correction: CURVE };
const FOUND = {
  certificate: "K-2026-0001",
  revision: 2,
  issued: 1_700_000_000_000_000,
  due: "2027-06-02",
  verdict: "pass",
  measurands: [MASS, WARMTH],
};

function measurand(change: Told = {}, of: Told = MASS): Measurand {
  const read = readCalibration({ ...FOUND, measurands: [{ ...of, ...change }] })?.measurands[0];
  assert.ok(read);
  return read;
}

function good(of: Measurand, value: number, unit: string): Corrected {
  const found = corrected(of, value, unit);
  assert.ok(!("why" in found), JSON.stringify(found));
  return found;
}

describe("a reading", () => {
  it("is corrected straight between two points, with the larger U of theirs", () => {
    assert.deepEqual(good(measurand(), 75, "g"), { value: 75.001, U: 0.003, k: 2.11, unit: "g" });
    assert.deepEqual(good(measurand(), 100, "g"), { value: 100.004, U: 0.002, k: 2.05, unit: "g" });
    assert.equal(good(measurand(), 50, "g").value, 49.998);
    assert.deepEqual(good(measurand(), 0, "g"), { value: 0, U: 0.001, k: 2, unit: "g" });
  });
  it("beyond the last point is corrected as there, to the end of the range", () => {
    const wider = measurand({ low: -1, high: 101 });
    assert.deepEqual(good(wider, 100.5, "g"), { value: 100.504, U: 0.002, k: 2.05, unit: "g" });
    assert.deepEqual(good(wider, -0.5, "g"), { value: -0.5, U: 0.001, k: 2, unit: "g" });
  });
  it("is corrected by a curve, with U by its covariance", () => {
    const { value, U, k, unit } = good(measurand({}, WARMTH), 30, "°C");
    const u = Math.sqrt(4e-4 + 2 * 10 * 1e-6 + 100 * 1e-6 + 0.03 ** 2);
    assert.ok(Math.abs(value - 30) < 1e-12);
    assert.ok(Math.abs(U - 2.1 * u) < 1e-12);
    assert.deepEqual([k, unit], [2.1, "°C"]);
  });
  it("that cannot be corrected says why", () => {
    const why = (value: unknown, unit = "g", quality = "good") =>
      (corrected(measurand(), value, unit, quality) as Uncorrected).why;
    assert.equal(why(100.1), "outside");
    assert.equal(why(-0.1), "outside");
    assert.equal(why(0.05, "kg"), "unit");
    assert.equal(why(50, "g", "unstable"), "quality");
    for (const none of [null, "50", true, Number.NaN, undefined]) assert.equal(why(none), "number");
    const without = corrected(measurand({ correction: null, reason: "typed" }), 1, "g");
    assert.deepEqual(without, { why: "none", said: "typed" });
    const huge = { ...POINTS, correction: [1.7e308, 1.7e308, 1.7e308] };
    assert.equal((corrected(measurand({ high: 1.7e308, correction: huge }), 1.6e308, "g") as Uncorrected).why, "large");
  });
});

describe("a calibration", () => {
  it("tells what was calibrated of a channel", () => {
    const found = readCalibration(FOUND);
    assert.equal(measurandOf(found, "t")?.name, "temperature");
    assert.equal(measurandOf(found, ""), undefined);
    assert.equal(measurandOf(found, "humidity"), undefined);
    assert.equal(measurandOf(null, "t"), undefined);
  });
  it("is overdue from the day after", () => {
    const last = 1_811_980_799_999;
    assert.equal(isOverdue("2027-06-02", last), false);
    assert.equal(isOverdue("2027-06-02", last + 1), true);
    assert.equal(isOverdue("", last + 1), false);
  });
  it("with a kind of correction of a later version corrects nothing", () => {
    assert.equal(measurand({ correction: { kind: "spline" } }).correction, null);
  });
  it("that is none is not understood", () => {
    const wrong: Told[] = [
      { certificate: 5 },
      { revision: null },
      { measurands: [{ ...MASS, low: 101 }] },
      { measurands: [{ ...MASS, k: null }] },
      { measurands: [{ ...MASS, correction: { ...POINTS, U: [1] } }] },
      { measurands: [{ ...MASS, correction: { ...POINTS, U: [-1, -1, -1] } }] },
      { measurands: [{ ...MASS, correction: { ...POINTS, indication: [1, 1, 2] } }] },
      { measurands: [{ ...MASS, correction: { ...CURVE, covariance: [[1]] } }] },
      { measurands: [{ ...MASS, correction: { ...CURVE, u_common: -1 } }] },
    ];
    for (const change of wrong) assert.equal(readCalibration({ ...FOUND, ...change }), null, JSON.stringify(change));
  });
});
