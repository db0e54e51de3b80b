import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import {
  type Completeness,
  find,
  lacks,
  patternsOf,
  percentInWords,
  reasonInWords,
  summary,
  timeInWords,
  verdictOf,
} from "../../src/health/completeness.ts";
import { language } from "../../src/words/language.ts";

afterEach(() => {
  language.value = "en";
});

function counted(told: Partial<Completeness>): Completeness {
  const lists = { runs: [], ranges: [], gaps: [], more_runs: 0, more_ranges: 0, more_gaps: 0 };
  const numbers = { expected: 812, received: 812, missing: 0, explained: 0, quarantined: 0, conflicts: 0 };
  return { instrument: "pi-1/balance", percent: 100, ...numbers, ...lists, ...told };
}

const GAP = { since: 1_800_000_000_000_000, until: null, reason: "port lost", detail: "" };

test("what is complete is said to be, in both languages", () => {
  assert.equal(summary(counted({})), "812 of 812, no gap");
  assert.equal(summary(counted({ expected: 0, received: 0 })), "nothing recorded");
  assert.equal(summary(counted({ gaps: [GAP] })), "812 of 812, one pause in which nothing was taken");
  assert.equal(summary(counted({ received: 800, missing: 12 })), "800 of 812");
  language.value = "de";
  assert.equal(summary(counted({})), "812 von 812, keine Lücke");
  assert.equal(summary(counted({ expected: 4812, received: 4812 })), "4.812 von 4.812, keine Lücke");
});

test("what is missing is told apart: with a known reason, still under way, without a reason", () => {
  const some = counted({ received: 800, missing: 12, explained: 10 });
  assert.deepEqual(lacks(some, false), ["10 missing with a known reason", "2 missing, and nobody has said why"]);
  assert.deepEqual(lacks(some, true), [
    "10 missing with a known reason",
    "2 missing, which may still come from its agent",
  ]);
  language.value = "de";
  assert.deepEqual(lacks(counted({ missing: 1 }), true), ["1 fehlt und kann noch vom Agenten kommen"]);
});

test("the verdict is lacking only where nothing more is to be hoped for", () => {
  const some = counted({ received: 800, missing: 12, explained: 10 });
  assert.equal(verdictOf(some, false), "lacking");
  assert.equal(verdictOf(some, true), "waiting");
  assert.equal(verdictOf({ ...some, explained: 12 }, false), "explained");
  assert.equal(verdictOf(counted({}), true), "complete");
  assert.equal(verdictOf(counted({ conflicts: 1 }), true), "lacking");
  assert.equal(verdictOf(counted({ expected: 0, received: 0 }), false), "nothing");
});

test("percent is never rounded up", () => {
  assert.equal(percentInWords(99.999), "99.99\u00a0%");
  assert.equal(percentInWords(99.75), "99.75\u00a0%");
  assert.equal(percentInWords(100), "100\u00a0%");
  assert.equal(percentInWords(null), "\u2013");
});

test("reasons are said in the reader's words, strange ones as they are", () => {
  assert.notEqual(reasonInWords("port lost", ""), "port lost");
  assert.equal(reasonInWords("<b>", "odd"), "<b> (odd)");
  assert.equal(reasonInWords("", ""), "reason not known yet");
  assert.match(timeInWords(GAP, 0), /^since /);
  assert.equal(timeInWords({ ...GAP, since: null }, 0), "at an unknown time");
});

test("it is asked page by page, pattern by pattern, and each instrument is told once", async () => {
  const asked: unknown[] = [];
  const names = { "pi-1/+": ["pi-1/a", "pi-1/b", "pi-1/c"], "pi-1/b": ["pi-1/b"], "pi-9/+": [] };
  const ask = async (body: Record<string, unknown>) => {
    asked.push([body.instrument, body.after]);
    const all = names[body.instrument as keyof typeof names];
    if (all.length === 0) throw new Error("nothing is known of pi-9");
    const rest = all.filter((name) => name > String(body.after ?? ""));
    return { instruments: rest.slice(0, 2).map((instrument) => counted({ instrument })), more: rest.length > 2 };
  };
  const found = await find(ask, Object.keys(names), 7, () => true);
  assert.deepEqual(
    found.map(({ instrument }) => instrument),
    ["pi-1/a", "pi-1/b", "pi-1/c"],
  );
  assert.deepEqual(asked, [
    ["pi-1/+", null],
    ["pi-1/+", "pi-1/b"],
    ["pi-1/b", null],
    ["pi-9/+", null],
  ]);
  await assert.rejects(find(ask, ["pi-9/+"], null, () => false));
});

test("who is granted a part asks for that part", () => {
  assert.deepEqual(patternsOf({ role: "operator", instruments: ["pi-1/+", "pi-2/kiln"] }), ["pi-1/+", "pi-2/kiln"]);
  assert.deepEqual(patternsOf({ role: "admin", instruments: ["+/+", "pi-1/+"] }), ["+/+"]);
  assert.deepEqual(patternsOf(null), ["+/+"]);
  assert.deepEqual(patternsOf(undefined), []);
});
