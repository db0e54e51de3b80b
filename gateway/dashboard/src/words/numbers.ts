// Numbers, times and spans as the reader writes them.

import type { Value } from "../wire/frames.ts";
import { inBoth, locale } from "./language.ts";

const US = 1000; // µs in a ms
const MOST_DECIMALS = 9;

const spanWords = inBoth(
  { now: "now", ago: (span: string) => `${span} ago`, yes: "yes", no: "no" },
  { now: "jetzt", ago: (span: string) => `vor ${span}`, yes: "ja", no: "nein" },
);

const formats = new Map<string, Intl.NumberFormat>();

function format(decimals: number): Intl.NumberFormat {
  const key = `${locale.value} ${decimals}`;
  const known =
    formats.get(key) ??
    new Intl.NumberFormat(locale.value, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  formats.set(key, known);
  return known;
}

/** A number with so many decimals; very large and very small ones by a power of ten. */
export function formatNumber(value: number, decimals: number = decimalsOf(value)): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || (size < 1e-4 && decimals >= MOST_DECIMALS))) return scientific(value);
  return format(Math.min(decimals, MOST_DECIMALS)).format(value).replace("-", "\u2212");
}

function scientific(value: number): string {
  const [digits = "", power = "0"] = value.toExponential(5).split("e");
  return `${formatNumber(Number(digits))}\u2009\u00d7\u200910${superscript(power.replace("+", ""))}`;
}

const SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";

function superscript(power: string): string {
  return [...power].map((digit) => (digit === "-" ? "\u207b" : SUPERSCRIPTS[Number(digit)])).join("");
}

/** How many decimals a number needs: what an instrument sent as 12.50 comes as 12.5, so keep the most that was seen. */
export function decimalsOf(value: number): number {
  if (!Number.isFinite(value) || Number.isInteger(value)) return 0;
  const text = String(Number(value.toPrecision(12)));
  if (text.includes("e")) return MOST_DECIMALS;
  return Math.min(text.split(".")[1]?.length ?? 0, MOST_DECIMALS);
}

/** The decimals of an uncertainty of two digits: what it is said of needs no more. */
export function decimalsBy(uncertainty: number): number {
  if (!(uncertainty > 0)) return MOST_DECIMALS;
  return Math.min(Math.max(1 - Math.floor(Math.log10(uncertainty)), 0), MOST_DECIMALS);
}

/** Any value an instrument sends, without its unit. */
export function formatValue(value: Value | undefined, decimals?: number): string {
  if (value === null || value === undefined) return "\u2013";
  if (typeof value === "boolean") return value ? spanWords.value.yes : spanWords.value.no;
  return typeof value === "number" ? formatNumber(value, decimals) : value;
}

/** `since` ms ago: "now", "12 s ago", "3 min ago". */
export function formatAge(ageMs: number): string {
  const age = Math.max(ageMs, 0);
  return age < 2000 ? spanWords.value.now : spanWords.value.ago(formatSpan(age));
}

/** A span in its largest whole unit. */
export function formatSpan(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}\u00a0s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}\u00a0h`;
  return `${Math.floor(seconds / 86_400)}\u00a0d`;
}

const SIZES = ["B", "kB", "MB", "GB", "TB"];

/** Bytes in the unit people say. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), SIZES.length - 1);
  const scaled = bytes / 1000 ** power;
  return `${formatNumber(scaled, power === 0 || scaled >= 100 ? 0 : 1)}\u00a0${SIZES[power]}`;
}

/** A moment in µs as time of day, with the day where it is another one than now's; `precise` adds milliseconds. */
export function formatTime(us: number, nowMs: number, precise = false): string {
  const at = new Date(us / US);
  const time = at.toLocaleTimeString(
    locale.value,
    precise ? { fractionalSecondDigits: 3, hour: "2-digit", minute: "2-digit", second: "2-digit" } : {},
  );
  return at.toDateString() === new Date(nowMs).toDateString() ? time : `${formatDay(us)}, ${time}`;
}

export function formatDay(us: number): string {
  return new Date(us / US).toLocaleDateString(locale.value, { year: "numeric", month: "2-digit", day: "2-digit" });
}
