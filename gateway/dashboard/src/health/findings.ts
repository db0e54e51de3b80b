// What was found by looking for faults, as `kleinmaelzung doctor` finds it (docs/doctor.md): sentences in the reader's
// language, and what to do. Pure.

export type FoundState = "ok" | "warning" | "broken" | "unchecked";

export interface Finding {
  /** One of docs/doctor.md, or "page". */
  id: string;
  /** What it is about, where there are several: an agent, an instrument, a service. */
  of: string;
  state: FoundState;
  found: string;
  remedy: string;
}

/** A shape for each state, so that no colour is needed to tell them apart. */
export const FOUND_SHAPES: Record<FoundState, string> = {
  ok: "\u25cf",
  warning: "\u25c6",
  broken: "\u25b2",
  unchecked: "\u25cb",
};

export const FOUND_CLASSES: Record<FoundState, string> = {
  ok: "is-good",
  warning: "is-warning",
  broken: "is-alarm",
  unchecked: "is-lost",
};

export function ok(id: string, found: string, of = ""): Finding {
  return { id, of, state: "ok", found, remedy: "" };
}

/** It works, but it will not for long, or not as meant. */
export function warning(id: string, found: string, remedy: string, of = ""): Finding {
  return { id, of, state: "warning", found, remedy };
}

export function broken(id: string, found: string, remedy: string, of = ""): Finding {
  return { id, of, state: "broken", found, remedy };
}

// What stops everybody stands before what stops one.
const URGENCY = ["logger", "database", "page", "gateway", "broker", "storage", "agent", "agent-spool", "agent-clock"];

/** Whatever needs somebody, the worst first. */
export function needed(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ state }) => state === "broken" || state === "warning").sort(byUrgency);
}

/** The worst that is among them; nothing at all is nothing known. */
export function worst(findings: readonly Finding[]): FoundState {
  const states = new Set(findings.map(({ state }) => state));
  return (["broken", "warning", "ok"] as const).find((state) => states.has(state)) ?? "unchecked";
}

function byUrgency(one: Finding, other: Finding): number {
  const severity = Number(other.state === "broken") - Number(one.state === "broken");
  return severity || place(one) - place(other) || one.of.localeCompare(other.of);
}

function place({ id }: Finding): number {
  const at = URGENCY.indexOf(id);
  return at < 0 ? URGENCY.length : at;
}
