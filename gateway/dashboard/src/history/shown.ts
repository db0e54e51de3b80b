// What the parts of the view share: what is drawn, and small sums about it.

import { nowMs } from "../clock.ts";
import { type Gap, gapAt } from "../plot/gaps.ts";
import type { Session } from "../sign_in/session.ts";
import { formatDay, formatTime, formatValue } from "../words/numbers.ts";
import { type Series, seriesId } from "./overlay.ts";
import type { Times } from "./range.ts";
import type { Drawing, Study } from "./study.ts";

export interface Shown {
  session: Session;
  study: Study;
  drawing: Drawing;
  /** Those that are switched on. */
  series: Series[];
  instruments: readonly string[];
  isOwn: boolean;
  /** Which colour and which dashes. */
  placeOf: (id: string) => number;
}

/** Places in the order of instruments and of their channels: the same whatever is answered first. */
export function placesOf(session: Session, instruments: readonly string[], series: readonly Series[]): string[] {
  return instruments.flatMap((name) => {
    const described = session.lab.instruments.value.get(name)?.channels ?? [];
    const ids = described.map((channel) => seriesId(name, channel.name, channel.unit));
    const others = series.filter(({ instrument, id }) => instrument === name && !ids.includes(id));
    return [...ids, ...others.map(({ id }) => id)];
  });
}

export function labelOf(session: Session, name: string): string {
  return session.lab.instruments.value.get(name)?.label ?? name;
}

export function channelLabel(session: Session, instrument: string, channel: string): string {
  return session.lab.instruments.value.get(instrument)?.labelOf(channel) ?? channel;
}

export function timeAt({ from, to }: Times, share: number): number {
  return from + (to - from) * share;
}

/** A moment with its day. */
export function moment(us: number): string {
  return `${formatDay(us)}, ${formatTime(us, us / 1000)}`;
}

export function gapOf(drawing: Drawing, instrument: string, time: number): Gap | null {
  return gapAt(drawing.gaps.get(instrument) ?? [], time, nowMs.peek() * 1000);
}

export function yesAndNo(): { yes: string; no: string } {
  return { yes: formatValue(true), no: formatValue(false) };
}
