// A sparkline on a canvas: drawn only while its card is in sight, once a second at most, in the colours of the theme.

import { computed, effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { count } from "../drawn.ts";
import type { Instrument } from "../lab/instrument.ts";
import type { Session } from "../sign_in/session.ts";
import { theme } from "../theme.ts";
import { place, type Size } from "./sparkline.ts";
import { linesOf, TRACE_US } from "./trace.ts";
import { type Traced, tracesOf } from "./traces.ts";

const EVERY_MS = 3000; // a line that only moves to the left needs no more
const MARGIN = 4;
const LINE = 1.5;

interface Given {
  session: Session;
  instrument: Instrument;
  isLive: boolean;
}

export function Spark({ session, instrument, isLive }: Given) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const live = useRef(isLive);
  live.current = isLive;
  useEffect(
    () => (canvas.current ? draw(canvas.current, session, instrument, live) : undefined),
    [session, instrument],
  );
  return (
    <div class="spark" aria-hidden="true">
      <canvas ref={canvas} />
    </div>
  );
}

const colours = computed(() => {
  const drawn = theme.value; // read only when it changes: to ask for styles costs a layout
  const style = getComputedStyle(document.documentElement);
  return { drawn, live: style.getPropertyValue("--plot-1"), old: style.getPropertyValue("--strong-line") };
});

function draw(canvas: HTMLCanvasElement, session: Session, instrument: Instrument, live: { current: boolean }) {
  const traces = tracesOf(session);
  const isSeen = signal(false);
  const size = signal<Size>({ width: 0, height: 0 });
  let drawn = "";
  const ends = [
    watchSight(canvas.closest("li") ?? canvas, (seen) => {
      isSeen.value = seen;
    }),
    watchSize(canvas, (measured) => {
      size.value = measured;
    }),
    effect(() => {
      const { trace, channel } = traces.of(instrument);
      if (!isSeen.value) traces.fill.drop(trace);
      else if (session.connection.standing.value === "live" && channel.value !== "")
        traces.fill.want({ instrument: instrument.name, channel: channel.value, trace });
    }),
    effect(() => {
      const now = nowMs.value;
      const { width, height } = size.value;
      if (!isSeen.value || width === 0) return;
      const traced = traces.of(instrument);
      const colour = live.current ? colours.value.live : colours.value.old;
      const next = [traced.trace.changes, Math.floor(now / EVERY_MS), width, height, colour].join(" ");
      if (next !== drawn) drawTrace(canvas, size.value, colour, traced, now * 1000);
      drawn = next;
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function drawTrace(canvas: HTMLCanvasElement, size: Size, colour: string, traced: Traced, now: number): void {
  count("sparkline");
  const context = fit(canvas, size);
  if (context === null) return;
  const span = { from: now - TRACE_US, until: now };
  const inner = { width: size.width - MARGIN, height: size.height - 2 * MARGIN };
  const lines = linesOf(traced.trace.since(span.from));
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = LINE;
  context.lineJoin = "round";
  for (const line of place(lines, span, inner, traced.slots.leastRange(traced.channel.peek()))) drawLine(context, line);
}

/** As many dots as the screen has, up to two a pixel; empty. */
function fit(canvas: HTMLCanvasElement, { width, height }: Size): CanvasRenderingContext2D | null {
  const scale = Math.min(devicePixelRatio, 2);
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext("2d");
  context?.setTransform(scale, 0, 0, scale, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

function drawLine(context: CanvasRenderingContext2D, line: readonly number[]): void {
  context.beginPath();
  if (line.length > 2) {
    for (let at = 0; at < line.length; at += 2) context.lineTo(line[at] ?? 0, (line[at + 1] ?? 0) + MARGIN);
    context.stroke();
  } else {
    context.arc(line[0] ?? 0, (line[1] ?? 0) + MARGIN, LINE, 0, 2 * Math.PI); // one value alone
    context.fill();
  }
}

// One observer of each kind for all cards, for hundreds of them cost something.
const whenSeen = new Map<Element, (isSeen: boolean) => void>();
const whenSized = new Map<Element, (size: Size) => void>();
const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) whenSeen.get(entry.target)?.(entry.isIntersecting);
});
const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) whenSized.get(target)?.(contentRect);
});

function watchSight(element: Element, then: (isSeen: boolean) => void): () => void {
  whenSeen.set(element, then);
  sight.observe(element);
  return () => {
    whenSeen.delete(element);
    sight.unobserve(element);
  };
}

function watchSize(element: Element, then: (size: Size) => void): () => void {
  whenSized.set(element, then);
  sizes.observe(element);
  return () => {
    whenSized.delete(element);
    sizes.unobserve(element);
  };
}
