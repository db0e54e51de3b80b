// What somebody typed for a command's argument -> the value that is sent, or why it cannot be. The agent checks it again.

import type { Value } from "../../wire/frames.ts";
import type { Argument } from "../../wire/messages.ts";

/** Why what was typed is no value of its argument. */
export type Mistake = "missing" | "noNumber" | "unclear" | "noInteger" | "outOfRange" | "tooLong" | "unprintable";

export type Read = { value: NonNullable<Value> } | { mistake: Mistake };

const LONGEST_TEXT = 1024; // the agent takes no more
const NUMBER = /^[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d{1,3})?$/;
// 1.500 is one thousand five hundred to some and one and a half to others; 0.500 is not, for nobody groups like that.
const GROUPED = /^[+-]?[1-9]\d{0,2}([.,])\d{3}$/;
// Whatever Python's isprintable() refuses, as the agent does: a line end within would be a second command.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

export function readArgument(argument: Argument, typed: string, decimal: string): Read {
  if (argument.type === "text") return readText(argument, typed);
  if (typed.trim() === "") return { mistake: "missing" };
  switch (argument.type) {
    case "number":
    case "integer":
      return inRange(argument, readNumber(typed, decimal));
    case "boolean":
      return { value: typed === "true" };
    default:
      return argument.choices.includes(typed) ? { value: typed } : { mistake: "missing" };
  }
}

/** A number with the reader's decimal sign, or the other one where it cannot be taken for thousands. */
export function readNumber(typed: string, decimal: string): Read {
  const plain = typed.trim().replace("\u2212", "-");
  if (!NUMBER.test(plain)) return { mistake: "noNumber" };
  const grouped = GROUPED.exec(plain)?.[1];
  if (grouped !== undefined && grouped !== decimal) return { mistake: "unclear" };
  const value = Number(plain.replace(",", "."));
  return Number.isFinite(value) ? { value } : { mistake: "noNumber" };
}

function inRange({ type, minimum, maximum }: Argument, read: Read): Read {
  if ("mistake" in read) return read;
  const value = read.value as number;
  if (type === "integer" && !Number.isSafeInteger(value)) return { mistake: "noInteger" };
  const isIn = (minimum === null || value >= minimum) && (maximum === null || value <= maximum);
  return isIn ? read : { mistake: "outOfRange" };
}

/** An empty one is meant only where it need not be given. */
function readText(argument: Argument, typed: string): Read {
  if (typed === "" && argument.default === null) return { mistake: "missing" };
  if (UNPRINTABLE.test(typed)) return { mistake: "unprintable" };
  return [...typed].length > LONGEST_TEXT ? { mistake: "tooLong" } : { value: typed };
}

/** What stands in the field before anybody types. */
export function typedDefault(argument: Argument, decimal: string): string {
  const value = argument.default;
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? String(value).replace(".", decimal) : String(value);
}

/** All that was typed for a command, by the arguments' names. */
export function readArguments(described: readonly Argument[], typed: Record<string, string>, decimal: string) {
  const values: Record<string, NonNullable<Value>> = {};
  const mistakes: Record<string, Mistake> = {};
  for (const argument of described) {
    const read = readArgument(argument, typed[argument.name] ?? "", decimal);
    if ("value" in read) values[argument.name] = read.value;
    else mistakes[argument.name] = read.mistake;
  }
  return { values, mistakes };
}

export function typedDefaults(described: readonly Argument[], decimal: string): Record<string, string> {
  return Object.fromEntries(described.map((argument) => [argument.name, typedDefault(argument, decimal)]));
}

/** The decimal sign of a locale. */
export function decimalSign(locale: string): string {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5);
  return parts.find((part) => part.type === "decimal")?.value ?? ".";
}
