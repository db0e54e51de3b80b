import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bodyOf, fits, rank } from "../../src/calibration/choosing.ts";
import { OFFER } from "../../src/calibration/messages.ts";

const wanted = { role: "weights", kind: "weight_set", classes: ["E2", "F1"], unit: "g", is_live: false, positions: [] };

describe("a standard", () => {
  it("fits a role by kind and class", () => {
    assert.ok(fits({ content: { kind: "weight_set", accuracy_class: "E2" } }, wanted));
    assert.ok(!fits({ content: { kind: "weight_set", accuracy_class: "M1" } }, wanted));
    assert.ok(!fits({ content: { kind: "bath", accuracy_class: "E2" } }, wanted));
    assert.ok(fits({ content: { kind: "weight_set" } }, { ...wanted, classes: [] }));
  });
  it("that is read live has a stream", () => {
    const live = { ...wanted, classes: [], is_live: true };
    assert.ok(!fits({ content: { kind: "weight_set", instrument: "" } }, live));
    assert.ok(fits({ content: { kind: "weight_set", instrument: "pi-1/bath" } }, live));
  });
});

describe("a new run", () => {
  it("offers templates for this type of instrument first", () => {
    const offer = { ...OFFER, instrument_type: "balance" };
    assert.ok(rank(offer, "balance") < rank(offer, "thermometer"));
    assert.equal(rank(offer, undefined), 0);
  });
  it("asks for what was chosen, one at each position where there are such", () => {
    const standards = [wanted, { ...wanted, role: "probe", positions: ["top", "bottom"] }];
    const sensors = [
      { name: "temperature", unit: "°C", is_required: true },
      { name: "pressure", unit: "hPa", is_required: false },
    ];
    const typed = {
      "standard/weights/": "WS-E2-01",
      "standard/probe/top": "P1",
      "standard/probe/bottom": "",
      "sensor/temperature": "pi-1/room/temperature",
      "sensor/pressure": "",
      name: " ",
      condition: "clean",
    };
    assert.deepEqual(bodyOf(typed, { standards, sensors }), {
      standards: [
        { role: "weights", position: "", name: "WS-E2-01" },
        { role: "probe", position: "top", name: "P1" },
      ],
      sensors: { temperature: "pi-1/room/temperature" },
      customer: null,
      place: null,
      condition: "clean",
      received: null,
    });
    const customer = { name: "Brewery", address: "Munich", contact: "", country: "" };
    assert.deepEqual(bodyOf({ name: "Brewery", address: "Munich" }, { standards: [], sensors: [] }).customer, customer);
  });
});
