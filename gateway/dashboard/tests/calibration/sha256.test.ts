// SHA-256, against that of Node.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { sha256 } from "../../src/calibration/sha256.ts";

test("the hash of each length around the blocks is that of another program", () => {
  for (const length of [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 1_000_001]) {
    const content = Uint8Array.from({ length }, (_, at) => (at * 7919 + 13) % 251);
    assert.equal(sha256(content), createHash("sha256").update(content).digest("hex"), `${length} bytes`);
  }
});

test("a part of other bytes has the hash of its own", () => {
  const content = Uint8Array.from({ length: 300 }, (_, at) => at % 256);
  const part = content.subarray(3, 205);
  assert.equal(sha256(part), createHash("sha256").update(part).digest("hex"));
});
