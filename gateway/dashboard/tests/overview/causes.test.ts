import assert from "node:assert/strict";
import { test } from "node:test";
import { causesOf, instrumentsOf, isShared, levelOf } from "../../src/overview/causes.ts";
import type { Alarm } from "../../src/wire/messages.ts";

function alarm(changes: Partial<Alarm> = {}): Alarm {
  const plain = {
    id: "1",
    channel: "temperature",
    kind: "high",
    level: "alarm",
    since: 10,
    value: 85,
    limit: 80,
  } as const;
  return { ...plain, unit: "°C", cause: "", detail: "", acknowledged: null, ...changes };
}

const at = (name: string, ...alarms: Alarm[]) => ({ name, agent: name.split("/")[0] ?? "", alarms });
const LOST = "port /dev/ttyUSB0 lost";

test("alarms of one cause at several instruments are one", () => {
  const causes = causesOf(
    [at("pi-1/oven", alarm({ cause: LOST })), at("pi-1/inlet", alarm({ cause: LOST })), at("pi-1/kiln", alarm())],
    [],
  );
  assert.deepEqual(
    causes.map((cause) => [cause.cause, instrumentsOf(cause), isShared(cause)]),
    [
      [LOST, ["pi-1/oven", "pi-1/inlet"], true],
      ["", ["pi-1/kiln"], false],
    ],
  );
});

test("alarms without a cause stand for themselves, also at one instrument", () => {
  assert.equal(causesOf([at("pi-1/oven", alarm({ id: "1" }), alarm({ id: "2" }))], []).length, 2);
});

test("the same cause at another agent is another one", () => {
  const causes = causesOf([at("pi-1/oven", alarm({ cause: LOST })), at("pi-2/oven", alarm({ cause: LOST }))], []);
  assert.equal(causes.length, 2);
  assert.equal(causes.some(isShared), false);
});

test("an agent that is away is one, with all that was last known of its instruments, or nothing", () => {
  const causes = causesOf([at("pi-2/oven", alarm({ cause: LOST })), at("pi-2/kiln", alarm())], ["pi-2", "pi-3"]);
  assert.deepEqual(
    causes.map((cause) => [cause.agent, cause.isOffline, cause.alarms.length, isShared(cause)]),
    [
      ["pi-2", true, 2, true],
      ["pi-3", true, 0, true],
    ],
  );
});

test("the worst comes first, then the oldest", () => {
  const causes = causesOf(
    [
      at("pi-1/a", alarm({ level: "warning", since: 1 })),
      at("pi-1/b", alarm({ since: 30 })),
      at("pi-1/c", alarm({ since: 20 })),
    ],
    [],
  );
  assert.deepEqual(causes.flatMap(instrumentsOf), ["pi-1/c", "pi-1/b", "pi-1/a"]);
  assert.deepEqual(causes.map(levelOf), ["alarm", "alarm", "warning"]);
});
