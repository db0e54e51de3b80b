// All that is known of a laboratory now --> what was found, and the chain from the instruments to the database.

import { type Condition, conditionOf } from "../lab/condition.ts";
import type { Instrument } from "../lab/instrument.ts";
import type { Session } from "../sign_in/session.ts";
import { agents, knocksOf } from "./agents_found.ts";
import type { Finding } from "./findings.ts";
import { instrument } from "./instruments_found.ts";
import type { Polling } from "./polling.ts";
import { page, server, versions } from "./server_found.ts";
import { isWell, services } from "./services_found.ts";
import { storage } from "./storage.ts";

export interface Look {
  findings: Finding[];
  conditions: ReadonlyMap<string, Condition>;
}

/** Reads signals: whoever calls it in a computed one is told of changes, but of no single value that comes. */
export function look(session: Session, polling: Polling, isKnown: boolean, nowMs: number): Look {
  const standing = session.connection.standing.value;
  const about = [...page(standing), ...server(polling.health.value)];
  if (standing !== "live" || !isKnown) return { findings: about, conditions: new Map() };
  const conditions = conditionsOf(session);
  const inside = [...ofServices(session, polling), ...ofAgents(session, polling, nowMs)];
  const read = [...session.lab.instruments.value.values()].flatMap((one) => ofInstrument(one, conditions, nowMs));
  return { findings: [...about, ...inside, ...read], conditions };
}

function conditionsOf({ connection, lab }: Session): Map<string, Condition> {
  const standing = connection.standing.value;
  const agents = lab.agents.value;
  return new Map(
    [...lab.instruments.value].map(([name, one]) => [
      name,
      conditionOf(one.state.value, agents.get(one.agent), standing),
    ]),
  );
}

function ofServices({ connection, lab }: Session, polling: Polling): Finding[] {
  const online = (known: ReadonlyMap<string, { online: boolean; version: string }>) =>
    Object.fromEntries([...known].filter(([, status]) => status.online).map(([name, { version }]) => [name, version]));
  const gateway = connection.welcome.value?.version ?? "";
  return [
    ...services(lab.services.value, polling.silent.value),
    ...storage(polling.storage.value),
    ...versions(gateway, online(lab.services.value), online(lab.agents.value)),
  ];
}

function ofAgents({ lab }: Session, polling: Polling, nowMs: number): Finding[] {
  const known = [...lab.services.value];
  const gateways = known.filter(([, { role, online }]) => role === "gateway" && online);
  const isLogged = known.some(([name, one]) => one.role === "logger" && isWell(name, one, polling.silent.value));
  const heard = new Map<string, number>();
  for (const one of lab.instruments.value.values()) {
    heard.set(one.agent, Math.max(heard.get(one.agent) ?? 0, newestOf(one)));
  }
  const knocks = knocksOf(gateways.map(([, { figures }]) => figures));
  return agents({ statuses: lab.agents.value, knocks, heard, isLogged }, nowMs);
}

function ofInstrument(one: Instrument, conditions: ReadonlyMap<string, Condition>, nowMs: number): Finding[] {
  const condition = conditions.get(one.name) ?? "unknown";
  const reason = one.state.value?.reason ?? "";
  return instrument({ name: one.name, condition, reason, newest: newestOf(one) }, nowMs);
}

/** Peeked at: hundreds of values a second change no sentence, the clock does. */
function newestOf(one: Instrument): number {
  return Math.max(0, ...Object.values(one.latest.peek()).map(({ time }) => time));
}
