// A series' colour and dashes, as its line has them.

import { DASHES, dashOf } from "../plot/colours.ts";

export function Swatch({ place }: { place: number }) {
  return (
    <svg class={`history-swatch plot-${(place % 8) + 1}`} viewBox="0 0 32 8" aria-hidden="true">
      <line x1="0" y1="4" x2="32" y2="4" stroke-dasharray={DASHES[dashOf(place)]?.join(" ")} />
    </svg>
  );
}
