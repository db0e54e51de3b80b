import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, type Chip, countChips, type Order, type Placed } from "../../src/overview/order.ts";

function placed(name: string, changes: Partial<Placed> = {}): Placed {
  const label = changes.label ?? name;
  return { name, label, condition: "connected", alarm: null, words: `${label}\n${name}`, ...changes };
}

function names(all: Placed[], search = "", chips: Chip[] = [], order: Order = "state"): string[] {
  return arrange(all, { search, chips: new Set(chips), order }).map((one) => one.name);
}

test("the worst comes first: alarms, warnings, then states in their order of urgency, then names", () => {
  const all = [
    placed("live-2"),
    placed("live-1"),
    placed("offline", { condition: "offline" }),
    placed("silent", { condition: "silent" }),
    placed("error", { condition: "error" }),
    placed("warned", { alarm: "warning" }),
    placed("alarmed", { alarm: "alarm" }),
  ];
  assert.deepEqual(names(all), ["alarmed", "warned", "error", "silent", "offline", "live-1", "live-2"]);
});

test("the last known alarm of an instrument that is offline does not put it first", () => {
  const all = [placed("away", { condition: "offline", alarm: "alarm" }), placed("error", { condition: "error" })];
  assert.deepEqual(names(all), ["error", "away"]);
});

test("by name numbers count as numbers, and the label comes before the name", () => {
  const all = [placed("b", { label: "Balance 10" }), placed("c", { label: "Balance 9" }), placed("a")];
  assert.deepEqual(names(all, "", [], "name"), ["a", "c", "b"]);
});

test("all words of a search must be there, in whatever case, with or without accents", () => {
  const all = [placed("pi-1/a", { label: "Öfen Nord" }), placed("pi-1/b", { label: "Öfen Süd" }), placed("pi-2/c")];
  assert.deepEqual(names(all, "OFEN sud"), ["pi-1/b"]);
  assert.deepEqual(names(all, "  pi-1 "), ["pi-1/a", "pi-1/b"]);
  assert.deepEqual(names(all, "no such thing"), []);
});

test("several chips show what has any of them, none shows all", () => {
  const all = [placed("a"), placed("b", { condition: "silent" }), placed("c", { alarm: "warning" })];
  assert.deepEqual(names(all, "", ["silent", "alarm"], "name"), ["b", "c"]);
  assert.deepEqual(names(all, "", [], "name"), ["a", "b", "c"]);
});

test("each chip says how many there are, and there is none for what there is none of", () => {
  const all = [placed("a"), placed("b", { alarm: "alarm" }), placed("c", { condition: "offline" })];
  assert.deepEqual(countChips(all), [
    ["alarm", 1],
    ["offline", 1],
    ["connected", 2],
  ]);
});
