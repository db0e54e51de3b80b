// The step that is to be placed: what to do, the live value to be read from two metres, whether it is stable, and one
// large button. Below it what was captured last.

import { useRef } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { decimalsOf, formatValue } from "../words/numbers.ts";
import { shown, signed } from "./figures.ts";
import { isWithin } from "./limits.ts";
import type { Signal, Step } from "./messages.ts";
import { newest, stepOf } from "./run.ts";
import type { AtBench } from "./run_view.tsx";
import { instruction, roleInWords, SHAPES, TONES } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

const OLD_MS = 5000;

export function Placing({ bench, run, may }: AtBench) {
  const words = calibrationWords.value;
  const waiting = run.steps.find(({ state }) => state === "waiting");
  const step = waiting ?? stepOf(run, run.next);
  const live = bench.live.value;
  const isBusy = bench.busy.value !== "";
  const can = (act: string) => may && run.acts.includes(act) && !isBusy;
  const left = waiting && live?.step === waiting.step ? live.left_s : null;
  return (
    <>
      {step !== undefined && (
        <>
          <p class="instruction">{instruction(step, run.template.instrument_type)}</p>
          <LiveValues bench={bench} run={run} may={may} step={step} />
          {waiting ? (
            <button type="button" class="huge" disabled={!can("lift")} onClick={() => bench.act("lift")}>
              {words.stopWaiting}
              <small class="number">{left !== null && words.waitsFor(String(Math.ceil(left)))}</small>
            </button>
          ) : (
            <button
              type="button"
              class="huge primary"
              disabled={!can("place")}
              onClick={() => bench.act("place", { step: step.step })}
            >
              {words.placed}
            </button>
          )}
        </>
      )}
      {step !== undefined && step.reason !== "" && step.state === "open" ? (
        <p class="sign is-alarm" role="alert">
          <span aria-hidden="true">{"\u25b2"}</span>
          <bdi>{words.notCaptured(step.reason)}</bdi>
        </p>
      ) : (
        <Last step={newest(run.steps)} />
      )}
    </>
  );
}

function Last({ step }: { step: Step | undefined }) {
  const words = calibrationWords.value;
  if (step === undefined) return <p class="sign" role="status" />;
  const { value, unit, error, error_unit: errorUnit, lower, upper, state } = step;
  const isGood = error === null || isWithin(error, lower, upper);
  return (
    <p key={step.step} class={isGood ? "sign is-good" : "sign is-warning"} role="status">
      <span aria-hidden="true">{isGood ? "\u2714\ufe0e" : "\u25c6"}</span>
      <strong>{state === "typed" ? words.typed : words.captured}</strong>
      <span class="number">{shown(value, unit)}</span>
      {error !== null && step.what === "reading" && (
        <span class="number">
          {words.error} {signed(error, errorUnit)}
        </span>
      )}
    </p>
  );
}

function LiveValues({ bench: { live, session }, step }: AtBench & { step: Step }) {
  const told = live.value;
  const isLive = session.connection.standing.value === "live" && isRecent(told?.time, nowMs.value);
  const signals = told?.signals ?? [];
  const own = signals.filter(({ role }) => role === "");
  const main = own.find(({ unit }) => unit === step.unit) ?? own[0];
  return (
    <>
      <Big signal={main} isLive={isLive} />
      <ul class="others">
        {signals
          .filter((one) => one !== main)
          .map((one) => (
            <li key={`${one.role} ${one.instrument} ${one.channel}`} class={isLive ? TONES[one.status] : "muted"}>
              <span aria-hidden="true">{SHAPES[one.status]}</span> <bdi>{roleInWords(one.role || one.channel)}</bdi>{" "}
              <bdi class="number">{shown(one.value, one.unit)}</bdi> <bdi>{one.reason}</bdi>
            </li>
          ))}
      </ul>
    </>
  );
}

function isRecent(us: number | undefined, now: number): boolean {
  return us !== undefined && now - us / 1000 < OLD_MS;
}

function Big({ signal, isLive }: { signal: Signal | undefined; isLive: boolean }) {
  const words = calibrationWords.value;
  const decimals = useRef(0);
  const value = signal?.value ?? null;
  if (value !== null) decimals.current = Math.max(decimals.current, decimalsOf(value));
  const status = isLive && signal !== undefined ? signal.status : "";
  const full = signal && signal.window_s > 0 ? Math.min(signal.length_s / signal.window_s, 1) : 0;
  return (
    <div class={`big-value ${TONES[status] ?? "is-offline"}`}>
      <p class="figure">
        <bdi class="number">{formatValue(value, decimals.current)}</bdi>
        <bdi class="unit">{`\u00a0${signal?.unit ?? ""}`}</bdi>
      </p>
      <div class="stability" aria-hidden="true">
        <div style={{ width: `${(status === "stable" ? 1 : full) * 100}%` }} />
      </div>
      <p role="status">
        <span aria-hidden="true">{SHAPES[status] ?? "\u25cb"} </span>
        {isLive ? (
          <>
            <strong>{words.statuses[status]}</strong> <bdi>{signal?.reason}</bdi>
          </>
        ) : (
          words.noLive
        )}
      </p>
    </div>
  );
}
