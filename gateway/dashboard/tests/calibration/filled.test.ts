import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { figure, filled, maybe } from "../../src/calibration/filled.ts";
import { LIVE, RUN } from "../../src/calibration/messages.ts";
import { RUN_TOLD } from "./sample.ts";

describe("what a service answers", () => {
  it("is taken as it is where it is as expected", () => {
    const run = filled(RUN, RUN_TOLD);
    assert.equal(run.run, "R-2026-0001");
    assert.equal(run.steps[0]?.value, 50.0001);
    assert.equal(run.steps[1]?.value, null);
    assert.equal(run.steps[0]?.struck[0]?.reason, "draught");
    assert.equal(run.results, null);
    assert.equal(run.item.maker, "Simulated");
    assert.deepEqual(run.acts, RUN_TOLD.acts);
  });
  it("is empty where it lacks or is of another kind, and never fails", () => {
    const run = filled(RUN, {
      run: 5,
      steps: [null, 7, { step: "one", point: "1" }],
      acts: ["place", 4],
      results: "no",
    });
    assert.equal(run.run, "");
    assert.deepEqual(run.acts, ["place"]);
    assert.equal(run.results, null);
    assert.equal(run.steps.length, 1);
    assert.equal(run.steps[0]?.point, null);
    for (const told of [null, undefined, 5, "x", [], new Uint8Array(3)])
      assert.deepEqual(filled(LIVE, told).signals, []);
  });
  it("has no number that is none", () => {
    assert.equal(filled({ U: figure }, { U: Number.NaN }).U, null);
    assert.deepEqual(filled({ one: maybe({ at: figure }) }, { one: { at: 3, more: 1 } }), { one: { at: 3 } });
  });
});
