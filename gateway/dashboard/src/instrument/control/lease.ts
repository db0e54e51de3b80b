// Who alone may command an instrument now, seen from this page. Pure: the moment comes in.

import type { Control } from "../../wire/messages.ts";

export const DURATIONS_S = [60, 300, 600, 1800, 3600];
export const USUAL_S = 600;

/** here: by this page. elsewhere: by the same user in another session, such as another tab or a program. */
export type Holding =
  | { by: "nobody" }
  | { by: "here" | "elsewhere" | "other"; user: string; untilUs: number; leftMs: number };

export function holdingOf(
  control: Control | null,
  own: { user: string; session: string } | null,
  nowMs: number,
): Holding {
  const leftMs = (control?.until ?? 0) / 1000 - nowMs;
  if (!control?.user || leftMs <= 0) return { by: "nobody" };
  const isOwn = control.user === own?.user;
  const by = !isOwn ? "other" : control.session === own.session ? "here" : "elsewhere";
  return { by, user: control.user, untilUs: control.until, leftMs };
}

/** `9:58`, `1:00:00`: as a clock that runs down. */
export function countdown(leftMs: number): string {
  const left = Math.ceil(Math.max(leftMs, 0) / 1000);
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  const two = (number: number) => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}
