// Which instruments are looked at: those chosen, and a list to choose from.

import { useState } from "preact/hooks";
import type { Session } from "../sign_in/session.ts";
import { toggleInstrument } from "./address.ts";
import { BatchChooser } from "./batches.tsx";
import { labelOf } from "./shown.ts";
import { historyWords } from "./words.ts";

const MOST_LISTED = 60;
export const MOST_CHOSEN = 12;
const FULL_NAME = /^[a-z0-9][a-z0-9_-]{0,31}\/[a-z0-9][a-z0-9_-]{0,31}$/;

export function Chooser({ session, chosen }: { session: Session; chosen: readonly string[] }) {
  const words = historyWords.value;
  const [isOpen, setOpen] = useState(chosen.length === 0);
  return (
    <section class="panel chooser" aria-label={words.chosen}>
      <div class="row apart">
        <ul class="chosen-list" aria-label={words.chosen}>
          {chosen.map((name) => (
            <li key={name}>
              <Chip session={session} name={name} />
            </li>
          ))}
          <li>
            <button
              type="button"
              aria-expanded={isOpen}
              aria-controls="instrument-list"
              onClick={() => setOpen(!isOpen)}
            >
              <span aria-hidden="true">{isOpen ? "\u25b4" : "\u25be"}</span> {words.choose}
            </button>
          </li>
        </ul>
        <div class="of-batches">
          <BatchChooser session={session} />
        </div>
      </div>
      <div id="instrument-list" hidden={!isOpen}>
        {isOpen && <List session={session} chosen={chosen} />}
      </div>
    </section>
  );
}

function Chip({ session, name }: { session: Session; name: string }) {
  const label = labelOf(session, name);
  return (
    <button
      type="button"
      class="chip"
      aria-label={historyWords.value.remove(label)}
      onClick={() => toggleInstrument(name)}
    >
      <bdi class="clip">{label}</bdi>
      <span aria-hidden="true">{"\u00d7"}</span>
    </button>
  );
}

function List({ session, chosen }: { session: Session; chosen: readonly string[] }) {
  const words = historyWords.value;
  const [sought, setSought] = useState("");
  const all = [...session.lab.instruments.value.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  const found = all.filter(({ name, label }) => holds(`${name} ${label}`, sought));
  const isFull = chosen.length >= MOST_CHOSEN;
  const isGone = FULL_NAME.test(sought.trim()) && !session.lab.instruments.value.has(sought.trim());
  return (
    <div class="stack">
      <label class="search">
        {words.search}
        <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
      </label>
      {all.length === 0 && <p class="muted">{words.noInstruments}</p>}
      {all.length > 0 && found.length === 0 && !isGone && <p class="muted">{words.nobody}</p>}
      {isGone && (
        <button type="button" class="plain" onClick={() => toggleInstrument(sought.trim())}>
          {words.byName(sought.trim())}
        </button>
      )}
      <ul class="to-choose">
        {found.slice(0, MOST_LISTED).map(({ name, label, channels }) => (
          <li key={name}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                disabled={isFull && !chosen.includes(name)}
                onChange={() => toggleInstrument(name)}
              />
              <span class="names">
                <bdi class="clip">{label}</bdi>
                <bdi class="clip muted">
                  {[label === name ? "" : name, unitsOf(channels)].filter(Boolean).join(" · ")}
                </bdi>
              </span>
            </label>
          </li>
        ))}
      </ul>
      {found.length > MOST_LISTED && <p class="muted">{words.more(found.length - MOST_LISTED)}</p>}
      {isFull && <p class="muted">{words.mostChosen(MOST_CHOSEN)}</p>}
    </div>
  );
}

function holds(text: string, sought: string): boolean {
  return text.toLowerCase().includes(sought.trim().toLowerCase());
}

function unitsOf(channels: readonly { unit: string }[]): string {
  return [...new Set(channels.map(({ unit }) => unit))].filter(Boolean).join(", ");
}
