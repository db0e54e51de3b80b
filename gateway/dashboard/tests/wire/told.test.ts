import assert from "node:assert/strict";
import { test } from "node:test";
import {
  readAgentStatus,
  readAlarms,
  readControl,
  readDescription,
  readReply,
  readSamples,
  readServiceStatus,
  readState,
  type Told,
} from "../../src/wire/told.ts";

const READERS = [
  readAgentStatus,
  readAlarms,
  readControl,
  readDescription,
  readReply,
  readSamples,
  readServiceStatus,
  readState,
];
const STRANGE: unknown[] = [null, 7, Number.NaN, "text", true, [1], { a: 1 }, [{ name: 3 }], new Uint8Array(2), [null]];
const KEYS = [
  "channels",
  "commands",
  "identity",
  "alarms",
  "values",
  "orders",
  "clock",
  "state",
  "label",
  "since",
  "id",
];

test("what is told as agreed stays as it is", () => {
  const told = {
    channels: [{ name: "mass", unit: "g", label: "Mass" }],
    commands: [
      {
        name: "heat",
        arguments: [
          { name: "to", type: "number", unit: "°C", minimum: 1, maximum: null, choices: ["a"], default: 2.5 },
        ],
        timeout_s: 7,
        label: "Heat",
        dangerous: true,
        safe: false,
        interlocks: ["mass < 3"],
      },
    ],
    driver: "text",
    label: "Balance",
    profile: "ohaus",
    port: "/dev/ttyUSB0",
    identity: { serial: "4711" },
  };
  assert.deepEqual(readDescription({ v: 1, ...told }), told);
});

test("what lacks is empty", () => {
  assert.deepEqual(readDescription({ channels: [{ name: "mass" }], commands: [{ name: "tare" }] }), {
    channels: [{ name: "mass", unit: "", label: "" }],
    commands: [{ name: "tare", arguments: [], timeout_s: 5, label: "", dangerous: false, safe: false, interlocks: [] }],
    driver: "",
    label: "",
    profile: "",
    port: "",
    identity: "",
  });
  assert.deepEqual(readSamples({ mass: { value: 1 } }), { mass: { value: 1, unit: "", quality: "good", time: 0 } });
  assert.deepEqual(readAgentStatus({ online: true }).clock, { error_us: null, ahead_us: null });
});

test("a state that nobody knows is none", () => {
  assert.equal(readState({ state: "exploded", since: 1 }), null);
  assert.deepEqual(readState({ state: "silent", since: 1, reason: 5 }), { state: "silent", since: 1, reason: "" });
});

test("a name that comes twice, or is empty, comes once", () => {
  const { channels } = readDescription({ channels: [{ name: "a", unit: "g" }, { name: "a" }, {}, { name: "" }] });
  assert.deepEqual(channels, [{ name: "a", unit: "g", label: "" }]);
});

test("whatever is told is read", () => {
  for (const read of READERS) {
    for (const strange of STRANGE) {
      for (const key of KEYS) assert.doesNotThrow(() => read({ [key]: strange } as Told));
      assert.doesNotThrow(() => read(Object.fromEntries(KEYS.map((key) => [key, strange])) as Told));
    }
  }
});

test("values are what can be shown, and bytes are bytes", () => {
  const reply = readReply({ id: "1", values: { a: { b: 1 }, c: "x", d: [1] }, bytes_in: "no bytes", result: "magic" });
  assert.deepEqual(reply.values, { a: null, c: "x", d: null });
  assert.equal(reply.bytes_in.length, 0);
  assert.equal(reply.result, "failed");
});
