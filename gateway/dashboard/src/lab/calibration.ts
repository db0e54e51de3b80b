// What holds of an instrument by its last certificate: as it came on `<agent>/<instrument>/calibration` -> a reading
// corrected, with U. The same rule as kleinmaelzung_wire/calibrations.py. Pure.

import { isMap, listOf, mapsOf, numberOf, type Told, textOf } from "../wire/told.ts";

export interface Points {
  kind: "points";
  indication: number[];
  correction: number[];
  U: number[];
  k: number[];
}

export interface Curve {
  kind: "curve";
  origin: number;
  coefficients: number[];
  covariance: number[][];
  u_common: number;
}

export interface Measurand {
  name: string;
  channel: string;
  unit: string;
  low: number;
  high: number;
  k: number;
  correction: Points | Curve | null;
  reason: string;
}

export interface Calibration {
  certificate: string;
  revision: number;
  issued: number;
  due: string;
  verdict: string;
  is_simulated: boolean;
  measurands: Measurand[];
}

export interface Corrected {
  value: number;
  U: number;
  k: number;
  unit: string;
}

/** none: the certificate has no correction, and `said` may tell why. large: its correction is too large a number. */
export interface Uncorrected {
  why: "none" | "number" | "quality" | "unit" | "outside" | "large";
  said: string;
}

/** null: it says nothing that is understood; then nothing is corrected by it. */
export function readCalibration(told: Told): Calibration | null {
  const [certificate, revision] = [textOf(told.certificate), numberOf(told.revision)];
  const measurands = mapsOf(told.measurands).map(readMeasurand);
  if (certificate === "" || revision === null || measurands.includes(null)) return null;
  return {
    certificate,
    revision,
    issued: numberOf(told.issued) ?? 0,
    due: /^\d{4}-\d\d-\d\d$/.test(textOf(told.due)) ? textOf(told.due) : "",
    verdict: textOf(told.verdict),
    is_simulated: told.is_simulated === true,
    measurands: measurands.filter((one) => one !== null),
  };
}

function readMeasurand(told: Told): Measurand | null {
  const [low, high, k] = numbers([told.low, told.high, told.k]) ?? [];
  if (low === undefined || high === undefined || k === undefined || low > high || k <= 0) return null;
  const correction = isMap(told.correction) ? readCorrection(told.correction) : null;
  const [name, channel, unit] = [textOf(told.name), textOf(told.channel), textOf(told.unit)];
  return correction === "wrong" ? null : { name, channel, unit, low, high, k, correction, reason: textOf(told.reason) };
}

/** null: of a kind of a later version. */
function readCorrection(told: Told): Points | Curve | null | "wrong" {
  if (told.kind === "points") {
    const [indication, correction, U, k] = [told.indication, told.correction, told.U, told.k].map(numbers);
    if (!indication || !correction || !U || !k || indication.length === 0) return "wrong";
    const isEven = [correction, U, k].every((one) => one.length === indication.length);
    const rises = indication.every((one, at) => at === 0 || one > (indication[at - 1] as number));
    if (!isEven || !rises || U.some((one) => one < 0) || k.some((one) => one <= 0)) return "wrong";
    return { kind: "points", indication, correction, U, k };
  }
  if (told.kind !== "curve") return null;
  const [coefficients, terms] = [numbers(told.coefficients), numbers([told.origin, told.u_common])];
  const covariance = listOf(told.covariance).map(numbers);
  const count = coefficients?.length ?? 0;
  const fits = covariance.length === count && covariance.every((row) => row?.length === count);
  if (!coefficients || !terms || count === 0 || !fits || (terms[1] as number) < 0) return "wrong";
  const [origin = 0, common = 0] = terms;
  return { kind: "curve", origin, coefficients, covariance: covariance as number[][], u_common: common };
}

function numbers(told: unknown): number[] | null {
  const found = Array.isArray(told) ? told.map(numberOf) : [null];
  return found.includes(null) ? null : (found as number[]);
}

/** What was calibrated of a stream. */
export function measurandOf(calibration: Calibration | null, channel: string): Measurand | undefined {
  return calibration?.measurands.find((one) => channel !== "" && one.channel === channel);
}

/** Whether the day on which it is due is over, by UTC. */
export function isOverdue(due: string, nowMs: number): boolean {
  return due !== "" && new Date(nowMs).toISOString().slice(0, 10) > due;
}

export function corrected(
  measurand: Measurand,
  value: unknown,
  unit: string,
  quality = "good",
): Corrected | Uncorrected {
  const no = (why: Uncorrected["why"], said = ""): Uncorrected => ({ why, said });
  if (measurand.correction === null) return no("none", measurand.reason);
  if (typeof value !== "number" || !Number.isFinite(value)) return no("number");
  if (quality !== "good") return no("quality", quality);
  if (spelt(unit) !== spelt(measurand.unit)) return no("unit", measurand.unit);
  if (value < measurand.low || value > measurand.high) return no("outside");
  const [correction, U, k] = at(measurand, measurand.correction, value);
  const found = Number((value + correction).toPrecision(14)); // 50.001, and no ...0000001
  return Number.isFinite(found + U) ? { value: found, U, k, unit } : no("large");
}

type Found = [correction: number, U: number, k: number];

function at(measurand: Measurand, rule: Points | Curve, reading: number): Found {
  return rule.kind === "points" ? atPoints(rule, reading) : atCurve(rule, reading, measurand.k);
}

function atPoints({ indication, correction, U, k }: Points, reading: number): Found {
  const found = (at: number): Found => [correction[at] as number, U[at] as number, k[at] as number];
  const above = indication.findIndex((one) => one >= reading);
  if (above <= 0) return found(above === 0 ? 0 : indication.length - 1);
  if (reading >= (indication.at(-1) as number)) return found(indication.length - 1);
  const [below, next] = [found(above - 1), found(above)];
  const [low, high] = [indication[above - 1] as number, indication[above] as number];
  const share = (reading - low) / (high - low);
  const isNext = next[1] > below[1] || (next[1] === below[1] && next[2] > below[2]);
  const [, ofU, ofK] = isNext ? next : below;
  return [below[0] * (1 - share) + next[0] * share, ofU, ofK];
}

function atCurve({ origin, coefficients, covariance, u_common: common }: Curve, reading: number, k: number): Found {
  const powers = coefficients.map((_, power) => (reading - origin) ** power);
  const sum = (terms: number[]) => terms.reduce((all, one) => all + one, 0);
  const weighed = (factors: number[]) => sum(factors.map((one, at) => one * (powers[at] as number)));
  const variance = weighed(covariance.map(weighed));
  return [weighed(coefficients), k * Math.sqrt(Math.max(0, variance) + common ** 2), k];
}

// How instruments and templates spell the same unit.
const SPELLINGS: [RegExp, string][] = [
  [/\u00b0/g, "deg"],
  [/\u2103/g, "degC"],
  [/[\u00b5\u03bc]/g, "u"],
  [/[\u03a9\u2126]/g, "Ohm"],
];

/** A unit letter by letter, so that °C and degC are the same. */
export function spelt(unit: string): string {
  return SPELLINGS.reduce((text, [other, ours]) => text.replace(other, ours), unit);
}
