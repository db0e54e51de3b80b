// Of one instrument: which frames are missing and why, when nothing was taken and why, and the runs of its agent.

import type { ComponentChildren } from "preact";
import { nowMs } from "../clock.ts";
import { formatNumber, formatTime } from "../words/numbers.ts";
import {
  type Completeness,
  numbersInWords,
  percentInWords,
  type Range,
  reasonInWords,
  timeInWords,
} from "./completeness.ts";
import { completenessWords } from "./completeness_words.ts";

const SHOWN = 30; // of each list: what is older is in the program

export function Details({ found }: { found: Completeness }) {
  const words = completenessWords.value;
  const { ranges, gaps, runs, more_ranges, more_gaps, more_runs } = found;
  const now = nowMs.peek(); // of the days in it; what is shown does not age by the second
  return (
    <div class="count-details">
      <List title={words.missingFrames} none={words.noMissing} more={more_ranges} items={ranges.map(rangeLine)} />
      <List
        title={words.pausesTitle}
        none={words.noPauses}
        more={more_gaps}
        items={gaps.map((gap) => line(timeInWords(gap, now), reasonInWords(gap.reason, gap.detail)))}
      />
      <List
        title={words.runs}
        none=""
        more={more_runs}
        items={runs.map((run) => {
          const time = words.run(formatTime(run.since, now), formatTime(run.until, now));
          const counted = words.of(formatNumber(run.received), formatNumber(run.last));
          return line(
            time,
            run.missing > 0 ? `${counted}, ${percentInWords((100 * run.received) / run.last)}` : counted,
          );
        })}
      />
    </div>
  );

  function rangeLine(range: Range) {
    const reason = reasonInWords(range.reason, range.detail);
    const isQuarantine = range.kind === "quarantined";
    return line(numbersInWords(range, now), isQuarantine ? `${words.inQuarantine}, ${reason}` : reason);
  }
}

function line(what: string, why: string): ComponentChildren {
  return (
    <>
      <span class="number">{what}</span>: <bdi>{why}</bdi>
    </>
  );
}

interface Given {
  title: string;
  none: string;
  more: number;
  items: ComponentChildren[];
}

function List({ title, none, more, items }: Given) {
  const words = completenessWords.value;
  const left = more + Math.max(items.length - SHOWN, 0);
  if (items.length === 0 && none === "") return null;
  return (
    <div>
      <h3>{title}</h3>
      {items.length === 0 && <p class="muted">{none}</p>}
      <ul>
        {items.slice(0, SHOWN).map((item, at) => (
          <li key={at}>{item}</li>
        ))}
        {left > 0 && <li>{words.before(left, formatNumber(left))}</li>}
      </ul>
    </div>
  );
}
