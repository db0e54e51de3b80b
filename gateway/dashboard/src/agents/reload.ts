// What became of a reload, in lines, from the reply (docs/protocol.md, "Orders"). Pure.

import type { Reply } from "../wire/messages.ts";
import { agentsWords } from "./words.ts";

const NOTHING_HAPPENED = ["offline", "expired", "not-permitted"];

export function answerInLines({ result, reason, values }: Pick<Reply, "result" | "reason" | "values">): string[] {
  const words = agentsWords.value;
  if (result === "done") return changesInLines(values);
  if (result === "refused" && values.mistakes) return [words.refusedAsBefore, ...String(values.mistakes).split("\n")];
  if (result === "refused") return [words.refused(reason)];
  if (NOTHING_HAPPENED.includes(result)) return [words.nothingReloaded(reason)];
  return notKnown(reason || result);
}

export function notKnown(reason: string): string[] {
  const words = agentsWords.value;
  return [words.notKnown(reason), words.noHarm];
}

function changesInLines(values: Reply["values"]): string[] {
  const words = agentsWords.value;
  const named = (kind: string, word: string) =>
    values[kind] ? [`${word}: ${String(values[kind]).replaceAll(",", ", ")}`] : [];
  const changed = Object.entries(words.changes).flatMap(([kind, word]) => named(kind, word));
  const anew = values.restarted ? [words.beginsAnew] : [];
  const isSame = changed.length + anew.length === 0;
  const head = isSame ? words.nothingDifferent : words.readAgain;
  return [head, ...changed, ...named("unchanged", words.unchanged), ...anew];
}
