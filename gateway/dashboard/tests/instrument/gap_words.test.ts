import assert from "node:assert/strict";
import { test } from "node:test";
import { gapInWords, gapOfNow, reasonInWords } from "../../src/instrument/gap_words.ts";
import { setLanguage } from "../../src/words/language.ts";

const NOW_MS = 1_790_000_000_000;
const gap = (reason: string) => ({
  ...{ since: (NOW_MS - 90_000) * 1000, until: (NOW_MS - 30_000) * 1000, reason, detail: "" },
  ...{ epoch: null, first: null, last: null },
});

test("a gap tells when, how long and why", () => {
  assert.match(gapInWords(gap("port lost"), NOW_MS), /1\u00a0min: the port was lost/);
  assert.match(
    gapInWords({ ...gap("agent off"), until: null }, NOW_MS),
    /still lasts, 1\u00a0min: the agent was stopped/,
  );
});

test("a reason that nobody told is not invented, and one that is new is shown as it came", () => {
  assert.equal(reasonInWords(gap("")), "reason not known yet: it may still come");
  assert.equal(reasonInWords({ ...gap("eaten by mice"), detail: "three" }), "eaten by mice (three)");
});

test("in German too", () => {
  setLanguage("de");
  assert.match(gapInWords(gap("agent off"), NOW_MS), /der Agent war abgeschaltet/);
  setLanguage("en");
});

test("an instrument that measures has no gap now, one that is silent has since its newest sample", () => {
  assert.equal(gapOfNow("connected", null, 5), null);
  assert.deepEqual(gapOfNow("silent", { state: "silent", since: 9, reason: "no answer" }, 5), {
    ...{ since: 5, until: null, reason: "state silent", detail: "no answer", epoch: null, first: null, last: null },
  });
  assert.equal(gapOfNow("offline", null, 0), null);
});
