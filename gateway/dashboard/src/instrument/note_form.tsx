// A note on the time line: at a moment or over a span, and what it says.

import { useEffect, useRef, useState } from "preact/hooks";
import { Refused } from "../wire/connection.ts";
import { randomName } from "./archive.ts";
import type { Note } from "./marks.ts";
import { fromField, toField } from "./moments.ts";
import type { Shown } from "./plot_panel.tsx";
import { instrumentWords } from "./words.ts";

export interface NotePlace {
  at: number; // µs
}

const LONGEST_TEXT = 1000;

export function NoteForm({ shown, place, close }: { shown: Shown; place: NotePlace; close: () => void }) {
  const words = instrumentWords.value;
  const [at, setAt] = useState(toField(place.at));
  const [until, setUntil] = useState("");
  const [text, setText] = useState("");
  const id = useRef(randomName()); // sent again, it is noted once
  const save = () => {
    const [begin, end] = [fromField(at, place.at), until === "" ? null : fromField(until, 0)];
    if (text.trim() === "") return words.needText;
    if (begin === null || (until !== "" && end === null)) return words.needTime;
    if (end !== null && end <= begin) return words.needOrder;
    const span = end === null ? {} : { until: end };
    return { request: "note-add", instrument: shown.instrument.name, at: begin, ...span, text, id: id.current };
  };
  return (
    <Question shown={shown} title={words.putNote} close={close} ask={save} done={words.save}>
      <label>
        {words.noteText}
        <textarea
          rows={3}
          maxLength={LONGEST_TEXT}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <div class="two">
        <label>
          {words.noteAt}
          <input type="datetime-local" step="0.001" value={at} onInput={(event) => setAt(event.currentTarget.value)} />
        </label>
        <label>
          {words.noteUntil}
          <input
            type="datetime-local"
            step="0.001"
            value={until}
            onInput={(event) => setUntil(event.currentTarget.value)}
          />
        </label>
      </div>
    </Question>
  );
}

export function WithdrawForm({ shown, note, close }: { shown: Shown; note: Note; close: () => void }) {
  const words = instrumentWords.value;
  const [reason, setReason] = useState("");
  const id = useRef(randomName());
  const ask = () =>
    reason.trim() === "" ? words.needText : { request: "note-withdraw", number: note.number, reason, id: id.current };
  return (
    <Question shown={shown} title={words.withdrawNote} close={close} ask={ask} done={words.withdraw}>
      <blockquote>
        <bdi>{note.text}</bdi>
      </blockquote>
      <label>
        {words.withdrawWhy}
        <textarea
          rows={2}
          maxLength={LONGEST_TEXT}
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
    </Question>
  );
}

interface Given {
  shown: Shown;
  title: string;
  done: string;
  close: () => void;
  /** What is to be asked of the service of notes, or what is wrong. */
  ask: () => string | Record<string, unknown>;
  children: preact.ComponentChildren;
}

function Question({ shown: { session }, title, done, close, ask, children }: Given) {
  const words = instrumentWords.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const [said, setSaid] = useState("");
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    shown?.querySelector("textarea")?.focus();
    return () => shown?.close();
  }, []);
  const send = async (event: Event) => {
    event.preventDefault();
    const service = session.lab.service("batches");
    const question = ask();
    if (typeof question === "string" || service === null) {
      setSaid(typeof question === "string" ? question : words.noNoteService);
      return;
    }
    setBusy(true);
    try {
      await session.connection.request(service, question);
      close();
    } catch (error) {
      setSaid(error instanceof Refused ? error.message : words.notAnswered);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="note-dialog" aria-label={title} onClose={close}>
      <form class="stack" onSubmit={(event) => void send(event)}>
        <h2>{title}</h2>
        {children}
        <p class="message" role="alert">
          {said}
        </p>
        <div class="row">
          <button type="submit" class="primary" disabled={isBusy}>
            {done}
          </button>
          <button type="button" onClick={close}>
            {words.cancel}
          </button>
        </div>
      </form>
    </dialog>
  );
}
