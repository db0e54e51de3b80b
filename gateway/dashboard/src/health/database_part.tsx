// The broker, and the database: whether they answer, how large the database is, and for how long its disk will do.

import { formatBytes, formatNumber } from "../words/numbers.ts";
import { type Fact, Facts } from "./facts.tsx";
import { type Finding, FOUND_CLASSES, FOUND_SHAPES, worst } from "./findings.ts";
import type { Polling } from "./polling.ts";
import { daysInWords, type Storage } from "./storage.ts";
import { healthWords } from "./words.ts";

interface GivenParts {
  polling: Polling;
  findings: readonly Finding[];
  /** Whether what is not there is missing. */
  isKnown: boolean;
}

export function DatabasePart({ polling, findings, isKnown }: GivenParts) {
  const words = healthWords.value;
  const storage = polling.storage.value;
  return (
    <section class="panel stack" aria-labelledby="health-database">
      <h2 id="health-database">{words.database}</h2>
      <ul class="health-list">
        <Part name={words.linkNames.broker} id="broker" findings={findings} unknown={words.notKnown} />
        <Part
          name={words.linkNames.database}
          id="database"
          findings={findings}
          unknown={isKnown ? words.databaseUnknown : words.notKnown}
        >
          {storage !== null && <Facts facts={facts(storage)} />}
          {polling.storageRefusal.value && <p class="muted">{polling.storageRefusal}</p>}
          {storage !== null && storage.tables.length > 0 && <Tables storage={storage} />}
        </Part>
      </ul>
    </section>
  );
}

interface Given {
  name: string;
  id: string;
  findings: readonly Finding[];
  unknown: string;
  children?: preact.ComponentChildren;
}

function Part({ name, id, findings, unknown, children }: Given) {
  const words = healthWords.value;
  const found = findings.filter((finding) => finding.id === id);
  const state = worst(found);
  return (
    <li class="health-part">
      <h3>
        <span class={`shape ${FOUND_CLASSES[state]}`} role="img" aria-label={words.states[state]}>
          {FOUND_SHAPES[state]}
        </span>
        {name}
        <span class="health-said">
          <bdi>{found.map((one) => one.found).join(" ") || unknown}</bdi>
        </span>
      </h3>
      {children}
    </li>
  );
}

function facts({ bytes, per_day, free, days }: Storage): Fact[] {
  const words = healthWords.value;
  const enough = days !== null ? daysInWords(days) : per_day === null ? words.tooNew : words.forEver;
  return [
    { name: words.size, value: <span class="number">{formatBytes(bytes)}</span> },
    { name: words.growth, value: per_day === null ? words.tooNew : words.perDay(formatBytes(per_day)) },
    { name: words.free, value: free === null ? words.notKnown : formatBytes(free) },
    { name: words.enough, value: free === null ? words.notKnown : enough },
  ];
}

function Tables({ storage: { tables } }: { storage: Storage }) {
  const words = healthWords.value;
  const sorted = [...tables].sort((one, other) => other.bytes - one.bytes);
  return (
    <details>
      <summary>{words.tables}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.table}</th>
            <th scope="col" class="number">
              {words.size}
            </th>
            <th scope="col" class="number">
              {words.growth}
            </th>
            <th scope="col">{words.keptFor}</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ name, bytes, per_day, kept_days }) => (
            <tr key={name}>
              <th scope="row">
                <bdi>{name}</bdi>
              </th>
              <td class="number">{formatBytes(bytes)}</td>
              <td class="number">{per_day === null ? "\u2013" : words.perDay(formatBytes(per_day))}</td>
              <td>{kept_days === null ? words.keptForEver : words.days(formatNumber(kept_days, 0))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
