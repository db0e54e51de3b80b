// One argument of a command as a field: its name, unit and range before anybody makes a mistake, and the mistake after.

import { useId } from "preact/hooks";
import type { Argument } from "../../wire/messages.ts";
import type { Mistake } from "./argument_values.ts";
import { rangeInWords } from "./sentences.ts";
import { controlWords } from "./words.ts";

interface Field {
  argument: Argument;
  typed: string;
  mistake: Mistake | null;
  onType: (typed: string) => void;
  onLeave: () => void;
}

export function ArgumentField({ argument, typed, mistake, onType, onLeave }: Field) {
  const words = controlWords.value;
  const id = useId();
  const range = rangeInWords(argument);
  const said = mistake === null ? "" : [words.mistakes[mistake], range && words.expected(range)].join(" ");
  const shared = {
    id,
    name: argument.name,
    value: typed,
    "aria-invalid": mistake !== null,
    "aria-describedby": `${id}-hint ${id}-mistake`,
    onBlur: onLeave,
  };
  return (
    <div class="field">
      <label for={id}>
        <bdi>{argument.name}</bdi>
      </label>
      <div class="with-unit">
        {argument.type === "choice" || argument.type === "boolean" ? (
          <select {...shared} onChange={(event) => onType(event.currentTarget.value)}>
            {argument.default === null && <option value="">{words.choose}</option>}
            {choicesOf(argument).map(([value, shown]) => (
              <option key={value} value={value}>
                {shown}
              </option>
            ))}
          </select>
        ) : (
          <input
            {...shared}
            type="text"
            inputmode={argument.type === "text" ? "text" : argument.type === "integer" ? "numeric" : "decimal"}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            onInput={(event) => onType(event.currentTarget.value)}
          />
        )}
        {argument.unit !== "" && (
          <bdi class="unit clip" title={argument.unit}>
            {argument.unit}
          </bdi>
        )}
      </div>
      <p class="hint clamp" id={`${id}-hint`}>
        {mistake === null ? range : ""}
      </p>
      <p class="mistake clamp" id={`${id}-mistake`}>
        {said}
      </p>
    </div>
  );
}

function choicesOf(argument: Argument): [string, string][] {
  if (argument.type === "choice") return argument.choices.map((choice) => [choice, choice]);
  return [
    ["true", controlWords.value.yes],
    ["false", controlWords.value.no],
  ];
}
