import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { agents, knocksOf, type SeenAgents } from "../../src/health/agents_found.ts";
import { chain } from "../../src/health/chain.ts";
import { broken, needed, ok, warning, worst } from "../../src/health/findings.ts";
import { instrument } from "../../src/health/instruments_found.ts";
import { isOlder, page, server, versions } from "../../src/health/server_found.ts";
import { services } from "../../src/health/services_found.ts";
import { inWords, type Storage, storage } from "../../src/health/storage.ts";
import type { AgentStatus, ServiceStatus } from "../../src/wire/messages.ts";
import { language } from "../../src/words/language.ts";

const NOW_MS = 1_800_000_000_000;

afterEach(() => {
  language.value = "en";
});

const AGENT: AgentStatus = {
  online: true,
  since: (NOW_MS - 3 * 3_600_000) * 1000,
  version: "0.2.0",
  gateway: "gateway",
  epoch: 1,
  clock: { synchronised: true, error_us: 300, ahead_us: 0 },
  taken: 0,
  samples: 0,
  unlogged: 0,
  reason: "",
  spool: { bytes: 1000, limit: 1_000_000, free: 10_000_000_000 },
  orders: {},
};

const SERVICE: ServiceStatus = {
  role: "logger",
  online: true,
  healthy: true,
  since: 0,
  version: "0.2.0",
  reason: "",
  figures: {},
};

const ALL = ["logger", "history", "batches", "calibration"];

function running(more: Record<string, Partial<ServiceStatus>> = {}): Map<string, ServiceStatus> {
  const all = new Map(ALL.map((role) => [role, { ...SERVICE, role }]));
  for (const [name, told] of Object.entries(more)) all.set(name, { ...SERVICE, role: name, ...told });
  return all;
}

function of(told: Partial<AgentStatus>, more: Partial<SeenAgents> = {}) {
  const statuses = new Map([["pi-1", { ...AGENT, ...told }]]);
  return needed(agents({ statuses, knocks: new Map(), heard: new Map(), isLogged: true, ...more }, NOW_MS));
}

test("where all is well nothing is needed", () => {
  assert.deepEqual(of({}), []);
  assert.deepEqual(needed(services(running(), new Set())), []);
  assert.deepEqual(page("live"), []);
});

test("without a logger nothing is recorded, and that stands before all else", () => {
  const without = running();
  without.delete("logger");
  const found = needed([...of({ online: false, reason: "the connection was lost" }), ...services(without, new Set())]);
  assert.equal(found[0]?.id, "logger");
  assert.match(found[0]?.found ?? "", /nothing is recorded now/);
  assert.match(found[0]?.remedy ?? "", /Start kleinmaelzung-logger/);
  language.value = "de";
  const [first] = needed(services(without, new Set()));
  assert.match(first?.found ?? "", /jetzt wird nichts aufgezeichnet/);
});

test("one of two loggers that does not run is a warning, for the other does its work", () => {
  const found = needed(services(running({ "logger-2": { role: "logger", online: false } }), new Set()));
  assert.deepEqual(
    found.map(({ id, of: whose, state }) => [id, whose, state]),
    [["logger", "logger-2", "warning"]],
  );
  assert.match(found[0]?.found ?? "", /logger does all the work/);
});

test("a database that cannot be used is one fault with its remedy, whoever says it", () => {
  const reason = "database: the disk is full";
  const ill = { healthy: false, reason };
  const found = services(running({ logger: ill, history: ill }), new Set()).filter(({ id }) => id === "database");
  assert.equal(found.length, 1);
  assert.equal(found[0]?.found, "history, logger: the disk is full");
  assert.match(found[0]?.remedy ?? "", /Make room/);
});

test("a service that says it is well and does not answer is said to hang", () => {
  const [found] = needed(services(running(), new Set(["logger"])));
  assert.match(found?.found ?? "", /does not answer/);
  assert.equal(found?.state, "broken");
});

test("an agent that is away says since when nothing is heard, and one that was stopped that it was", () => {
  const heard = new Map([["pi-1", (NOW_MS - 120_000) * 1000]]);
  const [lost] = of({ online: false, reason: "the connection was lost" }, { heard });
  assert.equal(lost?.found, "offline (the connection was lost), its newest value is 2\u00a0min old.");
  const [stopped] = of({ online: false, reason: "stopped" });
  assert.equal(stopped?.found, "was stopped.");
});

