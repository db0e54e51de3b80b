// Which cards are shown, and in what order: what is searched for, the chosen states, the worst or the name first.

import { CONDITIONS, type Condition } from "../lab/condition.ts";

export type Order = "state" | "name";

/** What can be chosen to be shown alone: a state, or what has an active alarm. */
export type Chip = Condition | "alarm";

export interface Choices {
  search: string;
  chips: ReadonlySet<Chip>; // none: all
  order: Order;
}

/** What of an instrument decides about its place. */
export interface Placed {
  name: string;
  label: string;
  condition: Condition;
  /** Its worst active alarm. */
  alarm: "alarm" | "warning" | null;
  /** Whatever it may be found by. */
  words: string;
}

export function arrange<One extends Placed>(
  all: readonly One[],
  { search, chips, order }: Choices,
  locale = "en",
): One[] {
  const wanted = plain(search).split(/\s+/).filter(Boolean);
  const found = all.filter((one) => isChosen(one, chips) && isFound(one, wanted));
  const names = new Intl.Collator(locale, { numeric: true });
  const byName = (one: One, other: One) => names.compare(one.label, other.label) || names.compare(one.name, other.name);
  if (order === "name") return found.sort(byName);
  return found.sort((one, other) => urgencyOf(one) - urgencyOf(other) || byName(one, other));
}

/** How many there are of each, in the order of urgency; of what there is none nothing. */
export function countChips(all: readonly Placed[]): [Chip, number][] {
  const every: Chip[] = ["alarm", ...CONDITIONS];
  return every
    .map((chip): [Chip, number] => [chip, all.filter((one) => hasChip(one, chip)).length])
    .filter(([, count]) => count > 0);
}

function isChosen(one: Placed, chips: ReadonlySet<Chip>): boolean {
  return chips.size === 0 || [...chips].some((chip) => hasChip(one, chip));
}

function hasChip(one: Placed, chip: Chip): boolean {
  return chip === "alarm" ? one.alarm !== null : one.condition === chip;
}

function isFound(one: Placed, wanted: readonly string[]): boolean {
  if (wanted.length === 0) return true;
  const words = plain(one.words);
  return wanted.every((word) => words.includes(word));
}

/** Who types "ofen" or "OFEN" finds "Öfen" too. */
function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** What an instrument says of itself counts only while its agent is there: an old alarm is no news. */
function urgencyOf({ condition, alarm }: Placed): number {
  const isNews = condition !== "offline";
  if (alarm === "alarm" && isNews) return -2;
  if (alarm === "warning" && isNews) return -1;
  return CONDITIONS.indexOf(condition);
}
