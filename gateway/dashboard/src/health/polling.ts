// What nobody sends by itself, asked again and again as long as somebody looks: /healthz, whether the services answer,
// and how large the database is.

import { computed, effect, type Signal, signal } from "@preact/signals";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { ROLES, type Silent } from "./services_found.ts";
import type { Storage } from "./storage.ts";

/** What `GET /healthz` answers, also with status 503. */
export interface Healthz {
  ok: boolean;
  version: string;
  time: number;
  broker: string;
  agents: number;
  clients: number;
}

const EVERY_MS = 10_000;
const STORAGE_EVERY = 6; // of these times
const ANSWER_MS = 8_000;
const PING_S = 3;
const STORAGE_S = 20;
const SILENCES = ["timeout", "unavailable"];

export class Polling {
  readonly health: Signal<Healthz | "silent" | null> = signal(null);
  readonly silent: Signal<Silent> = signal(new Set());
  readonly storage: Signal<Storage | null> = signal(null);
  /** Why it is not told how large the database is, in the server's words. */
  readonly storageRefusal: Signal<string> = signal("");
  private readonly session: Session;
  private readonly ends: (() => void)[] = [];
  private rounds = 0;

  constructor(session: Session) {
    this.session = session;
  }

  start(): void {
    const { connection, lab } = this.session;
    const logger = computed(() => lab.service("logger"));
    const timer = setInterval(() => this.look(), EVERY_MS);
    const onReturn = () => this.look();
    document.addEventListener("visibilitychange", onReturn);
    this.ends.push(
      () => clearInterval(timer),
      () => document.removeEventListener("visibilitychange", onReturn),
      // At once when the connection is lost or is back, and when a logger comes that can be asked.
      effect(() => {
        const { value: name } = logger;
        this.askHealth();
        if (connection.standing.value === "live" && name !== null) this.askStorage(name);
      }),
    );
  }

  end(): void {
    for (const end of this.ends.splice(0)) end();
  }

  private look(): void {
    if (document.visibilityState !== "visible") return;
    this.askHealth();
    this.rounds += 1;
    const { connection, lab } = this.session;
    if (connection.standing.peek() !== "live") return;
    for (const [name, status] of lab.services.peek()) {
      const isAsked = status.online && status.healthy && ROLES.some((role) => role === status.role);
      if (isAsked) this.ping(name);
      else if (this.silent.peek().has(name)) this.note(name, false);
    }
    const logger = lab.service("logger");
    if (logger !== null && this.rounds % STORAGE_EVERY === 0) this.askStorage(logger);
  }

  private async askHealth(): Promise<void> {
    try {
      const asked = await fetch(new URL("healthz", document.baseURI), { signal: AbortSignal.timeout(ANSWER_MS) });
      const answer = (await asked.json()) as Healthz;
      this.health.value = typeof answer?.broker === "string" ? answer : "silent";
    } catch {
      this.health.value = "silent";
    }
  }

  /** Ask what no service knows: one that is alive says so. Only who is late twice is silent. */
  private async ping(name: string): Promise<void> {
    const isSilent = !(await this.answers(name)) && !(await this.answers(name));
    if (isSilent !== this.silent.peek().has(name)) this.note(name, isSilent);
  }

  private async answers(name: string): Promise<boolean> {
    try {
      await this.session.connection.request(name, { request: "ping" }, PING_S);
      return true;
    } catch (error) {
      return !(error instanceof Refused && SILENCES.includes(error.code));
    }
  }

  private note(name: string, isSilent: boolean): void {
    const others = [...this.silent.peek()].filter((one) => one !== name);
    this.silent.value = new Set(isSilent ? [...others, name] : others);
  }

  private async askStorage(logger: string): Promise<void> {
    try {
      this.storage.value = await this.session.connection.request<Storage>(logger, { request: "storage" }, STORAGE_S);
      this.storageRefusal.value = "";
    } catch (error) {
      if (!(error instanceof Refused)) return;
      this.storage.value = null;
      this.storageRefusal.value = error.message;
    }
  }
}
