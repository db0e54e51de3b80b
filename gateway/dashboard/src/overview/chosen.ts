// What the reader chose to see. The order is kept for good; what hides instruments only until the tab is closed.

import { effect, type Signal, signal } from "@preact/signals";
import { keep, readKept } from "../kept.ts";
import { session } from "../sign_in/session.ts";
import type { Chip, Order } from "./order.ts";

export const search: Signal<string> = signal(readKept("search", "closed") ?? "");

export const chips: Signal<ReadonlySet<Chip>> = signal(
  new Set((readKept("chips", "closed") ?? "").split(" ").filter(Boolean) as Chip[]),
);

export const order: Signal<Order> = signal(readKept("order", "forever") === "name" ? "name" : "state");

export function toggle(chip: Chip): void {
  const chosen = new Set(chips.value);
  if (!chosen.delete(chip)) chosen.add(chip);
  chips.value = chosen;
}

export function showAll(): void {
  search.value = "";
  chips.value = new Set();
}

effect(() => keep("search", search.value || null, "closed"));
effect(() => keep("chips", [...chips.value].join(" ") || null, "closed"));
effect(() => keep("order", order.value, "forever"));

// Who comes next shall not find a page on which instruments lack.
let wasSignedIn = false;
effect(() => {
  const isSignedIn = session.value !== null;
  if (wasSignedIn && !isSignedIn) showAll();
  wasSignedIn = isSignedIn;
});
