// The WebSocket of one sign-in: questions and their answers, what is watched, and coming back by itself.
// In: hello, questions, patterns to watch. Out: messages to whoever watches, and signals that say how it stands.

import { encode } from "@msgpack/msgpack";
import { type Signal, signal } from "@preact/signals";
import type { Reply, Rights, Welcome } from "./messages.ts";
import { judge, type Pulse, TICK_MS, waitBefore } from "./pulse.ts";
import { readReply, type Told } from "./told.ts";
import { unpack } from "./unpack.ts";

const SUBPROTOCOL = "kleinmaelzung.v1+msgpack";
const NOT_LOGGED_IN = 4401;

/** Name and password, the code of a one-time link, or nothing for the public view. */
export type Hello = { user: string; password: string } | { code: string } | Record<string, never>;

/** opening: never was live. lost: was, and comes back. ended: signed out, or refused. */
export type Standing = "opening" | "live" | "lost" | "ended";

export type Take = (topic: string, payload: Uint8Array) => void;

/** The gateway or a service said no: `code` is a word of docs/protocol.md, the message its sentence. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/** The connection went while a question was under way: whether it was done is not known. */
export class Lost extends Error {}

interface Question {
  resolve: (answer: unknown) => void;
  reject: (reason: Error) => void;
}

interface Watch {
  pattern: string;
  take: Take;
  since: (() => number | null) | undefined;
}

export class Connection {
  readonly standing: Signal<Standing> = signal("opening");
  readonly welcome: Signal<Welcome | null> = signal(null);
  readonly rights: Signal<Rights | undefined> = signal(undefined); // undefined: not told yet
  /** How often live messages were left out for this slow reader, so that a plot can ask for them. */
  readonly missed: Signal<number> = signal(0);
  /** Why it ended, in the server's words; "" for a sign-out. */
  endedBecause = "";
  /** The server's clock against this machine's. */
  clockAheadMs = 0;
  readonly isPublic: boolean;
  readonly isPatient: boolean;
  private hello: Hello;
  private socket: WebSocket | null = null;
  private readonly questions = new Map<number, Question>();
  private readonly watches: Watch[] = [];
  private lastId = 0;
  private attempts = 0;
  private pulse: Pulse = { openedAt: 0, isWelcome: false, heardAt: 0, askedAt: null, tickedAt: 0 };
  private ticking: ReturnType<typeof setInterval> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly address: string;

