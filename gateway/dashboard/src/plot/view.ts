// Which time is looked at: one that follows what comes, or one that stays. Times in µs.

export type View = { isLive: true; span: number } | { isLive: false; from: number; to: number };

const SECOND = 1_000_000;
export const WINDOWS_US = [10, 60, 600, 3600, 6 * 3600, 24 * 3600].map((seconds) => seconds * SECOND);
const SHORTEST_US = 100_000;
const LONGEST_US = 31 * 24 * 3600 * SECOND;

export function spanOf(view: View): number {
  return view.isLive ? view.span : view.to - view.from;
}

/** What is shown at `now`. */
export function rangeOf(view: View, now: number): { from: number; to: number } {
  return view.isLive ? { from: now - view.span, to: now } : { from: view.from, to: view.to };
}

export function pause(view: View, now: number): View {
  return view.isLive ? { isLive: false, ...rangeOf(view, now) } : view;
}

export function follow(view: View): View {
  return { isLive: true, span: Math.min(spanOf(view), WINDOWS_US.at(-1) as number) };
}

/** A window of that length: live it stays live, else around the middle of what is shown. */
export function show(view: View, span: number, now: number): View {
  return view.isLive ? { isLive: true, span } : zoom(view, span / spanOf(view), (view.from + view.to) / 2, now);
}

/** `factor` below 1 shows less. What is at `centre` stays where it is; live, the newest does. */
export function zoom(view: View, factor: number, centre: number, now: number): View {
  const span = bounded(spanOf(view) * factor);
  if (view.isLive) return { isLive: true, span };
  const share = (centre - view.from) / (view.to - view.from);
  const from = centre - span * share;
  return keep(from, from + span, now);
}

/** Zoom by pointing at a moment: away from the live edge it stops following. */
export function zoomAt(view: View, factor: number, centre: number, now: number): View {
  const { from, to } = rangeOf(view, now);
  const isAtEdge = centre > to - (to - from) * 0.1;
  return zoom(view.isLive && !isAtEdge ? pause(view, now) : view, factor, centre, now);
}

/** Move by a share of what is shown; past the newest it follows again. */
export function pan(view: View, share: number, now: number): View {
  if (view.isLive && share >= 0) return view;
  const { from, to } = rangeOf(view, now);
  const by = (to - from) * share;
  if (to + by >= now && share > 0) return follow(view);
  return keep(from + by, to + by, now);
}

export function select(from: number, to: number, now: number): View {
  const [begin, end] = from < to ? [from, to] : [to, from];
  const lacking = Math.max(SHORTEST_US - (end - begin), 0) / 2;
  return keep(begin - lacking, end + lacking, now);
}

/** Nothing is to be seen in the future. */
function keep(from: number, to: number, now: number): View {
  const by = Math.max(to - now, 0);
  return { isLive: false, from: from - by, to: to - by };
}

function bounded(span: number): number {
  return Math.min(Math.max(span, SHORTEST_US), LONGEST_US);
}
