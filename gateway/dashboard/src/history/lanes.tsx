// Where several instruments lie over each other, a lane for each that has gaps: when it has none, and why.

import type { Signal } from "@preact/signals";
import { nowMs } from "../clock.ts";
import { gapInWords } from "../instrument/gap_words.ts";
import type { Gap } from "../plot/gaps.ts";
import { px } from "../plot/px.ts";
import type { Area } from "./panels.ts";
import type { Times } from "./range.ts";
import { labelOf, type Shown } from "./shown.ts";
import { historyWords } from "./words.ts";

export function Lanes({ shown, area }: { shown: Shown; area: Signal<Area | null> }) {
  const { drawing, instruments, session } = shown;
  const place = area.value;
  const withGaps = instruments.filter((name) => (drawing.gaps.get(name) ?? []).length > 0);
  if (place === null || instruments.length < 2 || withGaps.length === 0) return null;
  return (
    <ul class="lanes" style={px({ marginLeft: place.left, width: place.width })}>
      {withGaps.map((name) => (
        <li key={name}>
          <bdi class="clip">{labelOf(session, name)}</bdi>
          <span class="lane">
            {(drawing.gaps.get(name) ?? []).map((gap) => (
              <span
                key={`${gap.since} ${gap.first}`}
                class="lane-gap"
                style={placeOf(gap, drawing.times)}
                title={`${historyWords.value.gap}: ${gapInWords(gap, nowMs.value)}`}
              />
            ))}
          </span>
        </li>
      ))}
    </ul>
  );
}

function placeOf({ since, until }: Gap, { from, to }: Times): Record<string, string> {
  const share = (time: number) => (Math.min(Math.max(time, from), to) - from) / (to - from);
  const [begin, end] = [share(since), share(until ?? to)];
  return { left: `${begin * 100}%`, width: `max(3px, ${(end - begin) * 100}%)` };
}
