// What was made: a batch names its instruments and when it was made, where a service keeps batches.

import { useEffect, useState } from "preact/hooks";
import type { Session } from "../sign_in/session.ts";
import { change, shownNow } from "./address.ts";
import { writeRange } from "./range.ts";
import { historyWords } from "./words.ts";

export interface Batch {
  number: number;
  name: string;
  instruments: string[];
  began: number;
  ended: number | null;
}

interface Page {
  batches: Batch[];
  more: boolean;
}

const MOST_PAGES = 5;

export function BatchChooser({ session }: { session: Session }) {
  const words = historyWords.value;
  const { connection, lab } = session;
  const service = lab.service("batches");
  const rights = connection.rights.value;
  const isLive = connection.standing.value === "live";
  const [batches, setBatches] = useState<Batch[]>([]);
  useEffect(() => {
    if (service === null || rights === undefined || !isLive) return;
    const grants = rights === null || rights.role === "admin" ? ["+/+"] : rights.instruments;
    readBatches((body) => connection.request<Page>(service, body), grants).then(setBatches, () => undefined);
  }, [connection, service, rights, isLive]);
  if (batches.length === 0) return null;
  const show = (number: number) => {
    const batch = batches.find((one) => one.number === number);
    if (batch !== undefined) change({ instruments: batch.instruments, ...timesOf(batch, connection.now() * 1000) });
  };
  const here = shownNow();
  const shown = batches.find(
    (batch) => timesOf(batch, 0).from === here.from && batch.instruments.join() === here.instruments.join(),
  );
  return (
    <label class="batch">
      {words.batch}
      <select value={shown?.number ?? ""} onChange={(event) => show(Number(event.currentTarget.value))}>
        <option value="">{words.noBatch}</option>
        {batches.map(({ number, name, ended }) => (
          <option key={number} value={number}>
            {ended === null ? words.openBatch(name) : name}
          </option>
        ))}
      </select>
    </label>
  );
}

function timesOf({ began, ended }: Batch, now: number): { from: string; to: string } {
  return writeRange({ kind: "fixed", from: began, to: Math.max(ended ?? now, began + 1_000_000) });
}

/** Those with an instrument under any of these grants, the one that began last first. */
export async function readBatches(
  ask: (body: Record<string, unknown>) => Promise<Page>,
  grants: readonly string[],
): Promise<Batch[]> {
  const found = new Map<number, Batch>();
  for (const instrument of grants) {
    let after: number | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const { batches, more } = await ask({ request: "batch-list", instrument, ...(after !== undefined && { after }) });
      for (const batch of batches) found.set(batch.number, batch);
      after = batches.at(-1)?.number;
      if (!more || after === undefined) break;
    }
  }
  return [...found.values()].sort((one, other) => other.began - one.began);
}
