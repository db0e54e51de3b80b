// Every command to this instrument and what became of it, newest first, live and back to the beginning.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Instrument } from "../../lab/instrument.ts";
import type { Session } from "../../sign_in/session.ts";
import type { Actions } from "./actions.ts";
import { commandsOf } from "./commands.ts";
import { ConsoleEntry } from "./console_entry.tsx";
import { Log } from "./log.ts";
import { RESULTS } from "./outcome.ts";
import { controlWords } from "./words.ts";

interface Of {
  session: Session;
  instrument: Instrument;
  actions: Actions;
}

export function Console({ session, instrument, actions }: Of) {
  const words = controlWords.value;
  const log = useMemo(() => new Log(session, instrument.name, actions), [session, instrument, actions]);
  useEffect(() => {
    log.start();
    return () => log.end();
  }, [log]);
  const isHex = useSignal(false);
  const entries = log.entries.value;
  const commands = useComputed(() => commandsOf(instrument.description.value)).value;
  return (
    <section class="panel console" aria-labelledby="console-title">
      <div class="row apart">
        <h2 id="console-title">{words.console}</h2>
        <Filters log={log} isHex={isHex.value} onHex={() => (isHex.value = !isHex.value)} />
      </div>
      <p class="muted hint">{words.consoleHint}</p>
      <ol class="entries" aria-label={words.console}>
        {entries.map((entry) => (
          <ConsoleEntry key={entry.key} entry={entry} commands={commands} isHex={isHex.value} />
        ))}
      </ol>
      <p class="muted" role="status">
        {stateInWords(log)}
      </p>
      {log.hasMore.value && (
        <button type="button" aria-disabled={log.isAsking.value} onClick={() => !log.isAsking.value && log.older()}>
          {words.older}
        </button>
      )}
    </section>
  );
}

function stateInWords(log: Log): string {
  const words = controlWords.value;
  if (log.problem.value === "no-logger") return words.noLogger;
  if (log.problem.value !== "") return `${words.ledgerProblem} ${log.problem.value}`;
  if (log.entries.value.length > 0) return "";
  if (!log.isFilled.value) return words.loading;
  const { user, result } = log.filter.value;
  return user === "" && result === "" ? words.noEntries : words.noneLike;
}

function Filters({ log, isHex, onHex }: { log: Log; isHex: boolean; onHex: () => void }) {
  const words = controlWords.value;
  const { user, result } = log.filter.value;
  return (
    <div class="row filters">
      <label>
        <span>{words.user}</span>
        <select value={user} onChange={(event) => log.choose({ user: event.currentTarget.value, result })}>
          <option value="">{words.everybody}</option>
          {log.users.value.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{words.result}</span>
        <select value={result} onChange={(event) => log.choose({ user, result: event.currentTarget.value })}>
          <option value="">{words.allResults}</option>
          {RESULTS.map((one) => (
            <option key={one} value={one}>
              {words.results[one]}
            </option>
          ))}
        </select>
      </label>
      <button type="button" aria-pressed={isHex} onClick={onHex}>
        {words.asHex}
      </button>
    </div>
  );
}
