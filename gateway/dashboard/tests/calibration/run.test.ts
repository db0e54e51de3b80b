import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inUnit, localised, shown, signed } from "../../src/calibration/figures.ts";
import { filled } from "../../src/calibration/filled.ts";
import { isWithin } from "../../src/calibration/limits.ts";
import { RUN, STEP, type Step } from "../../src/calibration/messages.ts";
import { isOver, newest, operatorsOf, stepOf } from "../../src/calibration/run.ts";
import { instruction, nameOf, stateInWords, verdictInWords } from "../../src/calibration/sentences.ts";
import { language } from "../../src/words/language.ts";
import { RUN_TOLD } from "./sample.ts";

const run = filled(RUN, RUN_TOLD);
const step = (more: Partial<Step>): Step => ({ ...STEP, what: "reading", point: 100, unit: "g", repeat: 1, ...more });

describe("what to do now", () => {
  it("is one sentence for whoever stands at the instrument", () => {
    assert.equal(instruction(step({}), "balance"), "Put 100\u00a0g on.");
    assert.equal(instruction(step({ position: "centre" }), "balance"), "Put 100\u00a0g on: centre.");
    assert.equal(instruction(step({ what: "zero" }), "balance"), "Take everything off.");
    assert.equal(instruction(step({ point: 0 }), "balance"), "Take everything off.");
    assert.equal(instruction(step({ point: 25, unit: "°C" }), "thermometer"), "Bring it to 25\u00a0°C.");
    assert.equal(instruction(step({ point: 0, unit: "°C" }), "thermometer"), "Bring it to 0\u00a0°C.");
    assert.equal(instruction(step({ what: "zero", unit: "mm" }), "sensor"), "Bring it to zero.");
  });
  it("is said in German too", () => {
    language.value = "de";
    assert.equal(instruction(step({ position: "vorn" }), "balance"), "100\u00a0g auflegen: vorn.");
    assert.equal(verdictInWords("fail"), "nicht bestanden");
    language.value = "en";
  });
});

describe("a run", () => {
  it("names everybody who had a hand in its data, so that another reviews it", () => {
    assert.deepEqual(operatorsOf(run).sort(), ["anna", "berta", "carla", "dora", "otto"]);
  });
  it("knows its newest value and its next step", () => {
    assert.equal(newest(run.steps)?.step, 1);
    assert.equal(newest(run.steps.slice(1)), undefined);
    assert.equal(stepOf(run, run.next)?.position, "front");
    assert.equal(stepOf(run, null), undefined);
  });
  it("says how it stands", () => {
    assert.equal(stateInWords(run), "being measured, as found");
    assert.equal(stateInWords({ ...run, state: "calculated", is_paused: true }), "calculated, to be reviewed, paused");
    assert.equal(stateInWords({ ...run, state: "of a later version" }), "of a later version");
    assert.ok(!isOver(run) && isOver({ state: "aborted" }) && isOver({ state: "issued" }));
  });
  it("names a placement by point, direction, place and repeat", () => {
    assert.equal(nameOf(step({ direction: "down", position: "front" }), false), "100\u00a0g \u25bc, front");
    assert.equal(nameOf(step({ repeat: 2 }), true), "100\u00a0g (2)");
    assert.equal(nameOf(step({ what: "zero" }), true), "zero");
  });
});

describe("figures", () => {
  it("have signs, units and no more digits than say something", () => {
    assert.equal(signed(0.10000001, "mg"), "+0.1\u00a0mg");
    assert.equal(signed(-0.123456, "mg"), "\u22120.123\u00a0mg");
    assert.equal(signed(-0, "mg"), "0\u00a0mg");
    assert.equal(signed(null, "mg"), "");
    assert.equal(shown(21.5, "degC"), "21.5\u00a0°C");
    assert.equal(shown(null, "g"), "\u2013\u00a0g");
    assert.equal(localised("0.10"), "0.10");
    assert.equal(inUnit("U", "degC"), "U / \u00b0C");
  });
  it("on a limit are within", () => {
    assert.ok(isWithin(2, -2, 2) && isWithin(-2, -2, 2) && isWithin(1e9, null, null));
    assert.ok(!isWithin(2.01, null, 2) && !isWithin(-2.01, -2, null));
  });
});
