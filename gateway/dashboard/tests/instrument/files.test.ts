import assert from "node:assert/strict";
import { test } from "node:test";
import { authorization, csvAddress, fileNameOf, pictureName } from "../../src/instrument/files.ts";
import { fromField, toField } from "../../src/instrument/moments.ts";

test("a file is asked for by whole microseconds and the channels that are shown, each once", () => {
  assert.equal(
    csvAddress("pi-1/balance", 1.7, 9.2, ["mass", "mass", "state"]),
    "history/pi-1/balance.csv?from=1&to=10&channels=mass%2Cstate",
  );
  assert.equal(csvAddress("a/b", 1, 2, [], 2000), "history/a/b.csv?from=1&to=2&points=2000");
});

test("name and password may be of any script", () => {
  const [kind, told] = authorization({ user: "anna", password: "Mälzerei ☕" }).split(" ");
  assert.equal(kind, "Basic");
  assert.equal(Buffer.from(told ?? "", "base64").toString("utf8"), "anna:Mälzerei ☕");
});

test("a file is called as the server says, and nothing else than a name is believed", () => {
  assert.equal(fileNameOf('attachment; filename="pi-1_balance.csv"', "pi-1/balance"), "pi-1_balance.csv");
  assert.equal(fileNameOf('attachment; filename="../x"', "pi-1/balance"), "pi-1_balance.csv");
  assert.equal(fileNameOf(null, "pi-1/balance"), "pi-1_balance.csv");
  assert.equal(pictureName("pi-1/balance", 1_790_000_000_000_000), "pi-1_balance_20260921T141320Z.png");
});

test("a moment in a field that nobody changed is the same to the microsecond", () => {
  const at = 1_790_000_000_123_456;
  assert.equal(fromField(toField(at), at), at);
  assert.equal(fromField(toField(at + 2_000_000), at), Math.floor((at + 2_000_000) / 1000) * 1000);
  assert.equal(fromField("", at), null);
  assert.equal(fromField("soon", at), null);
});
