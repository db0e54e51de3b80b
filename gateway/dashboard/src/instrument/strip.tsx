// Marks under the plot: what happened at that time, told when it is pointed at or has the focus.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { within } from "../plot/gaps.ts";
import { markInWords } from "./mark_words.ts";
import { type Group, group, kindOf, markOfGap, SHAPES } from "./marks.ts";
import type { Shown } from "./plot_panel.tsx";
import { instrumentWords } from "./words.ts";

const APART_PX = 30;

export function Strip({ shown }: { shown: Shown }) {
  const { plotting, events } = shown;
  const words = instrumentWords.value;
  const strip = useRef<HTMLDivElement>(null);
  const row = useRef<HTMLUListElement>(null);
  const told = useSignal<{ group: Group; left: number } | null>(null);
  const looked = plotting.told.value;
  const apart = looked === null ? 1 : ((looked.to - looked.from) / Math.max(plotting.area.width, 1)) * APART_PX;
  const [from, to] = [looked?.from ?? 0, looked?.to ?? 0];
  const marks = events.marks.value;
  const groups = useMemo(() => {
    const gaps = within(looked?.gaps ?? [], from, to, to).map((gap) => markOfGap(gap, from, to));
    const near = marks.filter(({ at }) => at >= from - (to - from) && at <= to + (to - from));
    return group([...near, ...gaps], apart);
  }, [marks, looked, apart, from, to]);
  const place = () => {
    const { picture, area } = plotting;
    if (picture === null || strip.current === null || row.current === null) return;
    strip.current.style.left = `${area.left}px`;
    strip.current.style.width = `${area.width}px`;
    const scale = area.width / (picture.to - picture.from);
    for (const [at, element] of [...row.current.children].entries()) {
      const shownAt = groups[at];
      if (shownAt === undefined) continue;
      const x = (shownAt.at - picture.from) * scale;
      const isIn = x >= -4 && x <= area.width + 4;
      (element as HTMLElement).style.transform = `translateX(${x.toFixed(1)}px)`;
      (element as HTMLElement).style.visibility = isIn ? "visible" : "hidden";
    }
  };
  plotting.onDraw = (picture) => {
    events.want(picture.from, picture.to);
    place();
  };
  useEffect(place);
  const tell = (one: Group | null) => {
    const { picture, area } = plotting;
    if (one === null || picture === null) told.value = null;
    else told.value = { group: one, left: ((one.at - picture.from) / (picture.to - picture.from)) * area.width };
  };
  return (
    <div class="strip" ref={strip}>
      <ul aria-label={words.marks} ref={row}>
        {groups.map((one) => (
          <li key={one.id}>
            <button
              type="button"
              class={`mark-${kindOf(one)}`}
              aria-label={labelOf(one)}
              onMouseEnter={() => tell(one)}
              onMouseLeave={() => tell(null)}
              onFocus={() => tell(one)}
              onBlur={() => tell(null)}
            >
              <span aria-hidden="true">{one.marks.length > 1 ? one.marks.length : SHAPES[kindOf(one)]}</span>
            </button>
          </li>
        ))}
      </ul>
      {told.value !== null && <Told group={told.value.group} left={told.value.left} />}
    </div>
  );
}

function labelOf({ marks }: Group): string {
  const sentences = marks.slice(0, 5).map((mark) => markInWords(mark, nowMs.peek()));
  return marks.length === 1
    ? (sentences[0] ?? "")
    : `${instrumentWords.value.several(marks.length)}: ${sentences.join("; ")}`;
}

const MOST_TOLD = 8;

function Told({ group: { marks }, left }: { group: Group; left: number }) {
  return (
    <ul class={left > 400 ? "told is-left" : "told"} role="tooltip" style={{ left: `${Math.max(left, 0)}px` }}>
      {marks.slice(0, MOST_TOLD).map((mark) => (
        <li key={mark.id}>
          <span class={`mark-${mark.kind}`} aria-hidden="true">
            {SHAPES[mark.kind]}
          </span>{" "}
          <bdi>{markInWords(mark, nowMs.value)}</bdi>
        </li>
      ))}
      {marks.length > MOST_TOLD && <li>…</li>}
    </ul>
  );
}
