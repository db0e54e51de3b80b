// What the register holds of each kind, as a form has it: keys, and what is typed <-> content. Pure.

import { readNumber } from "../instrument/control/argument_values.ts";
import { isMap, mapsOf, textOf } from "../wire/told.ts";
import { calibrationWords } from "./words.ts";

type Kind = "text" | "date" | "number" | "tick" | "reviewer";

/** A key with a point is one of a map in it. */
export const KEYS: Record<string, Record<string, Kind>> = {
  laboratory: { name: "text", address: "text", contact: "text", country: "text", place: "text", reviewer: "reviewer" },
  item: {
    instrument_type: "text",
    maker: "text",
    model: "text",
    serial: "text",
    asset: "text",
    firmware: "text",
    location: "text",
    owner: "text",
    interval_months: "number",
    acceptance: "text",
    note: "text",
    is_simulated: "tick",
  },
  standard: {
    kind: "text",
    description: "text",
    maker: "text",
    serial: "text",
    accuracy_class: "text",
    unit: "text",
    "certificate.number": "text",
    "certificate.laboratory": "text",
    "certificate.calibrated": "date",
    "certificate.due": "date",
    instrument: "text",
    location: "text",
    interval_months: "number",
    note: "text",
  },
};

/** The tables of a standard: its columns; those of text are named. */
export const TABLES: Record<string, Record<string, string[]>> = {
  standard: { certified: ["low", "high", "correction", "U", "k", "mpe"], fields: ["name", "value", "unit"] },
};
const TEXTS = new Set(["name", "unit"]);

export function labelOf(key: string): string {
  const { keys } = calibrationWords.value;
  return key
    .split(".")
    .map((part) => keys[part] ?? part)
    .join(": ");
}

/** What stands in a field. */
export function typedOf(content: Record<string, unknown>, key: string, decimal: string): string {
  const [outer = "", inner] = key.split(".");
  const found = inner === undefined ? content[outer] : isMap(content[outer]) && content[outer][inner];
  if (typeof found === "number") return String(found).replace(".", decimal);
  return found === true ? "on" : textOf(found);
}

/** The rows of a table as they are typed. */
export function rowsOf(
  content: Record<string, unknown>,
  table: string,
  columns: string[],
  decimal: string,
): string[][] {
  return mapsOf(content[table]).map((row) => columns.map((column) => typedOf(row, column, decimal)));
}

/** What was typed for a kind -> its content, or what is no number. */
export function contentOf(kind: string, typed: Record<string, string>, decimal: string) {
  const mistakes: string[] = [];
  const number = (text: string, label: string) => {
    if (text.trim() === "") return null;
    const read = readNumber(text, decimal);
    if ("value" in read) return read.value;
    mistakes.push(calibrationWords.value.noNumber(label, text));
    return null;
  };
  const content: Record<string, unknown> = {};
  for (const [key, as] of Object.entries(KEYS[kind] ?? {})) {
    const text = typed[key] ?? "";
    const value = as === "number" ? number(text, labelOf(key)) : as === "tick" ? text !== "" : text.trim();
    const [outer = "", inner] = key.split(".");
    if (inner === undefined) content[outer] = value;
    else content[outer] = { ...(content[outer] as object | undefined), [inner]: value };
  }
  for (const [table, columns] of Object.entries(TABLES[kind] ?? {})) {
    content[table] = rowsTyped(typed, table, columns).map((row, at) =>
      Object.fromEntries(
        columns.map((column, place) => {
          const text = row[place] ?? "";
          const label = calibrationWords.value.rowOf(labelOf(column), at + 1);
          return [column, TEXTS.has(column) ? text.trim() : number(text, label)];
        }),
      ),
    );
  }
  return { content, mistakes };
}

/** Fields are called `certified/0/low`; a row of which all is empty is none. */
function rowsTyped(typed: Record<string, string>, table: string, columns: string[]): string[][] {
  const rows: string[][] = [];
  for (let at = 0; `${table}/${at}/${columns[0]}` in typed; at += 1) {
    rows.push(columns.map((column) => typed[`${table}/${at}/${column}`] ?? ""));
  }
  return rows.filter((row) => row.some((text) => text.trim() !== ""));
}
