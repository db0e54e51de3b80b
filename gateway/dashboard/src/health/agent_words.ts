// An agent's clock and version in words. Pure.

import type { AgentStatus } from "../wire/messages.ts";
import { formatNumber, formatSpan } from "../words/numbers.ts";
import { isOlder } from "./server_found.ts";
import { healthWords } from "./words.ts";

/** `synchronised, within 0.3 ms, 12 ms ahead of the server` */
export function clockInWords({ synchronised, error_us, ahead_us }: AgentStatus["clock"]): string {
  const words = healthWords.value;
  if (synchronised === undefined) return words.notTold;
  const parts = [synchronised ? words.synchronised : words.notSynchronised];
  if (typeof error_us === "number") parts.push(words.within(fineSpan(error_us)));
  if (typeof ahead_us === "number") parts.push(aheadInWords(ahead_us));
  return parts.join(", ");
}

function aheadInWords(us: number): string {
  const words = healthWords.value;
  if (us === 0) return words.noDifference;
  return us > 0 ? words.ahead(fineSpan(us)) : words.behind(fineSpan(-us));
}

/** `0.3 ms`, `12 ms`, `2.4 s`, `3 min` */
export function fineSpan(us: number): string {
  if (us < 1_000_000) return `${formatNumber(us / 1000, us < 10_000 ? 1 : 0)}\u00a0ms`;
  return us < 60_000_000 ? `${formatNumber(us / 1_000_000, 1)}\u00a0s` : formatSpan(us / 1000);
}

export function versionInWords(version: string, server: string): string {
  const words = healthWords.value;
  if (version === "") return words.notTold;
  if (server === "" || version === server) return version;
  return `${version}, ${isOlder(version, server) ? words.older(server) : words.newer(server)}`;
}
