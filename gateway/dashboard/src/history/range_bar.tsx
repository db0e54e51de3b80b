// Which time is shown: the usual ones, from and to, steps and zoom.

import { useEffect, useState } from "preact/hooks";
import { Step } from "../plot/step.tsx";
import { goTo } from "./address.ts";
import { fromField, PRESETS, pan, type Range, readRange, toField, zoom } from "./range.ts";
import type { Study } from "./study.ts";
import { historyWords } from "./words.ts";

export function RangeBar({ study, range, preset }: { study: Study; range: Range; preset: string }) {
  const words = historyWords.value;
  const times = study.times.value;
  const act = (find: (times: { from: number; to: number }, now: number) => Range) => () => {
    const shown = study.times.peek();
    if (shown !== null) goTo(find(shown, study.now()));
  };
  const isAtNow = times !== null && times.to >= study.now() - 1000;
  return (
    <div class="range-bar">
      <fieldset class="presets">
        <legend class="hidden">{words.time}</legend>
        {PRESETS.map((one) => (
          <button
            key={one}
            type="button"
            title={words.presetNames[one]}
            aria-pressed={preset === one}
            onClick={() => choose(study, range, one)}
          >
            {words.presets[one]}
          </button>
        ))}
      </fieldset>
      <Fields study={study} />
      <div class="row steps">
        <Step sign={"\u2039"} name={words.earlier} press={act((shown, now) => pan(shown, -1, now))} />
        <Step sign={"\u2212"} name={words.wider} press={act((shown, now) => zoom(shown, 2, middle(shown), now))} />
        <Step sign="+" name={words.closer} press={act((shown, now) => zoom(shown, 0.5, middle(shown), now))} />
        <Step sign={"\u203a"} name={words.later} isOff={isAtNow} press={act((shown, now) => pan(shown, 1, now))} />
      </div>
    </div>
  );
}

/** Once more the same: up to now, which is later by now. */
function choose(study: Study, range: Range, preset: string): void {
  const chosen = readRange(preset, "");
  if (chosen === null) return;
  if (JSON.stringify(chosen) === JSON.stringify(range)) study.refresh();
  else goTo(chosen);
}

export function middle({ from, to }: { from: number; to: number }): number {
  return (from + to) / 2;
}

const SECONDS_BELOW_US = 6 * 3_600_000_000; // a time as long as that is told to the minute

/** Dates and times of the reader's own time zone. */
function Fields({ study }: { study: Study }) {
  const words = historyWords.value;
  const times = study.times.value;
  const hasSeconds = times !== null && times.to - times.from < SECONDS_BELOW_US;
  const step = hasSeconds ? 1 : 60;
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [problem, setProblem] = useState("");
  useEffect(() => {
    setFrom(times === null ? "" : toField(times.from, hasSeconds));
    setTo(times === null ? "" : toField(times.to, hasSeconds));
    setProblem("");
  }, [times, hasSeconds]);
  const submit = (event: Event) => {
    event.preventDefault();
    const [begin, end] = [fromField(from), fromField(to)];
    if (begin === null || end === null || begin >= end) setProblem(words.needTimes);
    else goTo({ kind: "fixed", from: begin, to: end });
  };
  return (
    <form class="times" onSubmit={submit} noValidate>
      <label>
        {words.from}
        <input type="datetime-local" step={step} value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        {words.to}
        <input type="datetime-local" step={step} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <button type="submit">{words.show}</button>
      {problem !== "" && (
        <p class="message" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
