// What else may be done in a run: each a large button; what needs a reason asks for it in a dialog.

import { useSignal } from "@preact/signals";
import { readArguments, typedDefaults } from "../instrument/control/argument_values.ts";
import { commandsOf, ordered, titleOf } from "../instrument/control/commands.ts";
import { controlWords } from "../instrument/control/words.ts";
import type { CommandDescription } from "../wire/messages.ts";
import { asTyped, decimal, type Field, Form, type Typed } from "./form.tsx";
import { newest, stepOf } from "./run.ts";
import type { AtBench } from "./run_view.tsx";
import { nameOf, titleOf as titleOfTest } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

/** A dialog that does an act. */
export interface Asking {
  act: string;
  title: string;
  done: string;
  fields: Field[];
  given?: (typed: Typed) => Record<string, unknown>;
  isDanger?: boolean;
}

const reason = (isNeeded = true): Field => ({
  name: "reason",
  label: calibrationWords.value.why,
  kind: "lines",
  isNeeded,
});

export function striking(step: number): Asking {
  const words = calibrationWords.value;
  const fields = [{ ...reason(), of: words.reasons }];
  const given = (typed: Typed) => ({ ...typed, step });
  return { act: "strike", title: words.strikeTitle, done: words.strike, fields, given };
}

export function AskingForm({ bench, asking, close }: Pick<AtBench, "bench"> & { asking: Asking; close: () => void }) {
  const { act, given = (typed: Typed) => typed as Record<string, unknown> } = asking;
  const send = async (typed: Typed) => {
    await bench.act(act, given(typed));
    const found = bench.mistakes.value;
    bench.mistakes.value = [];
    return found;
  };
  return <Form {...asking} send={send} close={close} />;
}

export function Acts({ bench, run, may }: AtBench) {
  const words = calibrationWords.value;
  const asking = useSignal<Asking | null>(null);
  if (!may) return null;
  const isBusy = bench.busy.value !== "";
  const step = run.steps.find(({ state }) => state === "waiting") ?? stepOf(run, run.next);
  const test = run.tests.find((one) => one.test === step?.test);
  const last = newest(run.steps);
  const can = (act: string) => run.acts.includes(act);
  const asks: (Asking | false | undefined)[] = [
    run.state === "measuring" && last && striking(last.step),
    step && {
      act: "type",
      title: `${words.type}: ${nameOf(step, true)}`,
      done: words.save,
      fields: [{ name: "value", label: `${words.value} [${step.unit}]`, kind: "number", isNeeded: true }, reason()],
      given: ({ value = "", ...typed }) => ({ ...typed, ...asTyped(value), step: step.step, unit: step.unit }),
    },
    test && {
      act: "skip",
      title: words.skipTitle(titleOfTest(test)),
      done: words.skipIt,
      fields: [reason()],
      given: (typed) => ({ ...typed, test: test.test }),
    },
    {
      act: "adjust",
      title: words.adjust,
      done: words.save,
      fields: [
        { name: "text", label: words.adjusted, kind: "lines", isNeeded: true },
        { name: "before", label: words.before },
        { name: "after", label: words.after },
      ],
    },
    { act: "measure_again", title: words.measureAgain, done: words.measureAgain, fields: [reason()] },
  ];
  const names: Record<string, string> = { strike: words.repeat, type: words.type, skip: words.skip };
  const others: Asking[] = [
    { act: "pause", title: words.pause, done: words.pause, fields: [reason()] },
    {
      act: "deviate",
      title: words.deviate,
      done: words.save,
      fields: [{ name: "text", label: words.deviation, kind: "lines", isNeeded: true }],
    },
    { act: "abort", title: words.abortTitle, done: words.abort, fields: [reason()], isDanger: true },
  ];
  const button = (one: Asking) => (
    <button
      key={one.act}
      type="button"
      class={one.isDanger ? "big danger" : "big"}
      disabled={isBusy}
      onClick={() => {
        asking.value = one;
      }}
    >
      {one.act === "abort" ? words.abort : (names[one.act] ?? one.title)}
    </button>
  );
  return (
    <>
      <div class="row acts">
        {asks.filter((one): one is Asking => !!one && can(one.act)).map(button)}
        {can("resume") && (
          <button type="button" class="big primary" disabled={isBusy} onClick={() => bench.act("resume")}>
            {words.resume}
          </button>
        )}
      </div>
      {can("command") && <Commands bench={bench} run={run} may={may} ask={(one) => (asking.value = one)} />}
      {others.some(({ act }) => can(act)) && (
        <details>
          <summary>{words.otherActs}</summary>
          <div class="row acts">{others.filter(({ act }) => can(act)).map(button)}</div>
        </details>
      )}
      {asking.value && (
        <AskingForm
          bench={bench}
          asking={asking.value}
          close={() => {
            asking.value = null;
          }}
        />
      )}
    </>
  );
}

/** Tare, zero and the like: nobody else commands the instrument meanwhile, so they go through the run. */
function Commands({ bench, run, ask }: AtBench & { ask: (asking: Asking) => void }) {
  const instrument = bench.session.lab.instruments.value.get(run.instrument);
  const commands = ordered(commandsOf(instrument?.description.value ?? null));
  if (commands.length === 0) return null;
  const send = (command: CommandDescription) => {
    if (command.arguments.length === 0 && !command.dangerous)
      bench.act("command", { name: command.name, arguments: {} });
    else ask(commanding(command));
  };
  return (
    <details>
      <summary>{calibrationWords.value.commands}</summary>
      <div class="row acts">
        {commands.map((command) => (
          <button
            key={command.name}
            type="button"
            class={command.dangerous ? "big danger" : "big"}
            disabled={bench.busy.value !== ""}
            onClick={() => send(command)}
          >
            <bdi>{titleOf(command)}</bdi>
          </button>
        ))}
      </div>
    </details>
  );
}

function commanding(command: CommandDescription): Asking {
  const defaults = typedDefaults(command.arguments, decimal());
  const choices = (one: CommandDescription["arguments"][number]): [string, string][] =>
    one.type === "boolean"
      ? [
          ["true", controlWords.value.yes],
          ["false", controlWords.value.no],
        ]
      : one.choices.map((choice) => [choice, choice]);
  return {
    act: "command",
    title: titleOf(command),
    done: titleOf(command),
    isDanger: command.dangerous,
    fields: command.arguments.map((one) => ({
      name: one.name,
      label: one.unit ? `${one.name} [${one.unit}]` : one.name,
      kind: one.type === "choice" || one.type === "boolean" ? "choice" : one.type === "text" ? "text" : "number",
      value: defaults[one.name] ?? "",
      of: choices(one),
    })),
    // What is no value of its kind goes as it was typed, and is refused with the agent's own sentence.
    given: (typed) => ({
      name: command.name,
      arguments: { ...typed, ...readArguments(command.arguments, typed, decimal()).values },
      confirmed: command.dangerous,
    }),
  };
}
