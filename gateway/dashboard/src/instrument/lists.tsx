// The same in words: notes, gaps, texts as they changed, and the newest samples as a table.

import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { formatNumber, formatTime, formatValue } from "../words/numbers.ts";
import { gapInWords } from "./gap_words.ts";
import type { Note } from "./marks.ts";
import { WithdrawForm } from "./note_form.tsx";
import type { Shown } from "./plot_panel.tsx";
import { rowsOf } from "./rows.ts";
import { instrumentWords } from "./words.ts";

export function Lists({ shown, note }: { shown: Shown; note: (() => void) | null }) {
  return (
    <div class="lists">
      {!shown.session.connection.isPublic && <Notes shown={shown} note={note} />}
      <Texts shown={shown} />
      <Gaps shown={shown} />
      <Table shown={shown} />
    </div>
  );
}

function Gaps({ shown: { plotting } }: { shown: Shown }) {
  const words = instrumentWords.value;
  const gaps = plotting.told.value?.gaps ?? [];
  if (gaps.length === 0) return <p class="muted">{words.noGaps}</p>;
  return (
    <details>
      <summary>{words.gaps(gaps.length)}</summary>
      <ul class="told-list">
        {gaps.slice(0, 100).map((gap) => (
          <li key={`${gap.since} ${gap.reason} ${gap.first}`}>
            <bdi>{gapInWords(gap, nowMs.value)}</bdi>
          </li>
        ))}
      </ul>
      {gaps.length > 100 && <p>{words.moreGaps}</p>}
    </details>
  );
}

function Texts({ shown: { plotting, instrument } }: { shown: Shown }) {
  const words = instrumentWords.value;
  const told = plotting.told.value;
  const changes = told?.changes ?? [];
  if (changes.length === 0) return told?.lacksTexts ? <p class="muted">{words.noTexts}</p> : null;
  return (
    <details open>
      <summary>{words.texts}</summary>
      {told?.lacksTexts && <p class="muted">{words.noTexts}</p>}
      <ul class="told-list texts">
        {changes.map(({ time, name, text }) => (
          <li key={`${time} ${name}`}>
            <time>{formatTime(time, nowMs.value)}</time> <bdi class="muted">{instrument.labelOf(name)}</bdi>{" "}
            <bdi>{text}</bdi>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Notes({ shown, note }: { shown: Shown; note: (() => void) | null }) {
  const words = instrumentWords.value;
  const [withdrawn, setWithdrawn] = useState<Note | null>(null);
  const told = shown.plotting.told.value;
  const notes = shown.events.notes.value.filter(
    ({ at, until }) => told !== null && at < told.to && (until ?? at) > told.from,
  );
  if (shown.session.lab.service("batches") === null) return <p class="muted">{words.noNoteService}</p>;
  if (notes.length === 0) return <p class="muted">{words.noNotes}</p>;
  return (
    <section aria-label={words.notes} class="notes">
      <h2>{words.notes}</h2>
      <ul class="told-list">
        {notes.map((one) => (
          <OneNote
            key={one.number}
            shown={shown}
            note={one}
            withdraw={note === null ? null : () => setWithdrawn(one)}
          />
        ))}
      </ul>
      {withdrawn !== null && (
        <WithdrawForm
          shown={shown}
          note={withdrawn}
          close={() => {
            setWithdrawn(null);
            shown.events.again();
          }}
        />
      )}
    </section>
  );
}

function OneNote({ shown, note, withdraw }: { shown: Shown; note: Note; withdraw: (() => void) | null }) {
  const words = instrumentWords.value;
  const { connection } = shown.session;
  const isOwn = note.user === connection.welcome.value?.user || connection.rights.value?.role === "admin";
  const until = note.until === null ? "" : ` \u2013 ${formatTime(note.until, nowMs.value)}`;
  return (
    <li class="note-row">
      <p class="muted">
        <time>
          {formatTime(note.at, nowMs.value)}
          {until}
        </time>{" "}
        <bdi>{words.noteBy(note.user)}</bdi>
      </p>
      <p class="note-text">{note.withdrawn === null ? <bdi>{note.text}</bdi> : <s>{note.text}</s>}</p>
      {note.withdrawn !== null && (
        <p class="muted">
          <bdi>{words.withdrawn(note.withdrawn.user, note.withdrawn.reason)}</bdi>
        </p>
      )}
      {note.withdrawn === null && isOwn && withdraw !== null && (
        <button type="button" class="plain" onClick={withdraw}>
          {words.withdraw}
        </button>
      )}
    </li>
  );
}

const ROWS = 50;

function Table({ shown }: { shown: Shown }) {
  const isOpen = useSignal(false);
  return (
    <details
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>{instrumentWords.value.table}</summary>
      {isOpen.value && <Rows shown={shown} />}
    </details>
  );
}

function Rows({ shown: { plotting, instrument } }: { shown: Shown }) {
  const words = instrumentWords.value;
  plotting.told.value; // read, so that it follows
  const lines = plotting.picture?.lines ?? [];
  const rows = rowsOf(lines, plotting.picture?.from ?? 0, plotting.picture?.to ?? 0, ROWS);
  return (
    <div class="scroll">
      <table>
        <caption class="hidden">{words.tableOf(rows.length)}</caption>
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            {lines.map((line) => (
              <th key={line.id} scope="col" class="number">
                <bdi>{instrument.labelOf(line.name)}</bdi> {line.unit !== "" && <bdi>[{line.unit}]</bdi>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, values }) => (
            <tr key={time}>
              <th scope="row">
                <time>{formatTime(time, nowMs.value, true)}</time>
              </th>
              {lines.map(({ id, kind }) => (
                <td key={id} class="number">
                  {cell(values.get(id), kind === "boolean")}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cell(value: { min: number; max: number } | undefined, isBoolean: boolean): string {
  if (value === undefined) return "";
  if (value.min !== value.max) return instrumentWords.value.minToMax(formatNumber(value.min), formatNumber(value.max));
  return isBoolean ? formatValue(value.min === 1) : formatNumber(value.min);
}
