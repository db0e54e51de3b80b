import assert from "node:assert/strict";
import { test } from "node:test";
import { hexBytes, rawMistake, shownBytes } from "../../../src/instrument/control/bytes_shown.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

test("line ends are shown as signs, other control characters and high bytes as escapes", () => {
  assert.equal(shownBytes(bytes("T S   12.5 g\r\n")), "T S   12.5 g\u240d\u240a");
  assert.equal(shownBytes(bytes("\x02A\tB\x03\x7f\xb0C")), "\\x02A\u2409B\\x03\\x7f\\xb0C");
  assert.equal(shownBytes(bytes("<b>x</b>")), "<b>x</b>");
});

test("no two byte strings are shown alike", () => {
  assert.notEqual(shownBytes(bytes("\\x02")), shownBytes(bytes("\x02")));
  const shown = new Set(Array.from({ length: 256 }, (_, byte) => shownBytes(Uint8Array.of(byte))));
  assert.equal(shown.size, 256);
});

test("hex has two digits for each byte", () => {
  assert.equal(hexBytes(Uint8Array.of(0, 10, 255)), "00 0a ff");
});

test("raw bytes are checked as the agent does", () => {
  assert.equal(rawMistake("text", "T?\\r\\n\\x02\\\\ ä"), null);
  assert.equal(rawMistake("text", " "), "empty");
  assert.equal(rawMistake("text", "\\q"), "noEscape");
  assert.equal(rawMistake("text", "\\x0"), "noEscape");
  assert.equal(rawMistake("text", "\\\\\\"), "noEscape");
  assert.equal(rawMistake("text", "a\tb"), "control");
  assert.equal(rawMistake("text", "\\r".repeat(1024)), null);
  assert.equal(rawMistake("text", "\\r".repeat(1025)), "tooMany");
  assert.equal(rawMistake("hex", "54 3F0d 0a"), null);
  assert.equal(rawMistake("hex", "54 3"), "noHex");
  assert.equal(rawMistake("hex", "00".repeat(1025)), "tooMany");
});
