import assert from "node:assert/strict";
import { test } from "node:test";
import { barrierToAgent, barrierToCommand, type Standpoint } from "../../../src/instrument/control/barrier.ts";
import { countdown, type Holding, holdingOf } from "../../../src/instrument/control/lease.ts";

const free: Standpoint = {
  condition: "connected",
  rights: { role: "operator", instruments: ["pi-1/+"] },
  instrument: "pi-1/oven",
  holding: { by: "nobody" },
};
const held = (by: "here" | "elsewhere" | "other"): Holding => ({ by, user: "anna", untilUs: 0, leftMs: 1 });

test("who may command what is live can send, also who holds it", () => {
  assert.equal(barrierToCommand(free), null);
  assert.equal(barrierToCommand({ ...free, holding: held("here") }), null);
  assert.equal(barrierToCommand({ ...free, rights: null }), null);
});

test("each thing that stands in the way has its word, what is nearest to the reader first", () => {
  const observer = { role: "observer", instruments: ["+/+"] };
  assert.equal(barrierToCommand({ ...free, condition: "lost" }), "lost");
  assert.equal(barrierToCommand({ ...free, rights: { role: "public", instruments: [] } }), "public");
  assert.equal(barrierToCommand({ ...free, rights: observer }), "role");
  assert.equal(barrierToCommand({ ...free, rights: undefined }), "role");
  assert.equal(barrierToCommand({ ...free, instrument: "pi-2/oven" }), "role");
  assert.equal(barrierToCommand({ ...free, condition: "offline", holding: held("other") }), "offline");
  assert.equal(barrierToCommand({ ...free, holding: held("other") }), "other");
  assert.equal(barrierToCommand({ ...free, holding: held("elsewhere") }), "elsewhere");
  for (const condition of ["silent", "searching", "error", "unknown"] as const) {
    assert.equal(barrierToCommand({ ...free, condition }), "notLive");
  }
});

test("the safe command is tried also where the instrument is silent, but not where another holds it", () => {
  assert.equal(barrierToCommand({ ...free, condition: "silent" }, true), null);
  assert.equal(barrierToCommand({ ...free, condition: "silent", holding: held("other") }, true), "other");
  assert.equal(barrierToCommand({ ...free, condition: "offline" }, true), "offline");
});

test("control can be asked for whatever the instrument does", () => {
  assert.equal(barrierToAgent({ ...free, condition: "silent" }), null);
  assert.equal(barrierToAgent({ ...free, condition: "offline" }), "offline");
});

test("who holds it is told by user and session, and nobody when the time is up", () => {
  const control = { user: "anna", session: "s1", since: 0, until: 10_000_000 };
  const by = (own: { user: string; session: string } | null, nowMs = 9_000) => holdingOf(control, own, nowMs).by;
  assert.equal(by({ user: "anna", session: "s1" }), "here");
  assert.equal(by({ user: "anna", session: "s2" }), "elsewhere");
  assert.equal(by({ user: "otto", session: "s1" }), "other");
  assert.equal(by(null), "other");
  assert.equal(by({ user: "otto", session: "s1" }, 10_000), "nobody");
  assert.equal(holdingOf({ user: "", session: "", since: 0, until: 0 }, null, 0).by, "nobody");
  assert.equal(holdingOf(null, null, 0).by, "nobody");
});

test("a lease runs down like a clock, and ends at nought", () => {
  assert.equal(countdown(600_000), "10:00");
  assert.equal(countdown(598_100), "9:59");
  assert.equal(countdown(3_600_000), "1:00:00");
  assert.equal(countdown(-5), "0:00");
});