test("clock, spool, disk and orders are told, each with what to do", () => {
  const [clock] = of({ clock: { synchronised: true, ahead_us: -7_200_000_000 } });
  assert.match(clock?.found ?? "", /^2\u00a0h behind the server/);
  const [spool] = of({ spool: { bytes: 830, limit: 1000, free: 10 ** 10 }, unlogged: 12 });
  assert.match(spool?.found ?? "", /^83\u00a0% full, 12 frames/);
  assert.equal(spool?.state, "warning");
  const [full] = of({ spool: { bytes: 1000, limit: 1000 } });
  assert.equal(full?.state, "broken");
  const [disk] = of({ spool: { bytes: 1, limit: 1000, free: 150_000_000 } });
  assert.match(disk?.found ?? "", /150\u00a0MB left/);
  const last = { kind: "configuration", result: "rolled back", reason: "it ended twice", time: NOW_MS * 1000 };
  const [order] = of({ orders: { last } });
  assert.match(order?.found ?? "", /^its last configuration was rolled back 0\u00a0s ago: it ended twice/);
});

test("who knocks is told: a known agent is a fault, a stranger a warning", () => {
  const knocks = knocksOf([
    { knocks: { "pi-1": { reason: "wrong secret", time: (NOW_MS - 4000) * 1000 }, "pi-x": 7 } },
  ]);
  assert.deepEqual([...knocks.keys()], ["pi-1"]);
  assert.match(of({ online: false }, { knocks })[0]?.found ?? "", /name or secret is wrong, last 4\u00a0s ago/);
  const [stranger] = needed(agents({ statuses: new Map(), knocks, heard: new Map(), isLogged: true }, NOW_MS));
  assert.equal(stranger?.state, "warning");
});

test("of an instrument it is said what is to blame, in both languages", () => {
  const seen = { name: "pi-1/x", newest: 0, reason: "/dev/ttyUSB0 is not there" };
  const [port] = instrument({ ...seen, condition: "searching" }, NOW_MS);
  assert.equal(port?.found, "/dev/ttyUSB0 is not there, no value yet.");
  assert.match(port?.remedy ?? "", /^Plug it in/);
  language.value = "de";
  assert.match(instrument({ ...seen, condition: "searching" }, NOW_MS)[0]?.remedy ?? "", /^Stecken Sie es an/);
  assert.deepEqual(instrument({ ...seen, condition: "offline" }, NOW_MS), []);
});

test("versions that differ work together, those of another major version may not", () => {
  assert.deepEqual(versions("0.2.0", { logger: "0.2.0" }, { "pi-1": "0.2.0" }), []);
  const [apart] = versions("0.2.0", {}, { "pi-1": "0.1.0" });
  assert.equal(apart?.state, "warning");
  assert.match(apart?.remedy ?? "", /agent update pi-1/);
  assert.equal(versions("1.0.0", {}, { "pi-1": "0.1.0" })[0]?.state, "broken");
  assert.ok(isOlder("0.9.0", "0.10.0"));
  assert.ok(!isOlder("0.10.0", "0.9.0"));
  assert.ok(!isOlder("?", "0.9.0"));
});

test("for how long the database's disk will do", () => {
  const answer: Storage = { bytes: 12e9, per_day: 35e6, free: 90e9, days: 2571, tables: [] };
  assert.equal(
    inWords(answer),
    "12.0\u00a0GB, growing by 35.0\u00a0MB a day; 90.0\u00a0GB are free, enough for 7 years",
  );
  assert.equal(storage(answer)[0]?.state, "ok");
  assert.equal(storage({ ...answer, days: 29 })[0]?.state, "warning");
  assert.equal(storage({ ...answer, days: 2.5 })[0]?.state, "broken");
  assert.match(inWords({ ...answer, days: null }), /enough for all that is kept/);
  assert.match(inWords({ ...answer, free: null }), /not known to the logger/);
  assert.match(inWords({ ...answer, per_day: null, days: null }), /too new to say/);
  language.value = "de";
  assert.equal(
    inWords(answer),
    "12,0\u00a0GB, wächst um 35,0\u00a0MB am Tag; 90,0\u00a0GB sind frei, genug für 7 Jahre",
  );
});

test("the chain shows which link is broken, and which is not known", () => {
  const counts = { live: 2, instruments: 3, online: 1, agents: 1 };
  const health = { ok: true, version: "", time: 0, broker: "connected", agents: 1, clients: 1 };
  const without = running();
  without.delete("logger");
  const findings = [...server(health), ...services(without, new Set())];
  const states = () => chain(findings, counts, true).map(({ id, state }) => `${id} ${state}`);
  assert.deepEqual(states(), [
    "instruments warning",
    "agents ok",
    "gateway ok",
    "broker ok",
    "logger broken",
    "database ok",
  ]);
  const unknown = chain([...page("lost"), ...server("silent")], counts, false).map(({ state }) => state);
  assert.deepEqual(unknown, ["unchecked", "unchecked", "broken", "unchecked", "unchecked", "unchecked"]);
});

test("the broken stand before the warnings, and the worst is what counts", () => {
  const found = [warning("database", "", ""), ok("agent", ""), broken("instrument", "", "", "pi-1/x")];
  assert.deepEqual(
    needed(found).map(({ id }) => id),
    ["instrument", "database"],
  );
  assert.equal(worst(found), "broken");
  assert.equal(worst([]), "unchecked");
});
