import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { channelsOfEffect, ordered } from "../../../src/instrument/control/commands.ts";
import { isUncertain, RESULT_SHAPES, RESULTS, replyOfError } from "../../../src/instrument/control/outcome.ts";
import {
  argumentsInWords,
  commandInWords,
  rangeInWords,
  tookInWords,
} from "../../../src/instrument/control/sentences.ts";
import { controlWords } from "../../../src/instrument/control/words.ts";
import { Lost, Refused } from "../../../src/wire/connection.ts";
import type { Argument, CommandDescription } from "../../../src/wire/messages.ts";
import { language } from "../../../src/words/language.ts";

afterEach(() => {
  language.value = "en";
});

const argument = (more: Partial<Argument>): Argument => ({
  name: "value",
  type: "number",
  unit: "",
  minimum: null,
  maximum: null,
  choices: [],
  default: null,
  ...more,
});
const command = (name: string, more: Partial<CommandDescription> = {}): CommandDescription => ({
  name,
  arguments: [],
  timeout_s: 5,
  label: "",
  dangerous: false,
  safe: false,
  interlocks: [],
  ...more,
});
const plain = (text: string) => text.replaceAll("\u00a0", " ");

test("a range is said in words, in both languages", () => {
  const range = (more: Partial<Argument>) => plain(rangeInWords(argument(more)));
  assert.equal(range({ minimum: 0, maximum: 0.5, unit: "°C" }), "0 to 0.5 °C");
  assert.equal(range({ minimum: 1 }), "at least 1");
  assert.equal(range({ maximum: 9, unit: "g" }), "at most 9 g");
  assert.equal(range({ type: "integer", minimum: 1, maximum: 99 }), "a whole number, 1 to 99");
  assert.equal(range({ type: "integer" }), "a whole number");
  language.value = "de";
  assert.equal(range({ minimum: 0, maximum: 0.5, unit: "°C" }), "0 bis 0,5 °C");
  assert.equal(range({ type: "integer", minimum: 1 }), "eine ganze Zahl, mindestens 1");
});

test("each result has a word, a sentence and a shape, in both languages", () => {
  for (const spoken of ["en", "de"] as const) {
    language.value = spoken;
    const { results, sentences } = controlWords.value;
    assert.equal(new Set(RESULTS.map((result) => results[result])).size, RESULTS.length);
    assert.equal(new Set(RESULTS.map((result) => sentences[result])).size, RESULTS.length);
    assert.ok(RESULTS.every((result) => RESULT_SHAPES[result] !== ""));
  }
});

test("where nobody knows whether it took effect, the sentence says so and what to do", () => {
  const unknown = RESULTS.filter((result) => controlWords.value.sentences[result].includes("not known"));
  assert.deepEqual(unknown, ["timeout", "lost"]);
  assert.deepEqual(RESULTS.filter(isUncertain), unknown);
  assert.ok(unknown.every((result) => controlWords.value.sentences[result].includes("look at the instrument")));
});

test("an answer that is no reply is told apart: refused, not permitted, or nobody knows", () => {
  const result = (error: unknown) => replyOfError(error, "set", "anna", 5).result;
  assert.equal(result(new Lost("gone")), "lost");
  assert.equal(result(new Refused("limit", "too many")), "refused");
  assert.equal(result(new Refused("not-permitted", "no")), "not-permitted");
  assert.equal(result(new Refused("unavailable", "the broker went away")), "lost");
  assert.equal(replyOfError(new Refused("limit", "too many"), "set", "anna", 5).reason, "too many");
});

test("the safe command comes first, the dangerous ones last, the others as they are described", () => {
  const commands = [
    command("burn", { dangerous: true }),
    command("set"),
    command("name"),
    command("off", { safe: true }),
  ];
  assert.deepEqual(
    ordered(commands).map(({ name }) => name),
    ["off", "set", "name", "burn"],
  );
});

test("the effect is looked for where the reply, the arguments or the command's name point to", () => {
  const channels = [
    { name: "temperature", unit: "°C", label: "" },
    { name: "humidity", unit: "%", label: "" },
    { name: "mass", unit: "g", label: "" },
  ];
  const names = (of: CommandDescription, reply: Parameters<typeof channelsOfEffect>[2] = null, from = channels) =>
    channelsOfEffect(from, of, reply).map(({ name }) => name);
  assert.deepEqual(names(command("read"), { values: { humidity: 5 }, units: {} }), ["humidity"]);
  assert.deepEqual(names(command("set_temperature")), ["temperature"]);
  assert.deepEqual(names(command("set", { arguments: [argument({ name: "mass" })] })), ["mass"]);
  assert.deepEqual(names(command("tare"), { values: { tare: 5 }, units: { tare: "g" } }), ["mass"]);
  assert.deepEqual(names(command("reset")), []);
  assert.deepEqual(names(command("reset"), null, channels.slice(0, 1)), ["temperature"]);
});

test("what was asked is said with its units, of an announced command as well", () => {
  const commands = [command("burn", { label: "Burn off", arguments: [argument({ name: "at", unit: "°C" })] })];
  assert.equal(plain(argumentsInWords({ at: 250 }, "burn", commands)), "at = 250 °C");
  assert.equal(
    plain(argumentsInWords({ name: "burn", arguments: { at: 250 } }, "_arm", commands)),
    "burn, at = 250 °C",
  );
  assert.equal(argumentsInWords({}, "burn", commands), "");
  assert.equal(commandInWords("burn", commands), "Burn off");
  assert.equal(commandInWords("_take", commands), "Take control");
  assert.equal(commandInWords("gone", commands), "gone");
});

test("a duration is in ms below a second", () => {
  assert.equal(plain(tookInWords(5_100)), "5.1 ms");
  assert.equal(plain(tookInWords(999_000)), "999 ms");
  assert.equal(plain(tookInWords(1_250_000)), "1.25 s");
});
