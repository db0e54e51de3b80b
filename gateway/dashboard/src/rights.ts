// What a user may, as far as the page need know to offer it: the broker decides, and refuses.

import type { Rights } from "./wire/messages.ts";

/** undefined: not told yet; null: nobody told, as of the first admin, and the broker decides. */
export function mayCommand(rights: Rights | undefined, instrument?: string): boolean {
  if (rights === undefined) return false;
  if (rights === null) return true;
  if (rights.role === "observer" || rights.role === "public") return false;
  if (instrument === undefined || rights.role === "admin") return true;
  return rights.instruments.some((granted) => covers(granted, instrument));
}

export function mayAdminister(rights: Rights | undefined): boolean {
  return rights === null || rights?.role === "admin";
}

/** Whether a grant such as `pi-1/+` holds for `pi-1/balance`. */
function covers(granted: string, instrument: string): boolean {
  const parts = instrument.split("/");
  return granted.split("/").every((name, at) => name === "+" || name === parts[at]);
}
