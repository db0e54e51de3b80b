// Bytes straight to the port, for admins: past everything that stands before a command.

import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { Instrument } from "../../lab/instrument.ts";
import type { Session } from "../../sign_in/session.ts";
import { locale } from "../../words/language.ts";
import type { Actions } from "./actions.ts";
import { decimalSign, readNumber } from "./argument_values.ts";
import { rawMistake } from "./bytes_shown.ts";
import { ResultOf } from "./result.tsx";
import { controlWords } from "./words.ts";

const LONGEST_WAIT_S = 60;
const BESIDE_S = 5; // for the port to be free, and for the bytes to go out

interface Of {
  session: Session;
  instrument: Instrument;
  actions: Actions;
  barrier: ReadonlySignal<string | null>;
}

export function RawForm({ session, instrument, actions, barrier }: Of) {
  const words = controlWords.value;
  const id = useId();
  const kind = useSignal<"text" | "hex">("text");
  const typed = useSignal("");
  const wait = useSignal("1");
  const wasSent = useSignal(false);
  const mistake = wasSent.value ? rawMistake(kind.value, typed.value) : null;
  const waitS = waitIn(wait.value);
  const isBarred = barrier.value !== null || actions.underWay.value.has("_raw");
  const submit = (event: Event) => {
    event.preventDefault();
    wasSent.value = true;
    if (isBarred || waitS === null || rawMistake(kind.value, typed.value) !== null) return;
    wasSent.value = false;
    const given = { [kind.value]: typed.value, wait_s: waitS };
    actions.send({ name: "_raw", arguments: given, timeoutS: waitS + BESIDE_S });
  };
  return (
    <details class="panel raw">
      <summary>{words.raw}</summary>
      <form aria-label={words.raw} noValidate onSubmit={submit}>
        <p class="muted hint">{words.rawHint}</p>
        <div class="fields">
          <label>
            {words.rawKind}
            <select
              value={kind.value}
              onChange={(event) => {
                kind.value = event.currentTarget.value as "text" | "hex";
              }}
            >
              <option value="text">{words.rawText}</option>
              <option value="hex">{words.rawHex}</option>
            </select>
          </label>
          <label class="wide">
            {words.rawBytes}
            <input
              class="bytes"
              value={typed.value}
              placeholder={kind.value === "text" ? "T?\\r\\n" : "54 3f 0d 0a"}
              aria-invalid={mistake !== null}
              aria-describedby={`${id}-mistake`}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              onInput={(event) => {
                typed.value = event.currentTarget.value;
              }}
            />
          </label>
          <label>
            {words.rawWait}
            <input
              inputmode="decimal"
              value={wait.value}
              aria-invalid={waitS === null}
              aria-describedby={`${id}-mistake`}
              onInput={(event) => {
                wait.value = event.currentTarget.value;
              }}
            />
          </label>
        </div>
        <p class="mistake" id={`${id}-mistake`} role="alert">
          {mistake !== null ? words.rawMistakes[mistake] : waitS === null ? words.waitRange : ""}
        </p>
        <div class="row">
          <button type="submit" class="danger" aria-disabled={isBarred} aria-describedby={`${id}-why`}>
            {words.rawSend}
          </button>
          <span class="barrier" id={`${id}-why`}>
            {barrier.value}
          </span>
        </div>
        <ResultOf session={session} instrument={instrument} actions={actions} name="_raw" />
      </form>
    </details>
  );
}

function waitIn(typed: string): number | null {
  const read = readNumber(typed, decimalSign(locale.value));
  if ("mistake" in read) return null;
  const seconds = read.value as number;
  return seconds >= 0 && seconds <= LONGEST_WAIT_S ? seconds : null;
}
