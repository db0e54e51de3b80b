import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, type Pulse, TICK_MS, waitBefore } from "../../src/wire/pulse.ts";

const START = 1_000_000;
const WELCOME: Pulse = { openedAt: START, isWelcome: true, heardAt: START, askedAt: null, tickedAt: START };

/** When a connection on which nothing comes any more is given up, in ms after the last word. */
function givenUpAfter(answers: boolean): number | null {
  const pulse = { ...WELCOME };
  for (let now = START; now < START + 60_000; now += TICK_MS) {
    const verdict = judge(pulse, now, true);
    pulse.tickedAt = now;
    if (verdict === "give-up") return now - START;
    if (verdict === "ask") pulse.askedAt = now;
    if (answers && pulse.askedAt !== null) [pulse.heardAt, pulse.askedAt] = [now, null];
  }
  return null;
}

test("a network that went silent without a word is noticed within 7 s", () => {
  const after = givenUpAfter(false);
  assert.ok(after !== null && after <= 7000, `${after}`);
});

test("a server that has nothing to say but answers is kept", () => {
  assert.equal(givenUpAfter(true), null);
});

test("while messages come nothing is asked", () => {
  assert.equal(judge({ ...WELCOME, heardAt: START + 9500, tickedAt: START + 9500 }, START + 10_000, true), "wait");
});

test("after the machine slept the connection is given up at once", () => {
  assert.equal(judge(WELCOME, START + 3_600_000, true), "give-up");
});

test("a page in the background, which ticks once a minute, is asked instead", () => {
  assert.equal(judge(WELCOME, START + 60_000, false), "ask");
  assert.equal(judge({ ...WELCOME, heardAt: START + 59_000 }, START + 60_000, true), "wait");
});

test("a connection that never begins is given up, but not while a wrong password has to wait", () => {
  const opening = { ...WELCOME, isWelcome: false };
  assert.equal(judge(opening, START + 10_000, true), "wait");
  assert.equal(judge(opening, START + 12_500, true), "give-up");
});

test("each attempt waits longer, never more than 2 s, and not all at the same moment", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 50].map((attempt) => waitBefore(attempt, 1)),
    [800, 1300, 2000, 2000, 2000],
  );
  assert.equal(waitBefore(50, 0), 300);
});
