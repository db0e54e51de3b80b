// From measured to issued: calculate, what was found with U and verdict, another person's review, the certificate.

import { useSignal } from "@preact/signals";
import { LANGUAGES } from "../choices.tsx";
import { nowMs } from "../clock.ts";
import { type Asking, AskingForm } from "./acts.tsx";
import { Downloads } from "./downloads.tsx";
import { inUnit, localised, shown } from "./figures.ts";
import type { Results } from "./messages.ts";
import { isOver, operatorsOf } from "./run.ts";
import type { AtBench } from "./run_view.tsx";
import { byAt, SHAPES, TONES, verdictInWords } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

export function Outcome({ bench, run, may }: AtBench) {
  const words = calibrationWords.value;
  const asking = useSignal<Asking | null>(null);
  const isBusy = bench.busy.value !== "";
  const can = (act: string) => may && run.acts.includes(act);
  const remark = { name: "text", label: words.remark, kind: "lines" as const };
  const reviewing = (approve: boolean): Asking => ({
    act: "review",
    title: words.review,
    done: approve ? words.approve : words.reject,
    fields: [{ ...remark, isNeeded: !approve }],
    given: (typed) => ({ ...typed, approve, data_sha256: run.results?.data_sha256 }),
  });
  const issuing: Asking = {
    act: "issue",
    title: words.issue,
    done: words.issue,
    fields: [
      {
        name: "language",
        label: words.language,
        kind: "choice",
        of: Object.entries(LANGUAGES),
        value: run.template.language,
      },
      { name: "readings", label: words.withReadings, kind: "tick", value: "on" },
    ],
    given: ({ language, readings }) => ({ language, readings: readings !== undefined }),
  };
  const ask = (one: Asking) => () => {
    asking.value = one;
  };
  const big = (name: string, onClick: () => void, kind = "primary") => (
    <button type="button" class={`huge ${kind}`} disabled={isBusy} onClick={onClick}>
      {name}
    </button>
  );
  return (
    <>
      {!isOver(run) && run.missing.length > 0 && (run.state === "created" || can("calculate")) && (
        <div class="missing">
          <h2>{words.stillMissing}</h2>
          <ul>
            {run.missing.map((one) => (
              <li key={one}>
                <bdi>{one}</bdi>
              </li>
            ))}
          </ul>
        </div>
      )}
      {run.state === "adjusting" && <p class="instruction">{words.adjustNow}</p>}
      {can("begin") && big(run.state === "adjusting" ? words.beginLeft : words.begin, () => bench.act("begin"))}
      {run.acts.includes("calculate") && <p class="instruction">{words.allMeasured}</p>}
      {can("calculate") && big(words.calculate, () => bench.act("calculate"))}
      {bench.busy.value === "calculate" && <p role="status">{words.calculating}</p>}
      {run.results && <Found results={run.results} />}
      {run.state === "calculated" && (
        <p>
          <bdi>{run.review === "same" ? words.reviewByAny : words.reviewBy(operatorsOf(run).join(", "))}</bdi>
        </p>
      )}
      {can("review") && mayReview(bench.session.connection.welcome.value?.user, run) && (
        <div class="row two-huge">
          {big(words.approve, ask(reviewing(true)))}
          {big(words.reject, ask(reviewing(false)), "")}
        </div>
      )}
      {run.reviewed && (
        <p class="sign is-good">
          <span aria-hidden="true">{"\u2714\ufe0e"}</span>
          <bdi>{words.reviewedBy(byAt(run.reviewed.by, run.reviewed.at, nowMs.value))}</bdi>
          <bdi>{run.reviewed.text}</bdi>
        </p>
      )}
      {can("issue") && big(words.issue, ask(issuing))}
      {run.certificate && (
        <>
          <p class="sign is-good">
            <span aria-hidden="true">{"\u2714\ufe0e"}</span>
            <strong>{words.issuedAs(run.certificate)}</strong>
          </p>
          <Downloads session={bench.session} number={run.certificate} />
        </>
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

/** Whether it makes sense to offer it: the service decides. */
function mayReview(user: string | undefined, run: AtBench["run"]): boolean {
  return run.review === "same" || !operatorsOf(run).includes(user ?? "");
}

function Found({ results }: { results: Results }) {
  const words = calibrationWords.value;
  const both = [
    ["as_found", results.as_found],
    ["as_left", results.as_left],
  ] as const;
  return (
    <div class="stack">
      <h2>{words.results}</h2>
      <Verdict verdict={results.verdict} />
      {both.map(([phase, series]) =>
        series?.measurands.map((one) => (
          <div key={`${phase} ${one.name}`} class="scroll">
            <table>
              <caption>
                {words.phases[phase]}, <bdi>{one.name}</bdi>: {verdictInWords(one.verdict)}
              </caption>
              <thead>
                <tr>
                  <th scope="col" class="number">
                    {inUnit(words.point, one.unit)}
                  </th>
                  <th scope="col" class="number">
                    {inUnit(words.error, one.error_unit)}
                  </th>
                  <th scope="col" class="number">
                    {inUnit("U", one.error_unit)}
                  </th>
                  <th scope="col" class="number">
                    k
                  </th>
                  <th scope="col" class="number">
                    {words.limits}
                  </th>
                  <th scope="col">{words.verdict}</th>
                </tr>
              </thead>
              <tbody>
                {one.results.map((point) => (
                  <tr key={`${point.nominal} ${point.direction}`}>
                    <th scope="row" class="number">
                      {point.direction === "down" ? "\u25bc" : "\u25b2"} {shown(point.nominal)}
                    </th>
                    <td class="number">{localised(point.shown.error)}</td>
                    <td class="number">{localised(point.shown.U)}</td>
                    <td class="number">{shown(point.k, "", 2)}</td>
                    <td class="number">
                      {point.lower === null && point.upper === null
                        ? ""
                        : `${shown(point.lower)} \u2026 ${shown(point.upper)}`}
                    </td>
                    <td>{point.verdict && verdictInWords(point.verdict)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {one.notes.map((note) => (
              <p key={note} class="muted">
                <bdi>{note}</bdi>
              </p>
            ))}
          </div>
        )),
      )}
      <p class="muted">
        SHA-256 <code>{results.data_sha256}</code>
      </p>
    </div>
  );
}

export function Verdict({ verdict }: { verdict: string }) {
  return (
    <p class={`sign ${TONES[verdict] ?? "is-warning"}`}>
      <span aria-hidden="true">{SHAPES[verdict] ?? "\u25c6"}</span>
      <strong>{verdictInWords(verdict)}</strong>
    </p>
  );
}
