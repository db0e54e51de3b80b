// An agent's configuration as it is now, to be read and copied.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { type Read, readConfiguration } from "./configuration.ts";
import { agentsWords } from "./words.ts";

const ANSWER_S = 15;
const SCROLLS = { tabIndex: 0 }; // also by keyboard

export function ConfigurationView({ name, session }: { name: string; session: Session }) {
  const words = agentsWords.value;
  const read = useSignal<Read | null>(null);
  useEffect(() => {
    let isWanted = true;
    ask(session, name).then((found) => {
      if (isWanted) read.value = found;
    });
    return () => {
      isWanted = false;
    };
  }, [session, name, read]);
  const found = read.value;
  if (found === null) return <p role="status">{words.reading}</p>;
  if ("because" in found) return <p role="status">{words.notRead(found.because)}</p>;
  return (
    <div class="stack">
      <p class="muted">
        {words.withoutOwn} <code>kleinmaelzung agent configure {name} FILE</code>
      </p>
      {found.text.trim() === "" ? (
        <p>{words.emptyConfiguration}</p>
      ) : (
        <section class="agent-configuration" aria-label={words.configurationOf(name)} {...SCROLLS}>
          <pre>{found.text}</pre>
        </section>
      )}
    </div>
  );
}

async function ask({ connection }: Session, name: string): Promise<Read> {
  const words = agentsWords.peek();
  const piece = (offset: number) =>
    connection.ask("send", `${name}/agent`, "configuration", { offset }, { timeout: ANSWER_S });
  try {
    return await readConfiguration(piece, words.changedMeanwhile);
  } catch (error) {
    return { because: error instanceof Refused ? error.message : words.connectionLost };
  }
}
