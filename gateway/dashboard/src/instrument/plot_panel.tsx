// The plot of an instrument with all that belongs to it: what is shown and how, marks, notes, files, and the same in words.

import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Instrument } from "../lab/instrument.ts";
import { listen } from "../plot/gestures.ts";
import { px } from "../plot/px.ts";
import { pan, rangeOf, select, zoom, zoomAt } from "../plot/view.ts";
import { mayCommand } from "../rights.ts";
import type { Session } from "../sign_in/session.ts";
import { theme } from "../theme.ts";
import { language } from "../words/language.ts";
import { Events } from "./events.ts";
import { Export } from "./export.tsx";
import { gapOfNow } from "./gap_words.ts";
import { conditionNow } from "./header.tsx";
import { Legend } from "./legend.tsx";
import { Lists } from "./lists.tsx";
import { NoteForm, type NotePlace } from "./note_form.tsx";
import { Plotting } from "./plotting.ts";
import { PlotReadout } from "./readout.tsx";
import { Strip } from "./strip.tsx";
import { Summary } from "./summary.tsx";
import { Toolbar } from "./toolbar.tsx";
import { instrumentWords } from "./words.ts";

export interface Shown {
  session: Session;
  instrument: Instrument;
  plotting: Plotting;
  events: Events;
}

export function PlotPanel({ session, instrument }: { session: Session; instrument: Instrument }) {
  const [shown, setShown] = useState<Shown | null>(null);
  useEffect(() => {
    const plotting = new Plotting(session, instrument.name);
    const events = new Events(session, instrument);
    setShown({ session, instrument, plotting, events });
    const endState = effect(() => {
      const condition = conditionNow(session, instrument);
      plotting.tellGapNow(gapOfNow(condition, instrument.state.value, plotting.store.end));
    });
    return () => {
      endState();
      events.end();
      plotting.end();
    };
  }, [session, instrument]);
  return shown === null ? null : <Panel shown={shown} />;
}

function Panel({ shown }: { shown: Shown }) {
  const { session, instrument, plotting, events } = shown;
  const [place, setPlace] = useState<NotePlace | null>(null);
  const may = mayCommand(session.connection.rights.value, instrument.name);
  const put = (at: number) => {
    if (may) setPlace({ at: Math.round(at) });
  };
  const here = () => {
    const { from, to } = rangeOf(plotting.view.value, plotting.now());
    const share = plotting.pointedAt;
    put(share === null ? (plotting.view.value.isLive ? to : (from + to) / 2) : from + (to - from) * share);
  };
  return (
    <section class="plot panel" aria-label={instrumentWords.value.plot}>
      <Toolbar shown={shown} note={may ? here : null} />
      <Legend shown={shown} />
      <Canvas shown={shown} put={put} note={here} />
      <PlotReadout shown={shown} />
      <div class="row apart below">
        <p class="keys muted">{instrumentWords.value.keys}</p>
        <Export shown={shown} />
      </div>
      <Lists shown={shown} note={may ? here : null} />
      {place !== null && (
        <NoteForm
          shown={shown}
          place={place}
          close={() => {
            setPlace(null);
            events.again();
          }}
        />
      )}
    </section>
  );
}

/** Where it is drawn: what mouse, fingers and keys do there. */
function Canvas({ shown, put, note }: { shown: Shown; put: (at: number) => void; note: () => void }) {
  const { plotting } = shown;
  const host = useRef<HTMLDivElement>(null);
  const stretch = useSignal<[number, number] | null>(null);
  const putNow = useRef(put);
  putNow.current = put;
  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    plotting.attach(element);
    const watcher = new ResizeObserver(() => plotting.resize(element.clientWidth, element.clientHeight));
    watcher.observe(element);
    const range = () => rangeOf(plotting.view.value, plotting.now());
    const timeAt = (share: number) => range().from + (range().to - range().from) * share;
    const endGestures = listen(element, {
      share: (x) => (x - plotting.area.left) / plotting.area.width,
      point: (share) => plotting.point(share),
      mark: (marked) => {
        stretch.value = marked;
      },
      select: (from, to) => plotting.look(select(timeAt(from), timeAt(to), plotting.now())),
      pan: (share) => plotting.look(pan(plotting.view.value, share, plotting.now())),
      zoom: (factor, at) => plotting.look(zoomAt(plotting.view.value, factor, timeAt(at), plotting.now())),
      put: (share) => putNow.current(timeAt(share)),
    });
    const endTheme = effect(() => {
      theme.value;
      language.value;
      plotting.recolour();
    });
    return () => {
      endTheme();
      endGestures();
      watcher.disconnect();
      plotting.detach();
    };
  }, [plotting, stretch]);
  const act = (event: KeyboardEvent) => {
    if (!press(event, plotting, note)) return;
    event.preventDefault();
  };
  return (
    <div class="canvas">
      <Summary shown={shown} onKeyDown={act} host={host} />
      <Crosshair shown={shown} />
      {stretch.value !== null && <Stretch plotting={plotting} stretch={stretch.value} />}
      <Strip shown={shown} />
    </div>
  );
}

function Stretch({ plotting, stretch: [from, to] }: { plotting: Plotting; stretch: [number, number] }) {
  const { left, top, width, height } = plotting.area;
  const [begin, end] = [Math.min(from, to), Math.max(from, to)].map((share) => Math.min(Math.max(share, 0), 1));
  const place = { left: left + (begin as number) * width, width: ((end as number) - (begin as number)) * width };
  return <div class="stretch" style={{ ...px(place), ...px({ top, height }) }} />;
}

function Crosshair({ shown: { plotting } }: { shown: Shown }) {
  const share = plotting.readout.value === null ? null : plotting.pointedAt;
  if (share === null) return null;
  const { left, top, width, height } = plotting.area;
  return <div class="crosshair" style={px({ left: left + share * width, top, height })} />;
}

const STEP = 0.25;
const READ_STEP = 0.01;

/** Whether the key means something here. */
function press(event: KeyboardEvent, plotting: Plotting, note: () => void): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  const [view, now] = [plotting.view.value, plotting.now()];
  const { from, to } = rangeOf(view, now);
  const middle = (from + to) / 2;
  const read = (by: number) =>
    plotting.point(Math.min(Math.max((plotting.pointedAt ?? (view.isLive ? 0.99 : 0.5)) + by, 0), 1));
  switch (event.key) {
    case "+":
    case "=":
      plotting.look(zoom(view, 1 / 1.5, middle, now));
      return true;
    case "-":
    case "\u2212":
      plotting.look(zoom(view, 1.5, middle, now));
      return true;
    case "ArrowLeft":
      event.shiftKey ? read(-READ_STEP) : plotting.look(pan(view, -STEP, now));
      return true;
    case "ArrowRight":
      event.shiftKey ? read(READ_STEP) : plotting.look(pan(view, STEP, now));
      return true;
    case "PageUp":
      plotting.look(pan(view, -1, now));
      return true;
    case "PageDown":
      plotting.look(pan(view, 1, now));
      return true;
    case " ":
      plotting.togglePause();
      return true;
    case "End":
      plotting.follow();
      return true;
    case "Escape":
      plotting.point(null);
      return false;
    case "n":
    case "N":
      note();
      return true;
    default:
      return false;
  }
}
