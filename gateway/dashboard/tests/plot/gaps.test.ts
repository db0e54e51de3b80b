import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHole, type Gap, gapAt, merge, readGap, within } from "../../src/plot/gaps.ts";

const gap = (since: number, until: number | null, reason = "", numbers: Partial<Gap> = {}): Gap => ({
  since,
  until,
  reason,
  detail: "",
  epoch: null,
  first: null,
  last: null,
  ...numbers,
});

test("reads what a frame's record and what the history service tells", () => {
  const record = { kind: "gap", reason: "port lost", from: 5, to: 9, detail: "unplugged" };
  assert.deepEqual(readGap(record), { ...gap(5, 9, "port lost"), detail: "unplugged" });
  const answer = { since: 5, until: null, reason: "", epoch: 1, first: 2, last: 3, detail: "" };
  assert.deepEqual(readGap(answer), gap(5, null, "", { epoch: 1, first: 2, last: 3 }));
});

test("a record that tells no time is no gap to draw", () => {
  assert.equal(readGap({ kind: "gap", reason: "spool full", epoch: 1, first: 2, last: 3 }), null);
  assert.equal(readGap({ kind: "gap", reason: "port lost", from: "5" }), null);
});

test("a hole in live numbers is the gap that the log explains", () => {
  const hole = fromHole({ epoch: 1, first: 7, last: 8, since: 69, until: 90 });
  const told = gap(69, 90, "spool full", { epoch: 1, first: 7, last: 8 });
  assert.deepEqual(merge([hole], [told]), [told]);
  assert.deepEqual(merge([told], [hole]), [told]);
});

test("a gap that lasted and has ended is one", () => {
  const lasting = gap(100, null, "port lost");
  const ended = gap(100, 200, "port lost");
  assert.deepEqual(merge([lasting], [ended]), [ended]);
  assert.deepEqual(merge([ended], [lasting]), [ended]);
});

test("holes of different runs and gaps of different times stay what they are, the oldest first", () => {
  const gaps = [
    gap(50, 60, "port lost"),
    gap(10, 20, "", { epoch: 1, first: 1, last: 2 }),
    gap(10, 30, "", { epoch: 2, first: 1, last: 2 }),
  ];
  assert.deepEqual(
    merge(gaps).map(({ since, epoch }) => [since, epoch]),
    [
      [10, 1],
      [10, 2],
      [50, null],
    ],
  );
});

test("one that lasts reaches to now", () => {
  const lasting = gap(100, null, "instrument silent");
  assert.deepEqual(within([lasting], 500, 600, 700), [lasting]);
  assert.deepEqual(within([lasting], 0, 100, 700), []);
  assert.equal(gapAt([lasting], 650, 700), lasting);
  assert.equal(gapAt([lasting], 50, 700), null);
});

test("where several are, the one with a reason is told", () => {
  const [unknown, told] = [gap(10, 20), gap(5, 40, "agent off")];
  assert.equal(gapAt([unknown, told], 15, 100), told);
});
