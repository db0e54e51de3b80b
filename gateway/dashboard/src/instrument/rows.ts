// The newest points of several lines as rows of a table, one for each time. Pure.

import type { Drawn } from "../plot/picture.ts";

export interface Row {
  time: number;
  values: Map<string, { min: number; max: number }>;
}

/** At most so many, the newest first. */
export function rowsOf(lines: readonly Pick<Drawn, "id" | "line">[], from: number, to: number, most: number): Row[] {
  const rows = new Map<number, Row>();
  for (const { id, line } of lines) {
    let taken = 0;
    for (let at = line.length - 1; at >= 0 && taken < most; at -= 1) {
      const time = line.time[at] as number;
      if (time < from || time > to) continue;
      const row = rows.get(time) ?? { time, values: new Map() };
      row.values.set(id, { min: line.min[at] as number, max: line.max[at] as number });
      rows.set(time, row);
      taken += 1;
    }
  }
  return [...rows.values()].sort((one, other) => other.time - one.time).slice(0, most);
}
