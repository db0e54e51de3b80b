// Letting a machine in as an agent: what to type there, and how long its code is valid. Pure.

import { agentsWords } from "./words.ts";

/** The server's answer to `enrol`; `expires` in µs. */
export interface Made {
  agent: string;
  code: string;
  expires: number;
}

const ON_THE_SERVER = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** What to type on the new machine, for a server under this address. */
export function commandFor(server: string, agent: string): string {
  return `sudo kleinmaelzung-agent enrol --server ${server} --name ${agent}`;
}

export function leftInWords(ms: number): string {
  const words = agentsWords.value;
  if (ms <= 0) return words.expired;
  const seconds = Math.ceil(ms / 1000);
  return words.validFor(`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
}

export function isOnTheServer(hostname: string): boolean {
  return ON_THE_SERVER.has(hostname);
}
