// Whether instruments can be read, and if not, which of port, line, power and pattern is to blame --> findings. Pure.

import type { Condition } from "../lab/condition.ts";
import { formatSpan } from "../words/numbers.ts";
import { broken, type Finding, ok } from "./findings.ts";
import { foundWords } from "./found_words.ts";
import { forLines, forPort, forSilence } from "./remedies.ts";

export interface SeenInstrument {
  name: string;
  condition: Condition;
  reason: string;
  /** When its newest value came, in µs; 0: never. */
  newest: number;
}

/** One cause, one fault: what is behind an agent that is away, or behind a lost connection, is not looked at. */
export function instrument({ name, condition, reason, newest }: SeenInstrument, nowMs: number): Finding[] {
  const words = foundWords.value;
  const value = newest > 0 ? words.newest(formatSpan(Math.max(nowMs - newest / 1000, 0))) : words.noValue;
  const ill = (told: string, remedy: string) => [broken("instrument", words.and(told, value), remedy, name)];
  switch (condition) {
    case "connected":
      return [ok("instrument", words.live, name)];
    case "searching":
      return ill(reason || words.opening, forPort(reason));
    case "silent":
      return ill(words.nothingComes(reason), forSilence());
    case "error":
      return ill(reason, forLines(reason));
    case "unknown":
      return ill(words.saidNothing, words.lookAtLog);
    default:
      return [];
  }
}
