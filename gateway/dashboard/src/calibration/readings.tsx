// All placements of a run and what was captured at each; what was struck stays to be seen.

import { type Signal, useSignal } from "@preact/signals";
import { nowMs } from "../clock.ts";
import { decimalsOf } from "../words/numbers.ts";
import { type Asking, AskingForm, striking } from "./acts.tsx";
import { shown, signed } from "./figures.ts";
import { isWithin } from "./limits.ts";
import type { Step, Test } from "./messages.ts";
import type { AtBench } from "./run_view.tsx";
import { byAt, nameOf, titleOf } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

export function Readings({ bench, run, may, all }: AtBench & { all: Signal<boolean> }) {
  const words = calibrationWords.value;
  const asking = useSignal<Asking | null>(null);
  const canStrike = may && run.acts.includes("strike");
  const strike = (step: number) => {
    asking.value = striking(step);
  };
  const given = { tests: run.tests, all: all.value, next: run.next };
  return (
    <section class="panel stack readings" aria-label={words.readings}>
      <div class="row apart">
        <h2>{words.readings}</h2>
        <button type="button" aria-pressed={all.value} onClick={() => (all.value = !all.value)}>
          {words.allFigures}
        </button>
      </div>
      {run.as_found.length > 0 && (
        <details>
          <summary>{words.phases.as_found}</summary>
          <Table {...given} steps={run.as_found} next={null} />
        </details>
      )}
      <Table {...given} steps={run.steps} {...(canStrike && { strike })} />
      {asking.value && (
        <AskingForm
          bench={bench}
          asking={asking.value}
          close={() => {
            asking.value = null;
          }}
        />
      )}
    </section>
  );
}

interface Given {
  steps: readonly Step[];
  tests: readonly Test[];
  all: boolean;
  next: number | null;
  strike?: (step: number) => void;
}

function Table({ steps, tests, all, next, strike }: Given) {
  const words = calibrationWords.value;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">{words.what}</th>
            <th scope="col" class="number">
              {words.value}
            </th>
            <th scope="col" class="number">
              {words.error}
            </th>
            <td />
          </tr>
        </thead>
        {tests.map((test) => {
          const own = steps.filter((step) => step.test === test.test);
          const isRepeated = own.some(({ repeat }) => repeat > 1);
          const decimals = Math.max(...own.map(({ value }) => decimalsOf(value ?? 0)));
          return (
            <tbody key={test.test}>
              <tr>
                <th scope="rowgroup" colSpan={4}>
                  <bdi>{titleOf(test)}</bdi>
                </th>
              </tr>
              {own.map((step) => (
                <Row
                  key={step.step}
                  step={step}
                  name={nameOf(step, isRepeated)}
                  all={all}
                  decimals={decimals}
                  isNext={step.step === next}
                  {...(strike && { strike })}
                />
              ))}
            </tbody>
          );
        })}
      </table>
    </div>
  );
}

interface OfRow {
  step: Step;
  name: string;
  all: boolean;
  decimals: number;
  isNext: boolean;
  strike?: (step: number) => void;
}

function Row({ step, name, all, decimals, isNext, strike }: OfRow) {
  const words = calibrationWords.value;
  const { value, unit, error, error_unit: errorUnit, lower, upper, state, struck } = step;
  const isOut = error !== null && !isWithin(error, lower, upper);
  return (
    <>
      {struck.map((one) => (
        <tr key={`${one.at}`} class="struck">
          <td>
            <s>{name}</s>
          </td>
          <td class="number">
            <s>{shown(one.value, unit, decimals)}</s>
          </td>
          <td colSpan={2}>
            <bdi>{words.struckBy(one.struck_by, one.reason)}</bdi>
          </td>
        </tr>
      ))}
      <tr class={isNext ? "next" : ""} aria-current={isNext ? "step" : undefined}>
        <td>
          {isNext && <span aria-hidden="true">{"\u25b6 "}</span>}
          <bdi>{name}</bdi>
        </td>
        <td class="number">{value === null ? words.stepStates[state] : shown(value, unit, decimals)}</td>
        <td class={isOut ? "number is-alarm" : "number"}>
          {isOut && <span aria-hidden="true">{"\u25b2 "}</span>}
          {step.what === "reading" && signed(error, errorUnit)}
        </td>
        <td class="number">
          {strike && value !== null && (
            <button
              type="button"
              class="plain"
              aria-label={`${words.repeat}: ${name}`}
              onClick={() => strike(step.step)}
            >
              <span aria-hidden="true">{"\u21ba"}</span> <span class="word">{words.repeat}</span>
            </button>
          )}
        </td>
      </tr>
      {all && step.at !== null && (
        <tr class="figures">
          <td colSpan={4}>
            <Figures step={step} />
          </td>
        </tr>
      )}
    </>
  );
}

function Figures({ step }: { step: Step }) {
  const words = calibrationWords.value;
  const { unit, samples, spread, slope, references, frames, reason, error_unit: errorUnit, lower, upper } = step;
  return (
    <>
      <p>
        <bdi>{byAt(step.by, step.at, nowMs.value)}</bdi> <bdi>{reason}</bdi>{" "}
        {samples !== null && words.figures(String(samples), shown(round(spread), unit), shown(round(slope), unit))}
      </p>
      {references.map((one) => (
        <p key={one.role}>
          <bdi>{one.role}</bdi> {shown(one.value, one.unit)}
        </p>
      ))}
      {(lower !== null || upper !== null) && <p>{words.between(signed(lower, errorUnit), signed(upper, errorUnit))}</p>}
      {frames.map((one) => (
        <p key={`${one.role} ${one.first}`}>
          <bdi>{words.frames(one.first, one.last, one.instrument)}</bdi> <code>{one.sha256}</code>
        </p>
      ))}
    </>
  );
}

function round(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(3));
}
