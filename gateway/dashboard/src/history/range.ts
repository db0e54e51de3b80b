// Which time is looked at: what the address says <-> from and to. Times and spans in µs.

/** Up to now, between two moments, or all there is. */
export type Range = { kind: "last"; span: number } | { kind: "fixed"; from: number; to: number } | { kind: "all" };

export interface Times {
  from: number;
  to: number;
}

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
const UNITS: Record<string, number> = { s: SECOND, min: 60 * SECOND, h: 3600 * SECOND, d: DAY, w: 7 * DAY };
export const SHORTEST_US = 20_000;
export const LONGEST_US = 100 * 365 * DAY;
/** The address' words for the usual ones. */
export const PRESETS = ["1h", "1d", "7d", "28d", "365d", "all"] as const;
export type Preset = (typeof PRESETS)[number];
const USUAL: Range = { kind: "last", span: DAY };

/** What from and to of an address mean; null for what means nothing. */
export function readRange(from: string, to: string): Range | null {
  if (from === "" && to === "") return USUAL;
  if (from === "all" && to === "") return { kind: "all" };
  const span = readSpan(from);
  if (span !== null && to === "") return { kind: "last", span };
  const [begin, end] = [readTime(from), readTime(to)];
  if (begin === null || end === null || !(begin < end) || end - begin > LONGEST_US) return null;
  return { kind: "fixed", from: begin, to: end };
}

export function writeRange(range: Range): { from: string; to: string } {
  if (range.kind === "all") return { from: "all", to: "" };
  if (range.kind === "last") return { from: writeSpan(range.span), to: "" };
  return { from: writeTime(range.from), to: writeTime(range.to) };
}

/** From when to when that is; `first` is the first sample's time, where it is known. */
export function timesOf(range: Range, now: number, first: number | null): Times | null {
  if (range.kind === "fixed") return { from: range.from, to: range.to };
  if (range.kind === "last") return { from: now - range.span, to: now };
  return first === null ? null : { from: Math.min(first, now - SHORTEST_US), to: now };
}

/** `factor` below 1 shows less; what is at `centre` stays where it is. */
export function zoom({ from, to }: Times, factor: number, centre: number, now: number): Range {
  const span = Math.min(Math.max((to - from) * factor, SHORTEST_US), LONGEST_US);
  const begin = centre - ((centre - from) / (to - from)) * span;
  return between(begin, begin + span, now);
}

/** Move by a share of what is shown. */
export function pan({ from, to }: Times, share: number, now: number): Range {
  const by = (to - from) * share;
  return between(from + by, to + by, now);
}

/** The time between two moments, in whichever order they come. */
export function select(one: number, other: number, now: number): Range {
  const [from, to] = one < other ? [one, other] : [other, one];
  const lacking = Math.max(SHORTEST_US - (to - from), 0) / 2;
  return between(from - lacking, to + lacking, now);
}

/** Of whole ms, as the address has them; nothing is to be seen in the future. */
function between(from: number, to: number, now: number): Range {
  const by = Math.max(to - now, 0);
  const whole = (time: number) => Math.round((time - by) / 1000) * 1000;
  return { kind: "fixed", from: Math.max(whole(from), 0), to: whole(to) };
}

function readSpan(text: string): number | null {
  const [, count, unit] = /^(\d{1,6})(s|min|h|d|w)$/.exec(text) ?? [];
  const span = Number(count) * (UNITS[unit ?? ""] ?? Number.NaN);
  return span > 0 && span <= LONGEST_US ? span : null;
}

function writeSpan(span: number): string {
  for (const unit of ["d", "h", "min"] as const) {
    const size = UNITS[unit] as number;
    if (span % size === 0) return `${span / size}${unit}`;
  }
  return `${Math.round(span / SECOND)}s`;
}

/** ISO 8601 with Z or an offset: what was sent to a colleague is the same moment there. */
function readTime(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms * 1000;
}

function writeTime(us: number): string {
  return new Date(us / 1000).toISOString().replace(".000Z", "Z");
}

/** As a field of the browser for date and time has it, in the reader's time zone. */
export function toField(us: number, hasSeconds: boolean): string {
  const at = new Date(Math.floor(us / 1000));
  const two = (number: number) => String(number).padStart(2, "0");
  const year = String(at.getFullYear()).padStart(4, "0");
  const day = `${year}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const minute = `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
  return hasSeconds ? `${minute}:${two(at.getSeconds())}` : minute;
}

export function fromField(text: string): number | null {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? null : ms * 1000;
}
