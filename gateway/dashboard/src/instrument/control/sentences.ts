// Ranges, values and reasons in words.

import type { Value } from "../../wire/frames.ts";
import type { Argument, CommandDescription } from "../../wire/messages.ts";
import { formatNumber, formatValue } from "../../words/numbers.ts";
import type { Barrier } from "./barrier.ts";
import { titleOf, unitOf } from "./commands.ts";
import { plainValue } from "./entries.ts";
import type { Holding } from "./lease.ts";
import { controlWords } from "./words.ts";

const NBSP = "\u00a0";

/** What an argument may be: `0 to 120 °C`. */
export function rangeInWords({ type, unit, minimum, maximum }: Argument): string {
  const words = controlWords.value;
  if (type !== "number" && type !== "integer") return "";
  const suffix = unit === "" ? "" : NBSP + unit;
  const range = limitsInWords(minimum, maximum, suffix);
  if (type === "integer") return range === "" ? words.wholeNumber + withIn(suffix) : words.whole(range);
  return range === "" ? words.aNumber + withIn(suffix) : range;
}

function limitsInWords(minimum: number | null, maximum: number | null, suffix: string): string {
  const words = controlWords.value;
  if (minimum !== null && maximum !== null) return words.between(formatNumber(minimum), formatNumber(maximum), suffix);
  if (minimum !== null) return words.atLeast(formatNumber(minimum), suffix);
  return maximum === null ? "" : words.atMost(formatNumber(maximum), suffix);
}

function withIn(suffix: string): string {
  return suffix === "" ? "" : `,${suffix}`;
}

/** `21.5 °C`, of an argument or a reply. */
export function valueInWords(value: unknown, unit: string): string {
  const plain: Value = plainValue(value);
  return formatValue(plain) + (unit === "" || plain === null ? "" : NBSP + unit);
}

/** `temperature = 250 °C, minutes = 10 min`; those of `_arm` as they belong to the command that is announced. */
export function argumentsInWords(
  given: Record<string, unknown>,
  name: string,
  commands: readonly CommandDescription[],
): string {
  const { of, its } = announced(given, name);
  const described = commands.find((command) => command.name === of)?.arguments ?? [];
  const listed = Object.entries(its).map(([key, value]) => `${key} = ${valueInWords(value, unitOf(described, key))}`);
  return (of === name ? [] : [of]).concat(listed).join(", ");
}

function announced(given: Record<string, unknown>, name: string): { of: string; its: Record<string, unknown> } {
  if (name !== "_arm" || typeof given.name !== "string") return { of: name, its: given };
  const its = given.arguments;
  const isMap = its !== null && typeof its === "object" && !Array.isArray(its);
  return { of: given.name, its: isMap ? (its as Record<string, unknown>) : {} };
}

/** What a command is called: its label, or for the agent's own what it does. */
export function commandInWords(name: string, commands: readonly CommandDescription[]): string {
  const described = commands.find((command) => command.name === name);
  return described === undefined ? (controlWords.value.own[name] ?? name) : titleOf(described);
}

export function barrierInWords(barrier: Barrier, holding: Holding): string {
  if (barrier === "other" && holding.by === "other") return controlWords.value.heldBy(holding.user);
  return controlWords.value.barriers[barrier];
}

/** How long something took at the agent: `85 ms`, `1.25 s`. */
export function tookInWords(us: number): string {
  if (us < 999_500) return `${formatNumber(us / 1000, us < 10_000 ? 1 : 0)}${NBSP}ms`;
  return `${formatNumber(us / 1_000_000, us < 10_000_000 ? 2 : 1)}${NBSP}s`;
}
