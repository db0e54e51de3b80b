// The command that makes the instrument safe: one press, always within reach, whatever else is under way.

import type { ReadonlySignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { Instrument } from "../../lab/instrument.ts";
import type { Session } from "../../sign_in/session.ts";
import type { CommandDescription } from "../../wire/messages.ts";
import type { Actions } from "./actions.ts";
import { type Arguments, titleOf } from "./commands.ts";
import { ResultOf } from "./result.tsx";
import { argumentsInWords } from "./sentences.ts";
import { controlWords } from "./words.ts";

interface Of {
  session: Session;
  instrument: Instrument;
  command: CommandDescription;
  actions: Actions;
  barrier: ReadonlySignal<string | null>;
}

export function SafeState({ session, instrument, command, actions, barrier }: Of) {
  const words = controlWords.value;
  const id = useId();
  const isBarred = barrier.value !== null || actions.underWay.value.has(command.name);
  const given = defaultsOf(command);
  const listed = argumentsInWords(given, command.name, [command]);
  const send = () => {
    if (!isBarred) actions.send({ name: command.name, arguments: given, timeoutS: command.timeout_s });
  };
  return (
    <section class="safe-state" aria-label={words.safeState}>
      <button type="button" aria-disabled={isBarred} aria-describedby={`${id}-why`} onClick={send}>
        <span aria-hidden="true">{"\u25a0"}</span>
        <span class="clamp">
          <strong>{words.safeState}</strong>: <bdi>{titleOf(command)}</bdi>
          {listed !== "" && <bdi>{` (${listed})`}</bdi>}
        </span>
      </button>
      <span class="barrier" id={`${id}-why`}>
        {barrier.value}
      </span>
      <ResultOf session={session} instrument={instrument} actions={actions} name={command.name} command={command} />
    </section>
  );
}

/** The agent itself sends it so when nobody is there; each of its arguments has a default. */
function defaultsOf(command: CommandDescription): Arguments {
  const given = command.arguments.filter((argument) => argument.default !== null);
  return Object.fromEntries(given.map((argument) => [argument.name, argument.default as string | number | boolean]));
}
