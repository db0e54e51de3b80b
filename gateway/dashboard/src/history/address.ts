// What is looked at stands in the address: each change of it is a step that the browser's Back undoes.

import { type Route, route, write } from "../routes.ts";
import { type Range, writeRange } from "./range.ts";

type Shown = Extract<Route, { view: "history" }>;

/** The address as it is; an empty one where another view is shown. */
export function shownNow(): Shown {
  const here = route.value;
  return here.view === "history" ? here : { view: "history", instruments: [], from: "", to: "" };
}

export function goTo(range: Range): void {
  change(writeRange(range));
}

export function change(by: Partial<Shown>): void {
  location.hash = write({ ...shownNow(), ...by });
}

/** Switching a channel on and off is no step. */
export function adjust(by: Partial<Shown>): void {
  const changed = { ...shownNow(), ...by };
  history.replaceState(history.state, "", write(changed));
  route.value = changed;
}

export function toggleInstrument(name: string): void {
  const { instruments } = shownNow();
  const rest = instruments.filter((one) => one !== name);
  change({ instruments: rest.length === instruments.length ? [...instruments, name] : rest });
}

export function toggleChannel(id: string): void {
  const { hidden = [] } = shownNow();
  const rest = hidden.filter((one) => one !== id);
  adjust({ hidden: rest.length === hidden.length ? [...hidden, id] : rest });
}
