import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decimalSign,
  readArgument,
  readArguments,
  readNumber,
  typedDefault,
  typedDefaults,
} from "../../../src/instrument/control/argument_values.ts";
import type { Argument } from "../../../src/wire/messages.ts";

const number = (more: Partial<Argument> = {}): Argument => ({
  name: "value",
  type: "number",
  unit: "°C",
  minimum: null,
  maximum: null,
  choices: [],
  default: null,
  ...more,
});

test("a number is read with the reader's decimal sign, and with the other one where it is clear", () => {
  for (const [typed, decimal, value] of [
    ["21,5", ",", 21.5],
    ["21.5", ",", 21.5],
    ["21.5", ".", 21.5],
    ["21,5", ".", 21.5],
    ["1,500", ",", 1.5],
    ["1.500", ".", 1.5],
    ["0.250", ",", 0.25],
    ["1500", ",", 1500],
    [" -3 ", ".", -3],
    ["\u22123,5", ",", -3.5],
    [",5", ",", 0.5],
    ["1,5e-3", ",", 0.0015],
  ] as const) {
    assert.deepEqual(readNumber(typed, decimal), { value }, `${typed} with ${decimal}`);
  }
});

test("what may be a thousand to some and one to others is not guessed", () => {
  assert.deepEqual(readNumber("1.500", ","), { mistake: "unclear" });
  assert.deepEqual(readNumber("1,500", "."), { mistake: "unclear" });
});

test("what is no number is none", () => {
  for (const typed of ["", "warm", "1 000", "1.234,5", "1,2,3", "0x10", "Infinity", "NaN", "1e", "--1", "1e999"]) {
    assert.deepEqual(readNumber(typed, "."), { mistake: "noNumber" }, typed);
  }
});

test("a range includes its ends, and either may be missing", () => {
  const read = (typed: string, more: Partial<Argument>) => readArgument(number(more), typed, ".");
  assert.deepEqual(read("0", { minimum: 0, maximum: 10 }), { value: 0 });
  assert.deepEqual(read("10", { minimum: 0, maximum: 10 }), { value: 10 });
  assert.deepEqual(read("10.1", { minimum: 0, maximum: 10 }), { mistake: "outOfRange" });
  assert.deepEqual(read("-0.1", { minimum: 0 }), { mistake: "outOfRange" });
  assert.deepEqual(read("11", { maximum: 10 }), { mistake: "outOfRange" });
  assert.deepEqual(read("-99999", {}), { value: -99999 });
  assert.deepEqual(read(" ", { default: 5 }), { mistake: "missing" });
});

test("an integer is whole and one that the wire carries exactly", () => {
  const read = (typed: string) => readArgument(number({ type: "integer" }), typed, ",");
  assert.deepEqual(read("7"), { value: 7 });
  assert.deepEqual(read("7,5"), { mistake: "noInteger" });
  assert.deepEqual(read("9007199254740993"), { mistake: "noInteger" });
});

test("yes, no and a choice are what they are, and nothing is chosen by itself", () => {
  assert.deepEqual(readArgument(number({ type: "boolean" }), "false", "."), { value: false });
  assert.deepEqual(readArgument(number({ type: "boolean" }), "", "."), { mistake: "missing" });
  const choice = number({ type: "choice", choices: ["gentle", "fierce"] });
  assert.deepEqual(readArgument(choice, "fierce", "."), { value: "fierce" });
  assert.deepEqual(readArgument(choice, "mild", "."), { mistake: "missing" });
});

test("a text that would be a second command, or too long a one, is not sent", () => {
  const read = (typed: string) => readArgument(number({ type: "text" }), typed, ".");
  assert.deepEqual(read("Märzen <b>7</b>"), { value: "Märzen <b>7</b>" });
  for (const typed of ["a\r\nb", "a\u0000", "a\u202eb", "a\u00a0b", "a\u2028b"]) {
    assert.deepEqual(read(typed), { mistake: "unprintable" }, JSON.stringify(typed));
  }
  assert.deepEqual(read("x".repeat(1025)), { mistake: "tooLong" });
  assert.deepEqual(read("\u{1f321}".repeat(1024)), { value: "\u{1f321}".repeat(1024) });
});

test("a text may be empty where it need not be given", () => {
  assert.deepEqual(readArgument(number({ type: "text" }), "", "."), { mistake: "missing" });
  assert.deepEqual(readArgument(number({ type: "text", default: "" }), "", "."), { value: "" });
});

test("a default stands in the field as its reader writes it, and is read back as it was", () => {
  for (const decimal of [".", ","]) {
    for (const value of [21.5, -0.25, 1500, 0, 1e-7]) {
      const argument = number({ default: value });
      assert.deepEqual(readArgument(argument, typedDefault(argument, decimal), decimal), { value });
    }
  }
  assert.equal(typedDefault(number({ default: 21.5 }), ","), "21,5");
  assert.equal(typedDefault(number({ type: "boolean", default: true }), ","), "true");
  assert.equal(typedDefault(number(), ","), "");
});

test("all arguments are read together: values and mistakes by their names", () => {
  const described = [number({ name: "mass", default: 1.5 }), number({ name: "hours", type: "integer" })];
  assert.deepEqual(typedDefaults(described, ","), { mass: "1,5", hours: "" });
  const read = readArguments(described, typedDefaults(described, ","), ",");
  assert.deepEqual(read, { values: { mass: 1.5 }, mistakes: { hours: "missing" } });
});

test("each locale has its decimal sign", () => {
  assert.equal(decimalSign("de"), ",");
  assert.equal(decimalSign("en"), ".");
});
