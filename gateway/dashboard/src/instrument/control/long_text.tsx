// Text that others wrote, whatever it is: clipped where it is long, with a way to see all of it.

import { formatNumber } from "../../words/numbers.ts";
import { controlWords } from "./words.ts";

const MOST = 160;

export function LongText({ text, most = MOST }: { text: string; most?: number }) {
  if (text.length <= most) return <bdi>{text}</bdi>;
  return (
    <details class="long-text">
      <summary>
        <bdi>{beginning(text, most)}…</bdi> <span>{controlWords.value.showAll(formatNumber(text.length))}</span>
      </summary>
      <bdi>{text}</bdi>
    </details>
  );
}

/** Never half a character. */
function beginning(text: string, most: number): string {
  return text.slice(0, most).replace(/[\ud800-\udbff]$/, "");
}
