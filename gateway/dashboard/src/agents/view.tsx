// The agents, for admins: each with what it says of itself, and a form that lets another machine in.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { mayAdminister } from "../rights.ts";
import type { Session } from "../sign_in/session.ts";
import { Agent } from "./agent.tsx";
import { Enrolment } from "./enrolment.tsx";
import { agentsWords } from "./words.ts";
import "./agents.css";

export function AgentsView({ session }: { session: Session }) {
  const words = agentsWords.value;
  const isAdding = useSignal(false);
  const add = useRef<HTMLButtonElement>(null);
  const { rights } = session.connection;
  if (rights.value === undefined) return null;
  if (!mayAdminister(rights.value)) return <p>{words.adminsOnly}</p>;
  const names = [...session.lab.agents.value.keys()].sort();
  const close = () => {
    isAdding.value = false;
    add.current?.focus();
  };
  return (
    <div class="stack agents-view">
      <div class="row apart">
        <h1>{words.title}</h1>
        <button
          ref={add}
          type="button"
          class={isAdding.value ? "" : "primary"}
          aria-expanded={isAdding.value}
          onClick={() => {
            isAdding.value = !isAdding.value;
          }}
        >
          {words.add}
        </button>
      </div>
      <p class="muted">{words.explanation}</p>
      {isAdding.value && <Enrolment session={session} close={close} />}
      {names.length === 0 && session.lab.isFilled.value && <p>{words.none}</p>}
      <ul class="agent-list" aria-label={words.title}>
        {names.map((name) => (
          <Agent key={name} name={name} session={session} />
        ))}
      </ul>
    </div>
  );
}
