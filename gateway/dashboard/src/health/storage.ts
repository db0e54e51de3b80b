// A logger's answer to `storage` --> how large the database is and for how long its disk will do. Pure.

import { formatBytes, formatNumber } from "../words/numbers.ts";
import { broken, type Finding, ok, warning } from "./findings.ts";
import { foundWords } from "./found_words.ts";

export interface Storage {
  bytes: number;
  per_day: number | null;
  free: number | null;
  days: number | null;
  tables: { name: string; bytes: number; per_day: number | null; kept_days: number | null }[];
}

const FEW_DAYS = 30;
const NO_DAYS = 3;
const LITTLE_ROOM = 100_000_000;
const YEAR = 365;

export function storage(answer: Storage | null): Finding[] {
  if (answer === null) return [];
  const found = `${inWords(answer)}.`;
  const { free, days } = answer;
  if (free === null) return [ok("storage", found)];
  const remedy = foundWords.value.storageRemedy;
  if (days !== null && days < NO_DAYS) return [broken("storage", found, remedy)];
  const isShort = days === null ? free < LITTLE_ROOM : days < FEW_DAYS;
  return [isShort ? warning("storage", found, remedy) : ok("storage", found)];
}

/** `12 GB, growing by 35 MB a day; 90 GB are free, enough for 7 years` */
export function inWords({ bytes, per_day, free, days }: Storage): string {
  const words = foundWords.value;
  const growth = per_day === null ? words.tooNew : words.growing(formatBytes(per_day));
  const size = `${formatBytes(bytes)}, ${growth}`;
  if (free === null) return `${size}; ${words.roomNotKnown}`;
  const room = `${size}; ${words.free(formatBytes(free))}`;
  if (days !== null) return `${room}, ${words.enoughFor(daysInWords(days))}`;
  return per_day === null ? room : `${room}, ${words.enoughForAll}`;
}

export function daysInWords(days: number): string {
  const words = foundWords.value;
  if (days >= 2 * YEAR) return words.years(formatNumber(Math.floor(days / YEAR)));
  return words.days(formatNumber(days, days < 10 ? 1 : 0));
}
