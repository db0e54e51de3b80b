// Before it begins: preparations to tick and questions to answer, each large enough for a glove.

import { shown } from "./figures.ts";
import { asTyped, decimal, FieldIn, typedIn } from "./form.tsx";
import type { Run } from "./messages.ts";
import type { AtBench } from "./run_view.tsx";
import { calibrationWords } from "./words.ts";

export function Preparing({ bench, run, may }: AtBench) {
  const words = calibrationWords.value;
  return (
    <>
      {run.checks.length > 0 && <h2>{words.preparations}</h2>}
      <ul class="checks">
        {run.checks.map(({ check, by }) => (
          <li key={check}>
            <button
              type="button"
              class="big"
              aria-pressed={by !== ""}
              disabled={!may}
              onClick={() => bench.act("tick", { check, undone: by !== "" })}
            >
              <span class="box" aria-hidden="true">
                {by !== "" ? "\u2714\ufe0e" : ""}
              </span>
              <bdi>{check}</bdi>
              {by !== "" && <bdi class="muted">{by}</bdi>}
            </button>
          </li>
        ))}
      </ul>
      {run.questions.length > 0 && <h2>{words.questions}</h2>}
      {run.questions.map((question) => (
        <Question key={`${question.name} ${question.value}`} bench={bench} run={run} may={may} question={question} />
      ))}
    </>
  );
}

function Question({ bench, may, question }: AtBench & { question: Run["questions"][number] }) {
  const words = calibrationWords.value;
  const { name, meaning, unit, low, high, value } = question;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const typed = typedIn(event.currentTarget as HTMLFormElement).value ?? "";
    bench.act("answer", { name, ...asTyped(typed), unit });
  };
  const range = low === null && high === null ? "" : `, ${words.between(shown(low), shown(high))}`;
  const typed = value === null ? "" : String(value).replace(".", decimal());
  return (
    <form class="question" onSubmit={submit}>
      <FieldIn field={{ name: "value", label: `${meaning || name} [${unit}]${range}`, kind: "number", value: typed }} />
      <button type="submit" class="big" disabled={!may} aria-pressed={value !== null}>
        {value !== null && <span aria-hidden="true">{"\u2714\ufe0e "}</span>}
        {words.save}
      </button>
    </form>
  );
}
