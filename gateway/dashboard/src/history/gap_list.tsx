// Each gap of the time that is shown, with its reason.

import { nowMs } from "../clock.ts";
import { gapInWords } from "../instrument/gap_words.ts";
import { labelOf, type Shown } from "./shown.ts";
import { historyWords } from "./words.ts";

const MOST_LISTED = 200;

export function GapList({ shown }: { shown: Shown }) {
  const words = historyWords.value;
  const { drawing, instruments, session, study } = shown;
  const all = instruments.flatMap((name) => (drawing.gaps.get(name) ?? []).map((gap) => ({ name, gap })));
  const left = study.loads.value.reduce((sum, { exact }) => sum + (exact?.moreGaps ?? 0), 0);
  if (all.length === 0) return null;
  all.sort((one, other) => other.gap.since - one.gap.since);
  return (
    <details class="gap-list">
      <summary>{words.gapList(all.length + left)}</summary>
      <ul>
        {all.slice(0, MOST_LISTED).map(({ name, gap }) => (
          <li key={`${name} ${gap.since} ${gap.first} ${gap.reason}`}>
            {instruments.length > 1 && <bdi class="clip of">{labelOf(session, name)}</bdi>}
            <span>{gapInWords(gap, nowMs.value)}</span>
          </li>
        ))}
      </ul>
      {left > 0 && <p class="muted">{words.moreGaps(left)}</p>}
    </details>
  );
}
