// "4812 of 4812, no gap": of one instrument on its own page, or of all as a table, the worst first.

import { useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Session } from "../sign_in/session.ts";
import { formatNumber, formatTime } from "../words/numbers.ts";
import { percentInWords, RANGES, type RangeName, summary, VERDICTS, verdictOf } from "./completeness.ts";
import { completenessWords } from "./completeness_words.ts";
import { Lacks, type Row, Sign } from "./count_signs.tsx";
import { Table } from "./count_table.tsx";
import { Counting } from "./counting.ts";
import { Details } from "./details.tsx";
import "./completeness.css";

/** Of one instrument; of all where none is named. */
export function Completeness({ session, instrument }: { session: Session; instrument?: string }) {
  const words = completenessWords.value;
  const counting = useMemo(() => new Counting(session, instrument), [session, instrument]);
  useEffect(() => {
    counting.start();
    return () => counting.end();
  }, [counting]);
  const rows = useComputed(() => rowsOf(counting, session));
  return (
    <section class="panel stack completeness" aria-labelledby="completeness">
      <div class="row apart">
        <h2 id="completeness">{words.title}</h2>
        <Chooser counting={counting} />
      </div>
      <p class="muted">{words.explanation}</p>
      <Standing counting={counting} rows={rows.value} isOne={instrument !== undefined} />
      {rows.value !== null &&
        rows.value.length > 0 &&
        (instrument === undefined ? <Table rows={rows.value} /> : rows.value.map(one))}
      {rows.value !== null && <Waiting session={session} rows={rows.value} />}
    </section>
  );
}

function rowsOf(counting: Counting, { lab }: Session): Row[] | null {
  const agents = lab.agents.value;
  const rows = counting.found.value?.map((found) => {
    const agent = agents.get(found.instrument.split("/")[0] ?? "");
    const isAwaited = agent !== undefined && (!agent.online || agent.unlogged > 0);
    return { found, verdict: verdictOf(found, isAwaited), isAwaited };
  });
  return rows?.sort((one, other) => VERDICTS.indexOf(one.verdict) - VERDICTS.indexOf(other.verdict)) ?? null;
}

function Chooser({ counting }: { counting: Counting }) {
  const words = completenessWords.value;
  return (
    <fieldset class="count-ranges">
      <legend class="hidden">{words.range}</legend>
      {(Object.keys(RANGES) as RangeName[]).map((range) => (
        <button
          key={range}
          type="button"
          aria-pressed={counting.range.value === range}
          onClick={() => counting.choose(range)}
        >
          {words.ranges[range]}
        </button>
      ))}
    </fieldset>
  );
}

/** One line, always there: what came out, of which moment, or why nothing did. */
function Standing({ counting, rows, isOne }: { counting: Counting; rows: Row[] | null; isOne: boolean }) {
  const words = completenessWords.value;
  const { asOf, refusal, logger, isAsking } = counting;
  const time = asOf.value === null ? "" : words.asOf(formatTime(asOf.value * 1000, asOf.value));
  return (
    <div class="row apart count-standing">
      <p role="status">
        {logger.value === null ? words.noLogger : refusal.value ? words.failed(refusal.value) : outcome(rows, isOne)}
      </p>
      <p class="row">
        <span class="muted number">{rows !== null && time}</span>
        <button type="button" disabled={isAsking.value || logger.value === null} onClick={() => counting.ask()}>
          {words.again}
        </button>
      </p>
    </div>
  );
}

function outcome(rows: Row[] | null, isOne: boolean): string {
  const words = completenessWords.value;
  if (rows === null) return words.asking;
  if (rows.length === 0) return isOne ? words.noneOf : words.none;
  if (isOne) return "";
  const complete = rows.filter(({ verdict }) => verdict === "complete").length;
  return words.someComplete(formatNumber(complete), formatNumber(rows.length));
}

function one({ found, verdict, isAwaited }: Row) {
  return (
    <div class="stack" key={found.instrument}>
      <div class="row apart">
        <p class="count-large">
          <Sign verdict={verdict} /> {summary(found)}
        </p>
        <p class="count-large number">{percentInWords(found.percent)}</p>
      </div>
      <Lacks found={found} isAwaited={isAwaited} />
      <Details found={found} />
    </div>
  );
}

/** Of agents from which something may still come. */
function Waiting({ session: { lab }, rows }: { session: Session; rows: readonly Row[] }) {
  const words = completenessWords.value;
  const awaited = rows.filter(({ verdict }) => verdict === "waiting");
  const agents = [...new Set(awaited.map(({ found }) => found.instrument.split("/")[0] ?? ""))].sort();
  const lines = agents.map((name) => {
    const agent = lab.agents.value.get(name);
    if (agent === undefined) return "";
    if (!agent.online) return words.awayAt(name);
    return agent.unlogged > 0 ? words.waitingAt(name, agent.unlogged, formatNumber(agent.unlogged)) : "";
  });
  return <ul class="muted number">{lines.map((line, at) => line && <li key={agents[at]}>{line}</li>)}</ul>;
}
