// The channels of a plot, each with its colour and its dashes: a button that hides it or shows it again.

import { DASHES } from "../plot/colours.ts";
import type { Shown } from "./plot_panel.tsx";
import { instrumentWords } from "./words.ts";

export function Legend({ shown: { plotting, instrument } }: { shown: Shown }) {
  return (
    <ul class="legend" aria-label={instrumentWords.value.channels}>
      {plotting.channels.value.map((channel) => (
        <li key={channel.id}>
          <button
            type="button"
            aria-pressed={!plotting.hidden.value.has(channel.id)}
            onClick={() => plotting.toggle(channel.id)}
          >
            <Line place={plotting.placeOf(channel.id)} />
            <bdi class="clip">{instrument.labelOf(channel.name)}</bdi>
            {channel.unit !== "" && <bdi class="unit">{channel.unit}</bdi>}
          </button>
        </li>
      ))}
    </ul>
  );
}

export function Line({ place }: { place: number }) {
  return (
    <svg class={`swatch plot-${(place % 8) + 1}`} viewBox="0 0 32 8" aria-hidden="true">
      <line x1="0" y1="4" x2="32" y2="4" stroke-dasharray={DASHES[place % 8]?.join(" ")} />
    </svg>
  );
}
