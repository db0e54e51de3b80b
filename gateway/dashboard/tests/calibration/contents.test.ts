import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contentOf, rowsOf, TABLES, typedOf } from "../../src/calibration/contents.ts";

describe("an entry of the register", () => {
  const typed = {
    kind: "weight_set",
    "certificate.number": "D-K-12345",
    "certificate.due": "2027-06-02",
    interval_months: "24",
    "certified/0/low": "50",
    "certified/0/high": "50",
    "certified/0/correction": "0,00002",
    "certified/0/U": "0,00003",
    "certified/0/k": "2",
    "certified/0/mpe": "",
    "certified/1/low": "",
    "fields/0/name": "u_drift",
    "fields/0/value": "1e-6",
    "fields/0/unit": "g",
  };
  it("comes of what was typed, with the reader's decimal sign, and without empty rows", () => {
    const { content, mistakes } = contentOf("standard", typed, ",");
    assert.deepEqual(mistakes, []);
    assert.deepEqual(content.certified, [{ low: 50, high: 50, correction: 0.00002, U: 0.00003, k: 2, mpe: null }]);
    assert.deepEqual(content.fields, [{ name: "u_drift", value: 1e-6, unit: "g" }]);
    const certificate = { number: "D-K-12345", laboratory: "", calibrated: "", due: "2027-06-02" };
    assert.deepEqual(content.certificate, certificate);
    assert.equal(content.interval_months, 24);
  });
  it("is typed as it was read", () => {
    const { content } = contentOf("standard", typed, ",");
    assert.equal(typedOf(content, "certificate.due", ","), "2027-06-02");
    assert.equal(typedOf(content, "interval_months", ","), "24");
    const rows = rowsOf(content, "certified", TABLES.standard?.certified ?? [], ",");
    assert.deepEqual(rows, [["50", "50", "0,00002", "0,00003", "2", ""]]);
    assert.equal(typedOf({ is_simulated: true }, "is_simulated", "."), "on");
    assert.equal(typedOf({ certificate: "none" }, "certificate.due", "."), "");
  });
  it("with a number that is none says which", () => {
    const { mistakes } = contentOf("standard", { ...typed, "certified/0/U": "three", interval_months: "1.234" }, ",");
    assert.equal(mistakes.length, 2);
    assert.match(mistakes.join(), /Interval in months: 1\.234 .*U, row 1: three/);
  });
});
