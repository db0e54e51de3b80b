// The way of a value: instruments, agents, gateway, broker, logger, database. How each link stands, in a word. Pure.

import type { Finding, FoundState } from "./findings.ts";
import { worst } from "./findings.ts";
import { healthWords } from "./words.ts";

export const LINKS = ["instruments", "agents", "gateway", "broker", "logger", "database"] as const;

export interface Link {
  id: (typeof LINKS)[number];
  state: FoundState;
  word: string;
}

export interface Counts {
  live: number;
  instruments: number;
  online: number;
  agents: number;
}

export function chain(findings: readonly Finding[], counts: Counts, isKnown: boolean): Link[] {
  const of = (id: string) => findings.filter((finding) => finding.id === id);
  return [
    counted("instruments", isKnown, counts.live, counts.instruments),
    counted("agents", isKnown, counts.online, counts.agents, worst(findings.filter(isOfKnownAgent))),
    single("gateway", worst(of("gateway"))),
    single("broker", worst(of("broker"))),
    single("logger", together(of("logger"))),
    single("database", worst(of("database"))),
  ];
}

/** Some of them work: then the chain is not broken here. */
function counted(id: "instruments" | "agents", isKnown: boolean, well: number, all: number, state?: FoundState): Link {
  const words = healthWords.value;
  if (!isKnown) return { id, state: "unchecked", word: words.notKnown };
  if (all === 0) return { id, state: "unchecked", word: words.noneYet };
  const word = words[id === "agents" ? "ofAgents" : "ofInstruments"](well, all);
  if (well === all && state !== "warning" && state !== "broken") return { id, state: "ok", word };
  return { id, state: well === 0 ? "broken" : "warning", word };
}

function single(id: "gateway" | "broker" | "logger" | "database", state: FoundState): Link {
  return { id, state, word: state === "unchecked" ? healthWords.value.notKnown : healthWords.value.links[id][state] };
}

/** Of several loggers one is enough. */
function together(loggers: readonly Finding[]): FoundState {
  const state = worst(loggers);
  return state === "broken" && loggers.some((one) => one.state === "ok") ? "warning" : state;
}

/** A stranger who knocks is no link. */
function isOfKnownAgent({ id, state }: Finding): boolean {
  return id.startsWith("agent") && !(id === "agent" && state === "warning");
}
