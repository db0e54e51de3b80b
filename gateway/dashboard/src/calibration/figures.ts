// Numbers of a run as they are shown. Pure.

import { formatNumber } from "../words/numbers.ts";

/** degC is how templates write °C. */
export function spoken(unit: string): string {
  return unit.replace(/^deg/, "\u00b0");
}

/** With its unit; a dash where there is none. */
export function shown(value: number | null, unit = "", decimals?: number): string {
  return `${value === null ? "\u2013" : formatNumber(value, decimals)}\u00a0${spoken(unit)}`.trim();
}

/** With its sign, as errors are told, and no more digits than say something. */
export function signed(value: number | null, unit = ""): string {
  if (value === null) return "";
  const rounded = Number(value.toPrecision(3)) + 0;
  return `${rounded > 0 ? "+" : ""}${shown(rounded, unit)}`;
}

/** A number that the service wrote as a certificate does: its decimals are kept. */
export function localised(text: string): string {
  return text === "" ? "" : formatNumber(Number(text), text.split(".")[1]?.length ?? 0);
}

/** The name of a column of numbers. */
export function inUnit(name: string, unit: string): string {
  return unit ? `${name} / ${spoken(unit)}` : name;
}
