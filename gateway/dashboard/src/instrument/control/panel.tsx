// Commanding one instrument: the safe state, who holds control, its commands as forms, and the console of all of them.

import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useId } from "preact/hooks";
import { nowMs } from "../../clock.ts";
import type { Instrument } from "../../lab/instrument.ts";
import { conditionInWords } from "../../lab/words.ts";
import { mayAdminister } from "../../rights.ts";
import type { Session } from "../../sign_in/session.ts";
import type { CommandDescription } from "../../wire/messages.ts";
import { type Actions, actionsOf } from "./actions.ts";
import { Alarms } from "./alarms.tsx";
import { barrierToCommand } from "./barrier.ts";
import { CommandForm } from "./command_form.tsx";
import { commandsOf, ordered, titleOf } from "./commands.ts";
import { Console } from "./console.tsx";
import { holdingOf } from "./lease.ts";
import { LeaseBar } from "./lease_bar.tsx";
import { RawForm } from "./raw_form.tsx";
import { SafeState } from "./safe_state.tsx";
import { barrierInWords } from "./sentences.ts";
import { standpointOf } from "./standpoint.ts";
import { controlWords } from "./words.ts";
import "./control.css";

interface Of {
  session: Session;
  instrument: Instrument;
}

export function ControlPanel({ session, instrument }: Of) {
  const actions = actionsOf(session, instrument);
  const commands = ordered(commandsOf(instrument.description.value));
  const safe = commands.find((command) => command.safe);
  const barrier = useBarrier(session, instrument, false);
  const urgentBarrier = useBarrier(session, instrument, true);
  const of = { session, instrument, actions };
  return (
    <div class="control">
      {safe !== undefined && <SafeState {...of} command={safe} barrier={urgentBarrier} />}
      <Alarms {...of} />
      <LeaseBar {...of} />
      <div class="columns">
        <div class="stack">
          <Commands {...of} commands={commands} barrier={barrier} />
          {mayAdminister(session.connection.rights.value) && <RawForm {...of} barrier={urgentBarrier} />}
        </div>
        {!session.connection.isPublic && <Console {...of} />}
      </div>
    </div>
  );
}

/** Why nothing can be sent, in words. Computed, so that a clock that ticks draws nothing anew. */
function useBarrier(session: Session, instrument: Instrument, isUrgent: boolean): ReadonlySignal<string | null> {
  return useComputed(() => {
    const holding = holdingOf(instrument.control.value, session.connection.welcome.value, nowMs.value);
    const standpoint = standpointOf(session, instrument);
    const barrier = barrierToCommand({ ...standpoint, holding }, isUrgent);
    if (barrier === null) return null;
    const because =
      barrier === "notLive" ? ` ${sentence(conditionInWords(standpoint.condition, instrument.state.value))}` : "";
    return barrierInWords(barrier, holding) + because;
  });
}

function sentence(words: string): string {
  return `(${words})`;
}

interface Listed extends Of {
  commands: CommandDescription[];
  actions: Actions;
  barrier: ReadonlySignal<string | null>;
}

function Commands({ commands, barrier, ...of }: Listed) {
  const words = controlWords.value;
  const id = useId();
  // One thing after the other, as the instrument does it.
  const why = useComputed(() => barrier.value ?? waitInWords(of.instrument, of.actions));
  // The safe one has its place above; with arguments it is a form as well.
  const listed = commands.filter((command) => !command.safe || command.arguments.length > 0);
  return (
    <section class="panel commands" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{words.commands}</h2>
      <p class="barrier" id={`${id}-why`} role="status">
        {why.value}
      </p>
      {of.instrument.description.value === null && <p>{words.noDescription}</p>}
      {of.instrument.description.value !== null && commands.length === 0 && <p>{words.noCommands}</p>}
      {listed.map((command) => (
        <CommandForm
          {...of}
          key={command.name + JSON.stringify(command.arguments)}
          command={command}
          barrier={why}
          barrierId={`${id}-why`}
        />
      ))}
    </section>
  );
}

function waitInWords({ description }: Instrument, { underWay }: Actions): string | null {
  const waited = commandsOf(description.value).find((command) => !command.safe && underWay.value.has(command.name));
  return waited === undefined ? null : controlWords.value.waitFor(titleOf(waited));
}
