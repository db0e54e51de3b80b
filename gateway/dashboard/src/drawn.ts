// How many pictures were drawn, for tests and benchmarks: window.kleinmaelzung.drawn.plot, .sparkline, .card.

interface Counters {
  drawn: Record<string, number>;
  /** From now on `drawn.frame` counts the screen's pictures that the page kept up with; that keeps it awake. */
  countFrames: () => void;
}

declare global {
  interface Window {
    kleinmaelzung?: Counters;
  }
}

/** One more picture of `name` was drawn. */
export function count(name: string): void {
  window.kleinmaelzung ??= { drawn: {}, countFrames };
  const { drawn } = window.kleinmaelzung;
  drawn[name] = (drawn[name] ?? 0) + 1;
}

function countFrames(): void {
  requestAnimationFrame(() => {
    count("frame");
    countFrames();
  });
}
