// The element that holds the canvas, and what it shows in one sentence, for who does not see it.

import type { RefObject } from "preact";
import { nowMs } from "../clock.ts";
import { formatNumber, formatTime } from "../words/numbers.ts";
import type { Shown } from "./plot_panel.tsx";
import { instrumentWords } from "./words.ts";

const LONGEST = 60;

interface Given {
  shown: Shown;
  host: RefObject<HTMLDivElement | null>;
  onKeyDown: (event: KeyboardEvent) => void;
}

export function Summary({ shown, host, onKeyDown }: Given) {
  return (
    <div
      class="host"
      ref={host as RefObject<HTMLDivElement>}
      role="img"
      aria-label={sentence(shown)}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an image that takes keys; there is no element for that
      tabIndex={0}
      onKeyDown={onKeyDown}
    />
  );
}

function sentence({ plotting, instrument }: Shown): string {
  const words = instrumentWords.value;
  const told = plotting.told.value;
  if (told === null) return words.picture(clipped(instrument.label));
  const ranges = told.ranges.flatMap(({ id, range }) => {
    const channel = plotting.channels.value.find((one) => one.id === id);
    if (channel === undefined || range === null) return [];
    const [low, high] = range.map((value) => formatNumber(Number(value.toPrecision(6))));
    return [words.rangeOf(clipped(instrument.labelOf(channel.name)), low ?? "", high ?? "", channel.unit).trim()];
  });
  const [from, to] = [formatTime(told.from, nowMs.value), formatTime(told.to, nowMs.value)];
  return words.plotOf(clipped(instrument.label), from, to, ranges.join("; ") || words.nothing, told.gaps.length);
}

/** A sentence with a name of thousands of letters is none. */
function clipped(name: string): string {
  return name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name;
}
