// Which time is shown: windows, pause and live, zoom and move, and a note.

import { Step } from "../plot/step.tsx";
import { pan, rangeOf, show, spanOf, WINDOWS_US, zoom } from "../plot/view.ts";
import type { Shown } from "./plot_panel.tsx";
import { instrumentWords } from "./words.ts";

export function Toolbar({ shown: { plotting }, note }: { shown: Shown; note: (() => void) | null }) {
  const words = instrumentWords.value;
  const view = plotting.view.value;
  const zoomBy = (factor: number) => {
    const { from, to } = rangeOf(plotting.view.value, plotting.now());
    plotting.look(zoom(plotting.view.value, factor, (from + to) / 2, plotting.now()));
  };
  const panBy = (share: number) => plotting.look(pan(plotting.view.value, share, plotting.now()));
  const chosen = WINDOWS_US.findIndex((span) => Math.abs(span - spanOf(view)) < 1000);
  return (
    <div class="toolbar">
      <fieldset class="windows">
        <legend class="hidden">{words.window}</legend>
        {WINDOWS_US.map((span, at) => (
          <button
            key={span}
            type="button"
            aria-pressed={at === chosen}
            onClick={() => plotting.look(show(plotting.view.value, span, plotting.now()))}
          >
            {words.windows[at]}
          </button>
        ))}
      </fieldset>
      <div class="row steps">
        <Step sign={"\u2039"} name={words.earlier} press={() => panBy(-0.5)} />
        <Step sign={"\u2212"} name={words.wider} press={() => zoomBy(2)} />
        <Step sign="+" name={words.closer} press={() => zoomBy(0.5)} />
        <Step sign={"\u203a"} name={words.later} press={() => panBy(0.5)} isOff={view.isLive} />
      </div>
      <div class="row">
        {view.isLive ? (
          <button key="pause" type="button" class="follow" onClick={() => plotting.pause()}>
            <span aria-hidden="true">{"\u2016"}</span> {words.pause}
          </button>
        ) : (
          <button key="pause" type="button" class="follow primary" onClick={() => plotting.follow()}>
            <span aria-hidden="true">{"\u25b6"}</span> {words.live}
          </button>
        )}
        {note !== null && (
          <button type="button" onClick={note}>
            <span aria-hidden="true">{"\u25a0"}</span> {words.note}
          </button>
        )}
      </div>
    </div>
  );
}
