// Bytes that went through a port, as people read them; and what they type, as bytes. Pure.

const NAMED: Record<number, string> = { 9: "\u2409", 10: "\u240a", 13: "\u240d" };
/** What these are called, where a font cannot draw them. */
export const LINE_ENDS: Record<string, string> = { "\u2409": "TAB", "\u240a": "LF", "\u240d": "CR" };
const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|[rnt0e\\])/g;
const MOST_RAW = 1024; // the agent sends no more at once

/** Printable ASCII as it is, line ends as ␍␊, all else as \x02; a backslash is doubled, so that nothing is said twice. */
export function shownBytes(bytes: Uint8Array): string {
  return Array.from(bytes, shownByte).join("");
}

function shownByte(byte: number): string {
  if (byte === 0x5c) return "\\\\";
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return NAMED[byte] ?? `\\x${hexByte(byte)}`;
}

/** `54 0d 0a`. */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, hexByte).join(" ");
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** Why the agent would not send this; null where it would. */
export type RawMistake = "empty" | "noHex" | "noEscape" | "control" | "tooMany";

export function rawMistake(kind: "text" | "hex", typed: string): RawMistake | null {
  if (typed.trim() === "") return "empty";
  if (kind === "hex") return hexMistake(typed);
  const rest = typed.replace(ESCAPE, "");
  if (rest.includes("\\")) return "noEscape";
  if (/\p{Cc}/u.test(rest)) return "control";
  return typed.replace(ESCAPE, ".").length > MOST_RAW ? "tooMany" : null;
}

function hexMistake(typed: string): RawMistake | null {
  if (!/^\s*(?:[0-9a-fA-F]{2}\s*)+$/.test(typed)) return "noHex";
  return typed.replace(/\s/g, "").length / 2 > MOST_RAW ? "tooMany" : null;
}
