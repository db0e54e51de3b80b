// How complete the records of one instrument are: a shape for it, and what is missing, in words.

import { type Completeness, lacks, type Verdict } from "./completeness.ts";
import { completenessWords } from "./completeness_words.ts";

export interface Row {
  found: Completeness;
  verdict: Verdict;
  isAwaited: boolean;
}

const SHAPES: Record<Verdict, string> = {
  complete: "\u25cf",
  explained: "\u25d0",
  waiting: "\u25cc",
  lacking: "\u25c6",
  nothing: "\u25cb",
};
const CLASSES: Record<Verdict, string> = {
  complete: "is-good",
  explained: "is-good",
  waiting: "is-busy",
  lacking: "is-warning",
  nothing: "is-lost",
};

export function Sign({ verdict }: { verdict: Verdict }) {
  return (
    <span class={`shape ${CLASSES[verdict]}`} role="img" aria-label={completenessWords.value.verdicts[verdict]}>
      {SHAPES[verdict]}
    </span>
  );
}

export function Lacks({ found, isAwaited }: { found: Completeness; isAwaited: boolean }) {
  return (
    <>
      {lacks(found, isAwaited).map((line) => (
        <p key={line} class="number">
          {line}
        </p>
      ))}
    </>
  );
}
