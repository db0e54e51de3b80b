// Gaps in words, and the gap that an instrument's state makes now.

import type { Condition } from "../lab/condition.ts";
import type { Gap } from "../plot/gaps.ts";
import type { State } from "../wire/messages.ts";
import { formatNumber, formatSpan, formatTime } from "../words/numbers.ts";
import { instrumentWords } from "./words.ts";

export function reasonInWords({ reason, detail }: Gap): string {
  const words = instrumentWords.value;
  const told = reason === "" ? words.unexplained : (words.reasons[reason] ?? reason);
  return detail ? `${told} (${detail})` : told;
}

/** "12:03:04 – 12:05:10, 2 min: the port was lost" */
export function gapInWords(gap: Gap, nowMs: number): string {
  const words = instrumentWords.value;
  const until = gap.until === null ? words.lasts : formatTime(gap.until, nowMs);
  const ms = ((gap.until ?? nowMs * 1000) - gap.since) / 1000;
  const span = ms >= 1000 ? formatSpan(ms) : `${formatNumber(Math.max(Math.round(ms), 0))}\u00a0ms`;
  const frames = gap.first !== null && gap.last !== null ? gap.last - gap.first + 1 : 0;
  const lacking = frames > 0 ? `, ${words.gapFrames(formatNumber(frames))}` : "";
  return `${formatTime(gap.since, nowMs)} \u2013 ${until}, ${span}${lacking}: ${reasonInWords(gap)}`;
}

/** While an instrument says nothing, why; null where it measures, or where nothing is known. `last`: its newest sample. */
export function gapOfNow(condition: Condition, state: State | null, last: number): Gap | null {
  if (condition === "connected" || condition === "unknown") return null;
  const isOurs = condition === "offline" || condition === "lost";
  const since = last > 0 ? last : isOurs ? 0 : (state?.since ?? 0);
  if (since === 0) return null;
  const detail = isOurs ? "" : (state?.reason ?? "");
  return { since, until: null, reason: `state ${condition}`, detail, epoch: null, first: null, last: null };
}
