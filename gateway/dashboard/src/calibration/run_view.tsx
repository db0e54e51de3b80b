// One run: what to do now, how its streams stand, what was captured, and what comes of it.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { About } from "./about.tsx";
import { Acts } from "./acts.tsx";
import { Bench } from "./bench.ts";
import { ErrorChart } from "./chart.tsx";
import { mayCalibrate } from "./desk.ts";
import { Mistakes } from "./form.tsx";
import type { Run } from "./messages.ts";
import { Outcome } from "./outcome.tsx";
import { Placing } from "./placing.tsx";
import { Preparing } from "./preparing.tsx";
import { Readings } from "./readings.tsx";
import { isOver } from "./run.ts";
import { stateInWords } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

export interface AtBench {
  bench: Bench;
  run: Run;
  /** Whether this user may do something here at all; the run's `acts` say what it permits now. */
  may: boolean;
}

export function RunView({ session, number }: { session: Session; number: string }) {
  const bench = useMemo(() => new Bench(session, number), [session, number]);
  useEffect(() => () => bench.end(), [bench]);
  const run = bench.run.value;
  if (run === null) {
    return (
      <>
        <h1>{number}</h1>
        <p role="status">{bench.mistakes.value.length === 0 && calibrationWords.value.looking}</p>
        <Mistakes said={bench.mistakes.value} />
      </>
    );
  }
  return <Known bench={bench} run={run} may={mayCalibrate(session.connection.rights.value)} />;
}

function Known({ bench, run, may }: AtBench) {
  const all = useSignal(run.state === "calculated");
  const at = { bench, run, may };
  return (
    <div class="run stack">
      <Header bench={bench} run={run} may={may} />
      <Notices bench={bench} run={run} may={may} />
      <section class="panel stack now-panel" aria-label={calibrationWords.value.now}>
        {run.state === "created" && <Preparing {...at} />}
        {run.state === "measuring" && <Placing {...at} />}
        <Outcome {...at} />
        <Mistakes said={bench.mistakes.value} />
        <Acts {...at} />
      </section>
      {run.state !== "created" && (
        <div class="run-parts">
          <Readings bench={bench} run={run} may={may} all={all} />
          <ErrorChart steps={run.steps} tests={run.tests} />
        </div>
      )}
      <About bench={bench} run={run} may={may} />
    </div>
  );
}

function Header({ bench, run }: AtBench) {
  const words = calibrationWords.value;
  const instrument = bench.session.lab.instruments.value.get(run.instrument);
  const done = run.steps.filter(({ state }) => state !== "open" && state !== "waiting").length;
  return (
    <header class="instrument-head">
      <p class="back">
        <a href={write({ view: "calibration", path: "" })}>
          <span aria-hidden="true">{"\u2190 "}</span>
          {words.title}
        </a>
      </p>
      <h1>
        {run.run} <bdi>{instrument?.label ?? run.instrument}</bdi>
      </h1>
      <p class="row">
        <strong>{stateInWords(run)}</strong>
        <bdi class="muted">
          {run.instrument}, {run.template.title}
        </bdi>
      </p>
      {run.steps.length > 0 && !isOver(run) && (
        <p class="row progress">
          <progress value={done} max={run.steps.length} aria-label={words.readings} />
          <span class="number">{words.ofSteps(done, run.steps.length)}</span>
        </p>
      )}
    </header>
  );
}

/** What stands in the way of the whole run, and what is lost meanwhile: nothing. */
function Notices({ bench: { live, session }, run, may }: AtBench) {
  if (isOver(run)) return null;
  const words = calibrationWords.value;
  const isAway = session.lab.service("calibration") === null;
  const told = live.value;
  const holder = session.lab.instruments.value.get(run.instrument)?.control.value;
  const isOther = holder && holder.until / 1000 > nowMs.value && holder.user !== "" && holder.user !== "calibration";
  const isMeasured = run.state === "measuring" || run.state === "adjusting";
  const said = [
    isAway && words.waitingService,
    !may && words.readOnly,
    run.is_paused && words.pausedNow,
    isMeasured && isOther && words.heldBy(holder.user),
    isMeasured && !isOther && !isAway && told !== null && !told.is_held && words.notHeld,
    !isAway && told?.reason,
  ].filter((one): one is string => typeof one === "string" && one !== "");
  return (
    <div role="status">
      <ul class="notices">
        {said.map((one) => (
          <li key={one}>
            <span aria-hidden="true">{"\u25c6 "}</span>
            <bdi>{one}</bdi>
          </li>
        ))}
      </ul>
    </div>
  );
}