  /** `isPatient`: waits for a server that does not answer at the first attempt, as after a reload of the page. */
  constructor(address: string, hello: Hello, isPatient = false) {
    this.address = address;
    this.hello = hello;
    this.isPublic = Object.keys(hello).length === 0;
    this.isPatient = isPatient || this.isPublic;
    this.open();
    addEventListener("offline", this.giveUp);
    addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.look);
  }

  /** Name and password of this session, for what goes by plain HTTP and for a reload; null in the public view. */
  get credentials(): { user: string; password: string } | null {
    return "password" in this.hello ? (this.hello as { user: string; password: string }) : null;
  }

  /** The server's time in ms. */
  now(): number {
    return Date.now() + this.clockAheadMs;
  }

  /** Ask the gateway; rejects with Refused or Lost. */
  ask(kind: string, ...rest: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.standing.value !== "live") {
        reject(new Lost("not connected"));
        return;
      }
      this.lastId += 1;
      this.questions.set(this.lastId, { resolve, reject });
      this.send(kind, this.lastId, ...rest);
    });
  }

  /** Ask a service by its name; `body` holds `request` and its arguments. */
  async request<Answer>(service: string, body: Record<string, unknown>, timeoutS = 10): Promise<Answer> {
    return (await this.ask("request", service, body, { timeout: timeoutS })) as Answer;
  }

  /** Send a command; what became of it is in the reply's `result`. */
  async command(
    instrument: string,
    name: string,
    commandArguments: Record<string, unknown> = {},
    options: Record<string, unknown> = {},
  ): Promise<Reply> {
    return readReply((await this.ask("send", instrument, name, commandArguments, options)) as Told);
  }

  /** Hand every message of this pattern to `take` until `end` is called, over reconnections too. What is retained comes
   * with the first watch of a pattern only. `since` (µs) asks for the log first, anew after each reconnection; of such a
   * pattern there may be one watch. A refusal rejects `ready`. */
  watch(pattern: string, take: Take, since?: () => number | null): { ready: Promise<unknown>; end: () => void } {
    const watch: Watch = { pattern, take, since };
    const isFirst = !this.watches.some((other) => other.pattern === pattern);
    this.watches.push(watch);
    const ready = isFirst && this.standing.value === "live" ? this.subscribe(watch) : Promise.resolve();
    ready.catch(() => undefined); // who wants to know waits for it
    const end = () => {
      const at = this.watches.indexOf(watch);
      if (at < 0) return;
      this.watches.splice(at, 1);
      const isLast = !this.watches.some((other) => other.pattern === pattern);
      if (isLast && this.standing.value === "live") this.ask("unwatch", pattern).catch(() => undefined);
    };
    return { ready, end };
  }

  /** Sign out: nothing comes any more. */
  end(because = ""): void {
    this.leave();
    removeEventListener("offline", this.giveUp);
    removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.look);
    clearTimeout(this.retry);
    this.endedBecause = because;
    this.hello = {};
    this.standing.value = "ended";
  }

  private subscribe(watch: Watch): Promise<unknown> {
    const since = watch.since?.() ?? null;
    return since === null ? this.ask("watch", watch.pattern) : this.ask("watch", watch.pattern, { since });
  }

  private open(): void {
    const socket = new WebSocket(this.address, [SUBPROTOCOL]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.send("hello", this.hello);
    socket.onmessage = (event) => this.take(event.data);
    socket.onclose = (event) => this.lost(event.code, event.reason);
    this.socket = socket;
    const now = Date.now();
    this.pulse = { openedAt: now, isWelcome: false, heardAt: now, askedAt: null, tickedAt: now };
    this.ticking = setInterval(this.look, TICK_MS);
  }

  private send(...message: unknown[]): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode(message));
  }

  private take(received: unknown): void {
    this.pulse.heardAt = Date.now();
    this.pulse.askedAt = null;
    if (!(received instanceof ArrayBuffer)) return;
    const [kind, ...rest] = unpack(received) as [string, ...unknown[]];
    if (kind === "message") this.pass(rest[0] as string, rest[1] as Uint8Array);
    else if (kind === "welcome") this.begin(rest[0] as Welcome);
    else if (kind === "missed") this.missed.value += rest[0] as number;
    else this.answer(kind, rest);
  }

  private pass(topic: string, payload: Uint8Array): void {
    for (const watch of [...this.watches]) if (matches(watch.pattern, topic)) watch.take(topic, payload);
  }

  private answer(kind: string, [id, ...rest]: unknown[]): void {
    const question = this.questions.get(id as number);
    if (question === undefined) return;
    this.questions.delete(id as number);
    if (kind === "refused") question.reject(new Refused(String(rest[0]), String(rest[1])));
    else question.resolve(rest[0]);
  }

  private begin(welcome: Welcome): void {
    // Of a one-time link: its code is used up.
    if (welcome.password !== undefined) this.hello = { user: welcome.user, password: welcome.password };
    this.clockAheadMs = welcome.time / 1000 - Date.now();
    this.pulse.isWelcome = true;
    this.attempts = 0;
    this.welcome.value = { ...this.welcome.value, ...welcome };
    const resumed = [...this.watches];
    this.standing.value = "live"; // who waited for that begins watches of their own
    const seen = new Set<string>();
    for (const watch of resumed.filter((each) => this.watches.includes(each))) {
      if (seen.has(watch.pattern)) continue;
      seen.add(watch.pattern);
      this.resume(watch);
    }
    this.learnRights();
  }

  /** What the log could not join this time is watched without it. Who is not permitted was told at the first time. */
  private resume(watch: Watch): void {
    this.subscribe(watch).catch((error: unknown) => {
      const isStillWanted = this.watches.includes(watch);
      if (watch.since === undefined || !isStillWanted || !(error instanceof Refused)) return;
      this.ask("watch", watch.pattern).catch(() => undefined);
    });
  }

  private learnRights(): void {
    if (this.isPublic) {
      this.rights.value = { role: "public", instruments: [] };
      return;
    }
    this.ask("rights").then(
      (told) => {
        this.rights.value = told as Rights;
      },
      () => undefined,
    );
  }

  /** Each half second, and when somebody looks at the page again. */
  private readonly look = (): void => {
    if (this.socket === null) return;
    const now = Date.now();
    const verdict = judge(this.pulse, now, document.visibilityState === "visible");
    this.pulse.tickedAt = now;
    if (verdict === "give-up") this.giveUp();
    if (verdict !== "ask") return;
    this.pulse.askedAt = now;
    this.ask("list", "x/x").catch(() => undefined); // whatever is answered: it is an answer
  };

  private readonly giveUp = (): void => {
    if (this.socket !== null) this.lost(0, "");
  };

  /** The network is back: neither the next attempt is waited for, nor one that was begun without it. */
  private readonly hurry = (): void => {
    if (this.standing.value === "live" || this.standing.value === "ended") return;
    clearTimeout(this.retry);
    this.leave();
    this.open();
  };

  private lost(code: number, reason: string): void {
    this.leave();
    const isHopeless = this.welcome.value === null && !this.isPatient;
    if (code === NOT_LOGGED_IN || isHopeless) {
      this.end(reason || (code === NOT_LOGGED_IN ? "name or password is wrong" : NO_ANSWER));
      return;
    }
    if (this.welcome.value !== null) this.standing.value = "lost";
    this.retry = setTimeout(() => this.open(), waitBefore(this.attempts, Math.random()));
    this.attempts += 1;
  }

  private leave(): void {
    clearInterval(this.ticking);
    if (this.socket !== null) {
      this.socket.onclose = this.socket.onmessage = this.socket.onopen = null; // on a dead network they come minutes later
      this.socket.close();
      this.socket = null;
    }
    for (const question of this.questions.values()) question.reject(new Lost("connection lost"));
    this.questions.clear();
  }
}

/** What `endedBecause` holds where no server answered at the first attempt. */
export const NO_ANSWER = "no-answer";

const DEFAULT_KINDS = new Set(["description", "state", "data"]);

/** Whether a topic below the root belongs to a pattern as `watch` takes it (topics.watch_filters). */
export function matches(pattern: string, topic: string): boolean {
  const wanted = pattern.split("/");
  const parts = topic.split("/");
  const meansInstrument = wanted.length === 2 && wanted[1] !== "status";
  if (meansInstrument && !DEFAULT_KINDS.has(parts[2] ?? "")) return false;
  if (parts.length !== wanted.length + (meansInstrument ? 1 : 0)) return false;
  return wanted.every((name, at) => name === parts[at] || (name === "+" && !(at === 0 && parts[0]?.startsWith("_"))));
}
