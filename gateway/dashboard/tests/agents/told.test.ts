import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { readConfiguration } from "../../src/agents/configuration.ts";
import { commandFor, isOnTheServer, leftInWords } from "../../src/agents/enrolling.ts";
import { answerInLines } from "../../src/agents/reload.ts";
import type { Reply } from "../../src/wire/messages.ts";
import { language } from "../../src/words/language.ts";

afterEach(() => {
  language.value = "en";
});

function said(result: Reply["result"], reason: string, values: Reply["values"]): string {
  return answerInLines({ result, reason, values }).join(" / ");
}

test("what becomes of a reload is said in plain words", () => {
  const done = { added: "", removed: "old,older", changed: "balance", unchanged: "", restarted: true };
  const lines = "Read again. / Removed: old, older / Changed: balance / The agent begins anew.";
  assert.equal(said("done", "", done), lines);
  assert.equal(said("done", "", { unchanged: "a,b" }), "Read again: nothing is different. / Unchanged: a, b");
  assert.equal(said("refused", "busy: too much is waiting", {}), "Refused: busy: too much is waiting");
  assert.equal(said("refused", "", { mistakes: "a\nb" }), "Refused, everything as before: / a / b");
  assert.equal(said("offline", "agent pi-1 is not connected", {}), "Nothing was reloaded: agent pi-1 is not connected");
  const open = "Whether it was reloaded is not known: timeout / It does no harm to reload it again.";
  assert.equal(said("timeout", "", {}), open);
  language.value = "de";
  assert.equal(said("done", "", { added: "x", unchanged: "y" }), "Neu gelesen. / Hinzugekommen: x / Unverändert: y");
});

test("how long a code is valid, and what to type", () => {
  assert.equal(leftInWords(899_001), "Valid for 15:00 min, once.");
  assert.equal(leftInWords(61_000), "Valid for 1:01 min, once.");
  assert.equal(leftInWords(0), "The code has expired: make another one.");
  assert.equal(
    commandFor("http://lab:8080", "pi-2"),
    "sudo kleinmaelzung-agent enrol --server http://lab:8080 --name pi-2",
  );
  assert.ok(isOnTheServer("127.0.0.1"));
  assert.ok(!isOnTheServer("lab"));
});

const TEXT = 'unit = "°C"\n'.repeat(20);

function agentWith(changesAt = Number.POSITIVE_INFINITY) {
  const content = new TextEncoder().encode(TEXT);
  return async (offset: number) => ({
    result: "done",
    reason: "",
    values: {
      piece: content.slice(offset, offset + 33),
      total: content.length,
      sha256: new Uint8Array([offset >= changesAt ? 2 : 1]),
    },
  });
}

test("a configuration is read piece by piece, also where a piece ends within a letter", async () => {
  assert.deepEqual(await readConfiguration(agentWith(), "changed"), { text: TEXT });
});

test("a configuration that changes while it is read is not shown", async () => {
  assert.deepEqual(await readConfiguration(agentWith(66), "changed"), { because: "changed" });
});

test("why a configuration cannot be read is told", async () => {
  const offline = async () => ({ result: "offline", reason: "agent pi-1 is not connected" });
  assert.deepEqual(await readConfiguration(offline, ""), { because: "agent pi-1 is not connected" });
});

test("an agent that never comes to an end is not followed", async () => {
  let asked = 0;
  const endless = async () => {
    asked += 1;
    return { result: "done", values: { piece: new Uint8Array(1), total: 10 ** 9, sha256: new Uint8Array() } };
  };
  await readConfiguration(endless, "");
  assert.equal(asked, 64);
});
