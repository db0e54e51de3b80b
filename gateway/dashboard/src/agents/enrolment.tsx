// Add an agent: an admin names it, the server makes a code, and the page shows what to type there until it is connected.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { nowMs } from "../clock.ts";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { capitalised } from "../words/capitalised.ts";
import { commandFor, isOnTheServer, leftInWords, type Made } from "./enrolling.ts";
import { agentsWords } from "./words.ts";

export function Enrolment({ session, close }: { session: Session; close: () => void }) {
  const words = agentsWords.value;
  const name = useRef<HTMLInputElement>(null);
  const replace = useRef<HTMLInputElement>(null);
  const made = useSignal<Made | null>(null);
  const said = useSignal("");
  const isAsking = useSignal(false);
  useEffect(() => name.current?.focus(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (isAsking.value) return;
    const agent = name.current?.value.trim() ?? "";
    made.value = null;
    said.value = "";
    isAsking.value = true;
    try {
      const options = { replace: replace.current?.checked === true };
      made.value = (await session.connection.ask("enrol", agent, options)) as Made;
    } catch (error) {
      said.value = error instanceof Refused ? capitalised(error.message) : agentsWords.value.connectionWent;
    }
    isAsking.value = false;
  };

  return (
    <section class="panel enrol" id="enrol" aria-labelledby="enrol-title">
      <form method="post" class="stack" onSubmit={submit}>
        <h2 id="enrol-title">{words.add}</h2>
        <p class="muted">{words.addExplanation}</p>
        <label class="enrol-name">
          {words.agentToAdd}
          <input
            ref={name}
            autocapitalize="none"
            autocomplete="off"
            spellcheck={false}
            maxLength={32}
            required
            placeholder="pi-2"
            aria-describedby="enrol-rule"
          />
        </label>
        <p id="enrol-rule" class="muted">
          {words.nameRule}
        </p>
        <label class="enrol-check">
          <input ref={replace} type="checkbox" />
          {words.replace}
        </label>
        <p class="message" role="alert">
          {said}
        </p>
        <div class="row">
          <button class="primary" type="submit" aria-disabled={isAsking.value}>
            {words.makeCode}
          </button>
          <button class="plain" type="button" onClick={close}>
            {words.close}
          </button>
        </div>
        <p role="status" class="muted">
          {isAsking.value ? words.making : ""}
        </p>
      </form>
      {made.value && <Code key={made.value.code} made={made.value} session={session} />}
    </section>
  );
}

function Code({ made: { agent, code, expires }, session }: { made: Made; session: Session }) {
  const words = agentsWords.value;
  const began = useRef(session.lab.agents.peek().get(agent)?.since ?? 0);
  const isConnected = useSignal(false);
  const status = session.lab.agents.value.get(agent);
  const isCopied = useSignal(false);
  // One that is there already, and is to be replaced, is not the new one.
  const hasCome = status?.online === true && status.since !== began.current;
  useEffect(() => {
    if (hasCome) isConnected.value = true;
  }, [hasCome, isConnected]);
  const command = commandFor(location.origin, agent);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      isCopied.value = true;
    } catch {
      // then it is typed
    }
  };

  return (
    <div class="enrol-code stack">
      <p>
        <span class="hidden">{words.code} </span>
        <output class="enrol-big">{code}</output>
      </p>
      <p class="message number">{isConnected.value ? "" : leftInWords(expires / 1000 - nowMs.value)}</p>
      <div>
        <p>{words.onTheMachine}</p>
        <code class="enrol-command">{command}</code>
        <p class="row">
          <span>{words.asksForCode}</span>
          {navigator.clipboard !== undefined && (
            <button type="button" onClick={copy}>
              {words.copy}
            </button>
          )}
          <span role="status">{isCopied.value ? words.copied : ""}</span>
        </p>
      </div>
      {isOnTheServer(location.hostname) && <p class="is-warning">{words.local}</p>}
      {location.protocol !== "https:" && <p class="is-warning">{words.plain}</p>}
      <p role="status" class="row">
        <span class={isConnected.value ? "shape is-good" : "shape is-busy"} aria-hidden="true">
          {isConnected.value ? "\u25cf" : "\u25cc"}
        </span>
        <strong>{isConnected.value ? words.isConnected(agent) : words.waiting}</strong>
      </p>
      {isConnected.value && <p>{words.theNext}</p>}
    </div>
  );
}
