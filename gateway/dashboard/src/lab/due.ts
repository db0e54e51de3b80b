// When something is due, as words and a shape: a date as 2027-06-02, and the moment, in; nothing where it is far.

import { inBoth } from "../words/language.ts";
import { formatDay, formatNumber } from "../words/numbers.ts";
import { isOverdue, type Measurand, type Uncorrected } from "./calibration.ts";

const SOON_MS = 30 * 86_400_000;

export const dueWords = inBoth(
  {
    calibration: "Calibration",
    due: (day: string) => `due ${day}`,
    overdue: (day: string) => `overdue since ${day}`,
    corrected: "corrected",
    notCorrected: (why: string) => `not corrected: ${why}`,
    outside: (range: string) => `outside the calibrated range ${range}`,
    otherUnit: (unit: string) => `it was calibrated in ${unit}`,
    notGood: "only a good reading is corrected",
    noCorrection: "the certificate has no correction",
    specimen: "specimen",
  },
  {
    calibration: "Kalibrierung",
    due: (day: string) => `fällig am ${day}`,
    overdue: (day: string) => `überfällig seit ${day}`,
    corrected: "korrigiert",
    notCorrected: (why: string) => `nicht korrigiert: ${why}`,
    outside: (range: string) => `außerhalb des kalibrierten Bereichs ${range}`,
    otherUnit: (unit: string) => `kalibriert wurde in ${unit}`,
    notGood: "nur ein guter Wert wird korrigiert",
    noCorrection: "der Schein hat keine Korrektion",
    specimen: "Muster",
  },
);

export interface Due {
  level: "" | "soon" | "overdue";
  text: string;
}

export function dueOf(due: string, nowMs: number): Due {
  if (due === "") return { level: "", text: "" };
  const words = dueWords.value;
  if (isOverdue(due, nowMs)) return { level: "overdue", text: words.overdue(formatDate(due)) };
  return { level: isOverdue(due, nowMs + SOON_MS) ? "soon" : "", text: words.due(formatDate(due)) };
}

export const DUE_SHAPES = { "": "\u25cf", soon: "\u25c6", overdue: "\u25b2" };
export const DUE_TONES = { "": "is-good", soon: "is-warning", overdue: "is-alarm" };

/** A date as the reader writes it; at noon it is the same day everywhere. */
export function formatDate(date: string): string {
  const ms = Date.parse(`${date}T12:00:00`);
  return Number.isNaN(ms) ? date : formatDay(ms * 1000);
}

/** Why a reading is not corrected. */
export function notCorrected({ why, said }: Uncorrected, { low, high, unit }: Measurand): string {
  const words = dueWords.value;
  const range = `${formatNumber(low)} \u2026 ${formatNumber(high)} ${unit}`.trim();
  const reasons = {
    none: said || words.noCorrection,
    number: "",
    quality: words.notGood,
    unit: words.otherUnit(said),
    outside: words.outside(range),
    large: words.outside(range),
  };
  return why === "number" ? "" : words.notCorrected(reasons[why]);
}
