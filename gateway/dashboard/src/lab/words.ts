// States and alarms in words, which every view says alike.

import type { Alarm, State } from "../wire/messages.ts";
import { inBoth } from "../words/language.ts";
import { formatNumber } from "../words/numbers.ts";
import type { Condition } from "./condition.ts";

/** What the shipped profiles say of a value; one's own may say anything. */
const QUALITIES = new Map([
  ["unstable", "instabil"],
  ["overload", "Überlast"],
  ["overloaded", "überlastet"],
  ["underload", "Unterlast"],
  ["adjusting", "wird justiert"],
  ["invalid", "ungültig"],
  ["error", "Fehler"],
  ["no value", "kein Wert"],
]);

export const labWords = inBoth(
  {
    connected: "live",
    searching: "searching for it: is it plugged in?",
    silent: "silent: is it switched on?",
    error: "error",
    offline: "offline: its agent is not connected",
    unknown: "nothing heard of it yet",
    lost: "connection lost",
    alarm: "Alarm",
    warning: "Warning",
    lastKnown: (level: string) => `Last known: ${level}`,
    high: "too high",
    low: "too low",
    rise: "rises too fast",
    fall: "falls too fast",
    nothingFor: (seconds: string) => `nothing good for ${seconds} s`,
    limit: (limit: string) => `limit ${limit}`,
    acknowledge: "Acknowledge",
    acknowledgedBy: (user: string) => `acknowledged by ${user}`,
    quality: (quality: string) => `quality: ${quality}`,
    lastValue: "last value",
    noValue: "no value yet",
  },
  {
    connected: "live",
    searching: "wird gesucht: ist es angesteckt?",
    silent: "stumm: ist es eingeschaltet?",
    error: "Fehler",
    offline: "offline: sein Agent ist nicht verbunden",
    unknown: "noch nichts von ihm gehört",
    lost: "Verbindung verloren",
    alarm: "Alarm",
    warning: "Warnung",
    lastKnown: (level: string) => `Zuletzt bekannt: ${level}`,
    high: "zu hoch",
    low: "zu niedrig",
    rise: "steigt zu schnell",
    fall: "fällt zu schnell",
    nothingFor: (seconds: string) => `seit ${seconds} s nichts Brauchbares`,
    limit: (limit: string) => `Grenze ${limit}`,
    acknowledge: "Quittieren",
    acknowledgedBy: (user: string) => `quittiert von ${user}`,
    quality: (quality: string) => `Qualität: ${QUALITIES.get(quality) ?? quality}`,
    lastValue: "letzter Wert",
    noValue: "noch kein Wert",
  },
);

/** A shape for each state, so that no colour is needed to tell them apart. */
export const SHAPES: Record<Condition, string> = {
  connected: "\u25cf",
  searching: "\u25cc",
  silent: "\u25d0",
  error: "\u25b2",
  offline: "\u25cb",
  unknown: "\u25cc",
  lost: "\u25cb",
};

export function conditionInWords(condition: Condition, state: State | null): string {
  const isOurs = condition === "offline" || condition === "lost"; // then its own reason is an old one
  const reason = !isOurs && state?.reason ? ` (${state.reason})` : "";
  return labWords.value[condition] + reason;
}

export function alarmInWords({ kind, channel, value, limit, unit, detail }: Alarm): string {
  const words = labWords.value;
  const of = channel ? `${channel}: ` : "";
  if (kind === "silence") return `${of}${words.nothingFor(formatNumber(limit))}${detail ? ` (${detail})` : ""}`;
  const withUnit = (number: number | null) => `${number === null ? "\u2013" : formatNumber(number)} ${unit}`.trim();
  return `${of}${words[kind]}, ${withUnit(value)} (${words.limit(withUnit(limit))})`;
}
