import assert from "node:assert/strict";
import { test } from "node:test";
import { group, kindOf, type Mark, type MarkKind, marksOf } from "../../src/instrument/marks.ts";
import { random } from "../random.ts";

const mark = (at: number, kind: MarkKind = "note"): Mark => ({
  id: `${kind} ${at}`,
  kind,
  at,
  what: {} as Mark["what"],
});

test("marks far from each other stand alone, near ones together", () => {
  const groups = group([mark(100), mark(0), mark(5), mark(9)], 10);
  assert.deepEqual(
    groups.map(({ at, marks }) => [at, marks.length]),
    [
      [0, 3],
      [100, 1],
    ],
  );
});

test("none is lost and no two groups hide each other", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const next = random(seed);
    const marks = Array.from({ length: 50 }, () => mark(Math.floor(next() * 1000)));
    const groups = group(marks, 20);
    assert.equal(groups.flatMap((one) => one.marks).length, 50);
    assert.ok(groups.every((one, at) => at === 0 || one.at - (groups[at - 1]?.at ?? 0) >= 20));
  }
});

test("a group looks like the most urgent of it", () => {
  assert.equal(kindOf({ id: "", at: 0, marks: [mark(1, "note"), mark(2, "alarm"), mark(3, "command")] }), "alarm");
});

test("a note that was withdrawn is no mark", () => {
  const note = { number: 1, instrument: "a/b", at: 5, until: null, text: "x", user: "anna", noted: 5 };
  const withdrawn = { user: "anna", time: 6, reason: "wrong" };
  const nothing = { entries: [], alarms: [], certificates: [] };
  assert.equal(marksOf({ ...nothing, notes: [{ ...note, withdrawn: null }] }).length, 1);
  assert.equal(marksOf({ ...nothing, notes: [{ ...note, withdrawn }] }).length, 0);
});
