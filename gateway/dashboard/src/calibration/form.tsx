// A question in a dialog: a few fields, what was wrong with the answer, and two large buttons.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { decimalSign } from "../instrument/control/argument_values.ts";
import { locale } from "../words/language.ts";
import { calibrationWords } from "./words.ts";

export interface Field {
  name: string;
  label: string;
  kind?: "text" | "lines" | "number" | "choice" | "tick" | "date";
  value?: string;
  /** Of a choice: value and what is shown. Of a text: answers that a gloved finger gives. */
  of?: [string, string][];
  isNeeded?: boolean;
}

export type Typed = Record<string, string>;

interface Asked {
  title: string;
  done: string;
  fields: Field[];
  /** [] where it was done, then the dialog closes. */
  send: (typed: Typed) => Promise<string[]>;
  close: () => void;
  isDanger?: boolean;
}

export function Form({ title, done, fields, send, close, isDanger }: Asked) {
  const words = calibrationWords.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const [said, setSaid] = useState<string[]>([]);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const typed = typedIn(event.currentTarget as HTMLFormElement);
    if (isBusy) return;
    setBusy(true);
    const found = await send(typed);
    setSaid(found);
    setBusy(false);
    if (found.length === 0) close();
  };
  return (
    <dialog ref={dialog} class="big-dialog" aria-label={title} onClose={close}>
      <form class="stack" method="dialog" onSubmit={submit}>
        <h2>{title}</h2>
        {fields.map((field) => (
          <FieldIn key={field.name} field={field} />
        ))}
        <Mistakes said={said} />
        <div class="row answers">
          <button type="button" class="big" onClick={close}>
            {words.cancel}
          </button>
          <button type="submit" class={isDanger ? "big danger" : "big primary"} aria-disabled={isBusy}>
            {done}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** The reader's decimal sign. */
export function decimal(): string {
  return decimalSign(locale.value);
}

/** As the service reads a number that was typed: it alone decides what a comma means. */
export function asTyped(text: string): { value: string; decimal: string } {
  return { value: text.trim(), decimal: decimal() === "," ? "comma" : "point" };
}

export function typedIn(form: HTMLFormElement): Typed {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

export function FieldIn({
  field: { name, label, kind = "text", value = "", of = [], isNeeded = false },
}: {
  field: Field;
}) {
  const input = useRef<HTMLTextAreaElement & HTMLInputElement>(null);
  const id = useId();
  if (kind === "tick") {
    return (
      <label class="big-check">
        <input type="checkbox" name={name} defaultChecked={value !== ""} /> {label}
      </label>
    );
  }
  const shared = { name, defaultValue: value, required: isNeeded, ref: input, id };
  const say = (text: string) => {
    if (input.current !== null) input.current.value = text;
  };
  return (
    <div>
      <label for={id}>{label}</label>
      {kind === "choice" ? (
        <select id={id} name={name} required={isNeeded}>
          {of.map(([one, shown]) => (
            <option key={one} value={one} selected={one === value}>
              {shown}
            </option>
          ))}
        </select>
      ) : kind === "lines" ? (
        <textarea rows={2} maxLength={1000} {...shared} />
      ) : (
        <input
          type={kind === "date" ? ("date" as "text") : "text"}
          inputmode={kind === "number" ? "decimal" : "text"}
          autocomplete="off"
          maxLength={500}
          {...shared}
        />
      )}
      {kind !== "choice" && of.length > 0 && (
        <div class="row quick">
          {of.map(([text, shown]) => (
            <button key={text} type="button" onClick={() => say(text)}>
              {shown}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

export function Mistakes({ said }: { said: readonly string[] }) {
  return (
    <div role="alert">
      <ul class="mistakes">
        {said.map((one) => (
          <li key={one}>
            <span aria-hidden="true">{"\u25b2 "}</span>
            <bdi>{one}</bdi>
          </li>
        ))}
      </ul>
    </div>
  );
}
