// The plot: panels one above the other, what mouse, fingers and keys do there, and the values under the crosshair.

import { effect, type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { themeColours } from "../plot/colours.ts";
import { listen } from "../plot/gestures.ts";
import { px } from "../plot/px.ts";
import { theme } from "../theme.ts";
import { goTo } from "./address.ts";
import { Lanes } from "./lanes.tsx";
import { panelsOf } from "./overlay.ts";
import { type Area, type Looks, Panels } from "./panels.ts";
import { pan, type Range, select, type Times, zoom } from "./range.ts";
import { middle } from "./range_bar.tsx";
import { Readout } from "./readout.tsx";
import { labelOf, moment, type Shown, timeAt, yesAndNo } from "./shown.ts";
import type { Study } from "./study.ts";
import { historyWords } from "./words.ts";

const CALM_MS = 350; // a turn of the wheel is one step of the address

export function Plot({ shown }: { shown: Shown }) {
  const { study, drawing, session } = shown;
  const words = historyWords.value;
  const host = useRef<HTMLDivElement>(null);
  const area = useSignal<Area | null>(null);
  const width = useSignal(0);
  const pointed = useSignal<number | null>(null);
  const stretch = useSignal<[number, number] | null>(null);
  const steps = useMemo(() => new Steps(study), [study]);
  const panels = useRef<Panels | null>(null);
  const now = useRef(shown);
  now.current = shown;

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const watcher = new ResizeObserver(() => {
      width.value = element.clientWidth;
      study.fit(element.clientWidth);
    });
    watcher.observe(element);
    panels.current = new Panels(element, looks(now));
    const endTheme = effect(() => {
      theme.value;
      panels.current?.restyle(looks(now));
      width.value = 0;
      width.value = element.clientWidth;
    });
    const endGestures = listen(element, {
      share: (x) => (x - (area.peek()?.left ?? 0)) / (area.peek()?.width ?? 1),
      point: (share) => {
        pointed.value = share;
      },
      mark: (marked) => {
        stretch.value = marked;
      },
      select: (from, to) => steps.go((times, at) => select(timeAt(times, from), timeAt(times, to), at)),
      pan: (share) => steps.preview((times, at) => pan(times, share, at)),
      zoom: (factor, share) => steps.preview((times, at) => zoom(times, factor, timeAt(times, share), at)),
      put: (share) => steps.go((times, at) => zoom(times, 2, timeAt(times, share), at)),
    });
    return () => {
      endTheme();
      endGestures();
      steps.end();
      watcher.disconnect();
      panels.current?.destroy();
    };
  }, [study, steps, area, width, pointed, stretch]);

  const available = width.value;
  useEffect(() => {
    if (available === 0 || panels.current === null) return;
    const { series, isOwn, drawing: drawn, instruments } = shown;
    const gaps = instruments.length === 1 ? (drawn.gaps.get(instruments[0] as string) ?? []) : [];
    const drawnPanels = series.length > 0 ? panelsOf(series, isOwn) : [{ series: [], isBoolean: false }];
    area.value = panels.current.draw(drawnPanels, drawn.times, gaps, available, isOwn);
  }, [shown, available, area]);

  const names = shown.instruments.map((name) => labelOf(session, name)).join(", ");
  const { from, to } = drawing.times;
  return (
    <div class="history-plot">
      <div
        class="panels"
        ref={host}
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an image that takes keys; there is no element for that
        tabIndex={0}
        aria-label={words.plotOf(names, moment(from), moment(to))}
        aria-describedby="history-keys"
        onKeyDown={(event) => {
          if (press(event, steps, pointed)) event.preventDefault();
        }}
      />
      <Crosshair area={area} pointed={pointed} />
      <Stretch area={area} stretch={stretch} />
      <Readout shown={shown} area={area} pointed={pointed} />
      <Lanes shown={shown} area={area} />
    </div>
  );
}

function looks(now: { current: Shown }): Looks {
  return {
    colours: themeColours(),
    style: (id) => now.current.placeOf(id),
    words: yesAndNo,
  };
}

/** Steps of looking elsewhere: at once, or shown at once and put into the address when it comes to rest. */
class Steps {
  private readonly study: Study;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(study: Study) {
    this.study = study;
  }

  go(find: (times: Times, now: number) => Range): void {
    const times = this.study.times.peek();
    if (times === null) return;
    clearTimeout(this.timer);
    goTo(find(times, this.study.now()));
  }

  preview(find: (times: Times, now: number) => Range): void {
    const times = this.study.times.peek();
    const range = times === null ? null : find(times, this.study.now());
    if (range?.kind !== "fixed") return;
    this.study.preview({ from: range.from, to: range.to });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => goTo(range), CALM_MS);
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

const READ_STEP = 0.01;

/** Whether the key means something here. */
function press(event: KeyboardEvent, steps: Steps, pointed: Signal<number | null>): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  const read = (by: number) => {
    pointed.value = Math.min(Math.max((pointed.value ?? 0.5) + by, 0), 1);
  };
  switch (event.key) {
    case "+":
    case "=":
      steps.preview((times, now) => zoom(times, 0.5, middle(times), now));
      return true;
    case "-":
    case "\u2212":
      steps.preview((times, now) => zoom(times, 2, middle(times), now));
      return true;
    case "ArrowLeft":
      event.shiftKey ? read(-READ_STEP) : steps.preview((times, now) => pan(times, -0.25, now));
      return true;
    case "ArrowRight":
      event.shiftKey ? read(READ_STEP) : steps.preview((times, now) => pan(times, 0.25, now));
      return true;
    case "PageUp":
      steps.go((times, now) => pan(times, -1, now));
      return true;
    case "PageDown":
      steps.go((times, now) => pan(times, 1, now));
      return true;
    case "Escape":
      pointed.value = null;
      return false;
    default:
      return false;
  }
}

function Crosshair({ area, pointed }: { area: Signal<Area | null>; pointed: Signal<number | null> }) {
  if (area.value === null || pointed.value === null) return null;
  const { left, top, width, height } = area.value;
  return <div class="crosshair" style={px({ left: left + pointed.value * width, top, height })} />;
}

function Stretch({ area, stretch }: { area: Signal<Area | null>; stretch: Signal<[number, number] | null> }) {
  if (area.value === null || stretch.value === null) return null;
  const { left, top, width, height } = area.value;
  const [one, other] = stretch.value.map((share) => Math.min(Math.max(share, 0), 1)) as [number, number];
  const [begin, end] = [Math.min(one, other), Math.max(one, other)];
  return <div class="stretch" style={px({ left: left + begin * width, width: (end - begin) * width, top, height })} />;
}
