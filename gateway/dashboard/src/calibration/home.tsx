// What is to do: runs that are open, what is due; and what was done.

import { nowMs } from "../clock.ts";
import { DUE_SHAPES, DUE_TONES, dueOf } from "../lab/due.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { useAsked } from "./asked.ts";
import { list, mayCalibrate } from "./desk.ts";
import { ENTRY, type Entry, SUMMARY, type Summary } from "./messages.ts";
import { isOver } from "./run.ts";
import { byAt, stateInWords } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

export function readEntries(session: Session, kind: string): Promise<Entry[]> {
  const nameOf = ({ name }: Entry) => name;
  return list(session, { request: "register-list", kind }, ["entries", ENTRY], nameOf, nameOf);
}

export function Home({ session }: { session: Session }) {
  const words = calibrationWords.value;
  const runs = useAsked(session, "", () => {
    const nameOf = ({ run }: Summary) => run;
    return list(session, { request: "run-list", open: false }, ["runs", SUMMARY], nameOf, nameOf);
  });
  const due = useAsked(session, "", async () => [
    ...(await readEntries(session, "standard")),
    ...(await readEntries(session, "item")),
  ]);
  const all = (runs.answer ?? []).sort((one, other) => other.created - one.created);
  const open = all.filter((run) => !isOver(run));
  return (
    <>
      {mayCalibrate(session.connection.rights.value) && (
        <p>
          <a class="button big primary" href={write({ view: "calibration", path: "new" })}>
            {words.newRun}
          </a>
        </p>
      )}
      <p class="refused" role="alert">
        {runs.said || due.said}
      </p>
      <Runs title={words.openRuns} runs={open} none={runs.answer ? words.noOpen : words.looking} session={session} />
      {due.answer && <DueList entries={due.answer} />}
      <Runs title={words.overRuns} runs={all.filter(isOver)} none="" session={session} />
    </>
  );
}

interface Listed {
  title: string;
  runs: readonly Summary[];
  none: string;
  session: Session;
}

function Runs({ title, runs, none, session }: Listed) {
  const words = calibrationWords.value;
  if (runs.length === 0 && none === "") return null;
  return (
    <section class="stack" aria-label={title}>
      <h2>{title}</h2>
      {runs.length === 0 && <p class="muted">{none}</p>}
      <ul class="tiles">
        {runs.map((run) => (
          <li key={run.run}>
            <a class="panel tile" href={write({ view: "calibration", path: run.run })}>
              <strong>
                <bdi>{session.lab.instruments.value.get(run.instrument)?.label ?? run.instrument}</bdi>
              </strong>
              <span>{stateInWords(run)}</span>
              {isOver(run) ? (
                <span>{run.certificate}</span>
              ) : (
                <span class="number">{words.ofSteps(run.captured, run.steps)}</span>
              )}
              <bdi class="muted">
                {run.run}, {run.template.title}
              </bdi>
              <bdi class="muted">{byAt(run.by, run.created, nowMs.value)}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function DueList({ entries }: { entries: readonly Entry[] }) {
  const words = calibrationWords.value;
  const due = entries
    .filter(({ is_retired: isRetired }) => !isRetired)
    .map((entry) => ({ entry, ...dueOf(entry.due, nowMs.value) }))
    .filter(({ level }) => level !== "")
    .sort((one, other) => (one.entry.due < other.entry.due ? -1 : 1));
  return (
    <section class="stack" aria-label={words.due}>
      <h2>{words.due}</h2>
      {due.length === 0 && <p class="muted">{words.nothingDue}</p>}
      <ul>
        {due.map(({ entry: { kind, name }, level, text }) => (
          <li key={`${kind} ${name}`} class="row line">
            <span class={DUE_TONES[level]} aria-hidden="true">
              {DUE_SHAPES[level]}
            </span>{" "}
            <a href={write({ view: "calibration", path: `register/${kind}/${name}` })}>
              <bdi>{name}</bdi>
            </a>{" "}
            <span class={DUE_TONES[level]}>{text}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
