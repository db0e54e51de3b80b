// One command as a form; without arguments it is a button. A dangerous one asks before it is sent.

import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import type { Instrument } from "../../lab/instrument.ts";
import type { Session } from "../../sign_in/session.ts";
import type { CommandDescription } from "../../wire/messages.ts";
import { locale } from "../../words/language.ts";
import type { Actions } from "./actions.ts";
import { ArgumentField } from "./argument_field.tsx";
import { decimalSign, type Mistake, readArguments, typedDefaults } from "./argument_values.ts";
import { type Arguments, titleOf, unitOf } from "./commands.ts";
import { Dialog } from "./dialog.tsx";
import { ResultOf } from "./result.tsx";
import { valueInWords } from "./sentences.ts";
import { controlWords } from "./words.ts";

interface Of {
  session: Session;
  instrument: Instrument;
  command: CommandDescription;
  actions: Actions;
  /** Why nothing can be sent, in words, and where that is said; null where it can. */
  barrier: ReadonlySignal<string | null>;
  barrierId: string;
}

export function CommandForm({ session, instrument, command, actions, barrier, barrierId }: Of) {
  const words = controlWords.value;
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const decimal = decimalSign(locale.value);
  const typed = useSignal<Record<string, string>>(typedDefaults(command.arguments, decimal));
  const mistakes = useSignal<Record<string, Mistake>>({});
  const asked = useSignal<Arguments | null>(null);
  const wasCancelled = useSignal(false);
  const isUnderWay = actions.underWay.value.has(command.name);
  const isButton = command.arguments.length === 0;
  const isBarred = isUnderWay || barrier.value !== null;

  const check = (name: string) => {
    const found = readArguments(command.arguments, typed.value, decimal).mistakes;
    const { [name]: _, ...others } = mistakes.value;
    mistakes.value = found[name] === undefined ? others : { ...others, [name]: found[name] };
  };
  const send = (given: Arguments) => {
    asked.value = null;
    const { name, timeout_s: timeoutS, dangerous: isDangerous } = command;
    actions.send({ name, arguments: given, timeoutS, isDangerous });
  };
  const submit = (event: Event) => {
    event.preventDefault();
    wasCancelled.value = false;
    const read = readArguments(command.arguments, typed.value, decimal);
    mistakes.value = read.mistakes;
    const wrong = Object.keys(mistakes.value)[0];
    if (wrong !== undefined) return focusOn(form.current, wrong);
    if (isBarred) return;
    if (command.dangerous) asked.value = read.values;
    else send(read.values);
  };

  return (
    <form
      ref={form}
      class={command.dangerous ? "command is-dangerous" : "command"}
      aria-labelledby={`${id}-title`}
      noValidate
      onSubmit={submit}
    >
      <div class="head">
        <h3 id={`${id}-title`} class={isButton ? "hidden" : "clamp"}>
          <bdi>{titleOf(command)}</bdi>
        </h3>
        {command.dangerous && (
          <span class="tag is-alarm">
            <span aria-hidden="true">{"\u26a0\ufe0e"}</span> {words.dangerous}
          </span>
        )}
        {!isButton && <Name command={command} />}
      </div>
      {command.interlocks.length > 0 && <Interlocks interlocks={command.interlocks} />}
      {command.arguments.length > 0 && (
        <div class="fields">
          {command.arguments.map((argument) => (
            <ArgumentField
              key={argument.name}
              argument={argument}
              typed={typed.value[argument.name] ?? ""}
              mistake={mistakes.value[argument.name] ?? null}
              onType={(text) => {
                typed.value = { ...typed.value, [argument.name]: text };
                if (mistakes.value[argument.name] !== undefined) check(argument.name);
              }}
              onLeave={() => {
                if ((typed.value[argument.name] ?? "") !== "") check(argument.name);
              }}
            />
          ))}
        </div>
      )}
      <div class="row">
        <button
          type="submit"
          class={command.dangerous ? "danger" : undefined}
          aria-disabled={isBarred}
          aria-describedby={barrier.value === null ? undefined : barrierId}
        >
          {isButton ? <bdi class="clamp">{titleOf(command)}</bdi> : words.send}
          {command.dangerous && " …"}
        </button>
        {isButton && <Name command={command} />}
      </div>
      {wasCancelled.value && (
        <p class="muted" role="status">
          {words.cancelled}
        </p>
      )}
      <ResultOf session={session} instrument={instrument} actions={actions} name={command.name} command={command} />
      {asked.value !== null && (
        <Dialog
          title={words.confirmTitle}
          confirm={words.confirmSend}
          barrier={barrier.value}
          onConfirm={() => asked.value !== null && send(asked.value)}
          onCancel={() => {
            asked.value = null;
            wasCancelled.value = true;
          }}
        >
          <Announced instrument={instrument} command={command} given={asked.value} />
        </Dialog>
      )}
    </form>
  );
}

function Name({ command: { name, label } }: { command: CommandDescription }) {
  if (label === "") return null;
  return (
    <code class="muted">
      <bdi>{name}</bdi>
    </code>
  );
}

function Interlocks({ interlocks }: { interlocks: string[] }) {
  return (
    <ul class="interlocks">
      {interlocks.map((interlock) => (
        <li key={interlock} class="clamp">
          <span class="muted">{controlWords.value.interlock}</span>{" "}
          <code>
            <bdi>{interlock}</bdi>
          </code>
        </li>
      ))}
    </ul>
  );
}

/** In plain words what will be sent. */
function Announced({
  instrument,
  command,
  given,
}: {
  instrument: Instrument;
  command: CommandDescription;
  given: Arguments;
}) {
  const words = controlWords.value;
  const { label, name } = instrument;
  const where = label === name ? name : `${label} (${name})`;
  const listed = Object.entries(given);
  return (
    <>
      <p class="scrolled">
        <bdi>{words.confirmWhat(titleOf(command), where)}</bdi>
      </p>
      <dl class="values announced">
        {listed.map(([argument, value]) => (
          <div key={argument}>
            <dt>
              <bdi>{argument}</bdi>
            </dt>
            <dd class="number">
              <bdi>{valueInWords(value, unitOf(command.arguments, argument))}</bdi>
            </dd>
          </div>
        ))}
      </dl>
      {listed.length === 0 && <p>{words.confirmNothing}</p>}
    </>
  );
}

function focusOn(form: HTMLFormElement | null, name: string): void {
  const field = form?.elements.namedItem(name);
  if (field instanceof HTMLElement) field.focus();
}
