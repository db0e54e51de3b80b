// What is known now of instruments, agents and services, from the topics that are retained.
// In: messages of a connection. Out: signals. Values of plots come elsewhere (plot/): `latest` has one a second.

import { batch, type Signal, signal } from "@preact/signals";
import type { Connection } from "../wire/connection.ts";
import { decodeMap } from "../wire/frames.ts";
import type { AgentStatus, ServiceStatus } from "../wire/messages.ts";
import { readAgentStatus, readServiceStatus, type Told } from "../wire/told.ts";
import { Instrument } from "./instrument.ts";

// Hundreds of instruments would have each picture drawn anew, each for a few values: nobody reads so fast.
const PICTURE_MS = 100;
const KINDS = ["description", "state", "latest", "control", "alarm", "calibration"];

export class Lab {
  readonly instruments: Signal<ReadonlyMap<string, Instrument>> = signal(new Map());
  readonly agents: Signal<ReadonlyMap<string, AgentStatus>> = signal(new Map());
  readonly services: Signal<ReadonlyMap<string, ServiceStatus>> = signal(new Map());
  /** Whether the retained messages have come since the connection was made. */
  readonly isFilled: Signal<boolean> = signal(false);
  private readonly connection: Connection;
  private readonly waiting = new Map<string, Uint8Array>();
  private readonly ends: (() => void)[] = [];
  private isFlushing = false;
  private flushedAt = 0;

  constructor(connection: Connection) {
    this.connection = connection;
    const take = (topic: string, payload: Uint8Array) => this.take(topic, payload);
    const patterns = [...KINDS.map((kind) => `+/+/${kind}`), "+/status", "_service/+/status"];
    for (const pattern of patterns) this.ends.push(connection.watch(pattern, take).end);
    this.ends.push(
      connection.standing.subscribe((standing) => {
        if (standing === "live") this.begin();
      }),
    );
  }

  end(): void {
    for (const end of this.ends) end();
  }

  /** The name of a service of that role that is online and well, or null. */
  service(role: string): string | null {
    const found = [...this.services.value].filter(([, status]) => status.role === role && status.online);
    return (found.find(([, status]) => status.healthy) ?? found[0])?.[0] ?? null;
  }

  /** After a reconnection: what was removed meanwhile is not retained any more, and would stay for ever. */
  private begin(): void {
    this.isFilled.value = false;
    this.connection.ask("list", "+/+").then(
      (entries) => this.keep(new Set((entries as { instrument: string }[]).map((entry) => entry.instrument))),
      () => undefined,
    );
  }

  private keep(names: Set<string>): void {
    this.flush();
    const kept = [...this.instruments.value].filter(([name]) => names.has(name));
    if (kept.length !== this.instruments.value.size) this.instruments.value = new Map(kept);
    this.isFilled.value = true;
  }

  /** Messages wait for the next picture, the newest of each topic: hundreds of instruments cost one drawing. */
  private take(topic: string, payload: Uint8Array): void {
    this.waiting.set(topic, payload);
    if (this.isFlushing) return;
    this.isFlushing = true;
    const early = PICTURE_MS - (performance.now() - this.flushedAt);
    setTimeout(() => nextPicture(() => this.flush()), Math.max(early, 0));
  }

  private flush(): void {
    this.isFlushing = false;
    this.flushedAt = performance.now();
    batch(() => {
      const instruments = new Map(this.instruments.value);
      const agents = new Map(this.agents.value);
      const services = new Map(this.services.value);
      for (const [topic, payload] of this.waiting) {
        const [first = "", second = "", kind = ""] = topic.split("/");
        if (first === "_service") learnStatus(services, second, payload, readServiceStatus);
        else if (kind === "") learnStatus(agents, first, payload, readAgentStatus);
        else learn(instruments, `${first}/${second}`, kind, payload);
      }
      this.waiting.clear();
      if (!haveSameKeys(instruments, this.instruments.value)) this.instruments.value = instruments;
      if (!areEqual(agents, this.agents.value)) this.agents.value = agents;
      if (!areEqual(services, this.services.value)) this.services.value = services;
    });
  }
}

function learnStatus<Status>(
  known: Map<string, Status>,
  name: string,
  payload: Uint8Array,
  read: (told: Told) => Status,
): void {
  const told = payload.length === 0 ? null : decodeMap(payload);
  if (told === null) known.delete(name);
  else known.set(name, read(told));
}

function learn(instruments: Map<string, Instrument>, name: string, kind: string, payload: Uint8Array): void {
  if (payload.length === 0 && kind === "description") {
    instruments.delete(name);
    return;
  }
  // Only what describes itself or has a state is an instrument: an agent's own frames come under a name, too.
  if (!instruments.has(name) && (payload.length === 0 || !["description", "state"].includes(kind))) return;
  const instrument = instruments.get(name) ?? new Instrument(name);
  instruments.set(name, instrument);
  instrument.learn(kind, payload.length === 0 ? null : kind === "latest" ? decodeJson(payload) : decodeMap(payload));
}

function decodeJson(payload: Uint8Array): Told | null {
  try {
    const told: unknown = JSON.parse(new TextDecoder().decode(payload));
    return told !== null && typeof told === "object" && !Array.isArray(told) ? (told as Told) : null;
  } catch {
    return null;
  }
}

function haveSameKeys(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean {
  return one.size === other.size && [...one.keys()].every((key) => other.has(key));
}

function areEqual(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean {
  return haveSameKeys(one, other) && [...one].every(([key, value]) => other.get(key) === value);
}

/** In a background tab no picture is drawn, also where it was in front when it was asked for: then a second later. */
function nextPicture(draw: () => void): void {
  let isDrawn = false;
  const once = () => {
    if (!isDrawn) draw();
    isDrawn = true;
  };
  requestAnimationFrame(once);
  setTimeout(once, 1000);
}
