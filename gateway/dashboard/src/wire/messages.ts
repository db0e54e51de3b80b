// What comes over the socket besides frames, as docs/protocol.md and broker/kleinmaelzung_wire tell it. Times are in µs.

import type { Value } from "./frames.ts";

export interface Welcome {
  user: string;
  session: string;
  version: string;
  time: number;
  password?: string; // of a one-time link only
}

/** null where nobody told: the broker decides. */
export type Rights = { role: string; instruments: string[] } | null;

export interface Channel {
  name: string;
  unit: string;
  label: string;
}

export interface Argument {
  name: string;
  type: "number" | "integer" | "text" | "boolean" | "choice";
  unit: string;
  minimum: number | null;
  maximum: number | null;
  choices: string[];
  default: Value;
}

export interface CommandDescription {
  name: string;
  arguments: Argument[];
  timeout_s: number;
  label: string;
  dangerous: boolean;
  safe: boolean;
  interlocks: string[];
}

export interface Description {
  channels: Channel[];
  commands: CommandDescription[];
  driver: string;
  label: string;
  profile: string;
  port: string;
  identity: Record<string, string> | "";
}

export interface State {
  state: "connected" | "searching" | "silent" | "error";
  since: number;
  reason: string;
}

export interface Control {
  user: string;
  session: string;
  since: number;
  until: number;
}

export interface Alarm {
  id: string;
  channel: string;
  kind: "high" | "low" | "rise" | "fall" | "silence";
  level: "warning" | "alarm";
  since: number;
  value: number | null;
  limit: number;
  unit: string;
  cause: string; // the same for all that one thing has caused
  detail: string;
  acknowledged: { user: string; time: number; note: string } | null;
}

export interface AgentStatus {
  online: boolean;
  since: number;
  version: string;
  gateway: string;
  epoch: number;
  clock: { synchronised?: boolean; error_us?: number | null; ahead_us?: number | null };
  taken: number;
  samples: number;
  unlogged: number;
  reason: string;
  spool: { bytes?: number; limit?: number; free?: number };
  orders: { last?: { kind?: string; result?: string; reason?: string; time?: number } };
}

export interface ServiceStatus {
  role: string;
  online: boolean;
  healthy: boolean;
  since: number;
  version: string;
  reason: string;
  figures: Record<string, unknown>;
}

export interface Reply {
  id: string;
  name: string;
  user: string;
  result: "done" | "refused" | "failed" | "timeout" | "offline" | "expired" | "not-permitted" | "lost";
  reason: string;
  values: Record<string, Value>;
  units: Record<string, string>;
  bytes_out: Uint8Array;
  bytes_in: Uint8Array;
  took_us: number;
  time: number;
}

export interface Sample {
  value: Value;
  unit: string;
  quality: string;
  time: number;
}
