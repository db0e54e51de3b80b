// One entry of the register: a plain form, who changed what when, and what was measured with a standard.

import { useState } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { mayAdminister } from "../rights.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { useAsked } from "./asked.ts";
import { contentOf, KEYS, labelOf, rowsOf, TABLES, typedOf } from "./contents.ts";
import { askKnown, download, list, mayCalibrate, mistakesIn, once, upload, whyNot } from "./desk.ts";
import { filled, maybe } from "./filled.ts";
import { decimal, type Field, FieldIn, Form, Mistakes, typedIn } from "./form.tsx";
import { CHANGE, ENTRY, type Entry, USED } from "./messages.ts";
import { DueSign } from "./register.tsx";
import { byAt, verdictInWords } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

interface Of {
  session: Session;
  kind: string;
  name: string;
}

type Change = typeof CHANGE;

export function EntryView({ session, kind, name }: Of) {
  const words = calibrationWords.value;
  const asked = useAsked(session, `${kind} ${name}`, () => read(session, kind, kind === "laboratory" ? kind : name));
  const { answer, said, again } = asked;
  const { rights } = session.connection;
  const may = kind === "laboratory" ? mayAdminister(rights.value) : mayCalibrate(rights.value);
  const entry = answer?.entry ?? null;
  return (
    <>
      <p class="back">
        <a href={write({ view: "calibration", path: "register" })}>
          <span aria-hidden="true">{"\u2190 "}</span>
          {words.register}
        </a>
      </p>
      <h2>
        {words.kinds[kind]} {name && "/"} <bdi>{name}</bdi> {entry && <DueSign entry={entry} />}
      </h2>
      <p class="refused" role="alert">
        {said}
      </p>
      {answer && (
        <Edit
          key={entry?.number ?? 0}
          session={session}
          kind={kind}
          name={name}
          entry={entry}
          may={may}
          again={again}
        />
      )}
      {answer && answer.changes.length > 0 && <History changes={answer.changes} />}
      {kind === "standard" && entry && <Impact session={session} name={name} />}
    </>
  );
}

/** Of one that is not there yet, nothing. */
async function read(session: Session, kind: string, name: string): Promise<{ entry: Entry | null; changes: Change[] }> {
  if (name === "") return { entry: null, changes: [] };
  try {
    const answer = await askKnown(session, { request: "register-show", kind, name, after: null });
    return filled({ entry: maybe(ENTRY), changes: [CHANGE] }, answer);
  } catch (error) {
    if (error instanceof Refused && error.code === "unknown") return { entry: null, changes: [] };
    throw error;
  }
}

function Edit({
  session,
  kind,
  name,
  entry,
  may,
  again,
}: Of & { entry: Entry | null; may: boolean; again: () => void }) {
  const words = calibrationWords.value;
  const [mistakes, setMistakes] = useState<string[]>([]);
  const [isRetiring, setRetiring] = useState(false);
  const content = entry?.content ?? {};
  const send = async (body: Record<string, unknown>, file?: File) => {
    try {
      // An instrument that is not known yet is asked about by its own name.
      const about = kind === "item" ? { instrument: String(body.name) } : {};
      const sent = file && file.size > 0 ? { file_sha256: await upload(session, file) } : {};
      return mistakesIn(await askKnown(session, once({ kind, ...about, ...sent, ...body })));
    } catch (error) {
      return [whyNot(error)];
    }
  };
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const { name: own = "", reason = "", ...typed } = typedIn(form);
    const file = form.querySelector<HTMLInputElement>("input[type=file]")?.files?.[0];
    const named = kind === "laboratory" ? kind : name || own.trim();
    const made = contentOf(kind, kind === "laboratory" ? { ...typed, name: own } : typed, decimal());
    const body = { request: "register-put", name: named, content: { ...content, ...made.content }, reason };
    const found = made.mistakes.length > 0 ? made.mistakes : await send(body, file);
    setMistakes(found);
    if (found.length > 0) return;
    if (name === "" && kind !== "laboratory")
      location.hash = write({ view: "calibration", path: `register/${kind}/${named}` });
    else again();
  };
  const fields = Object.entries(KEYS[kind] ?? {}).map(([key, as]): Field => {
    const value = typedOf(content, key, decimal());
    if (as !== "reviewer") return { name: key, label: labelOf(key), kind: as, value };
    const of = ["another", "same"].map((one): [string, string] => [one, labelOf(one)]);
    return { name: key, label: labelOf(key), kind: "choice", of, value };
  });
  const get = () =>
    download(session, { request: "register-file", sha256: entry?.sha256 }, `${name}.pdf`, "application/pdf").catch(
      (error: unknown) => setMistakes([whyNot(error)]),
    );
  return (
    <form class="panel stack entry" onSubmit={save}>
      <fieldset disabled={!may || entry?.is_retired}>
        {name === "" && kind !== "laboratory" && (
          <FieldIn field={{ name: "name", label: words.name, isNeeded: true }} />
        )}
        {fields.map((field) => (
          <FieldIn key={field.name} field={field} />
        ))}
        {Object.entries(TABLES[kind] ?? {}).map(([table, columns]) => (
          <Rows key={table} table={table} columns={columns} rows={rowsOf(content, table, columns, decimal())} />
        ))}
        {kind === "standard" && (
          <label>
            {words.file}
            <input type="file" accept="application/pdf" />
          </label>
        )}
        {entry && <FieldIn field={{ name: "reason", label: words.reason, isNeeded: true }} />}
      </fieldset>
      <Mistakes said={mistakes} />
      <div class="row">
        {may && !entry?.is_retired && (
          <button type="submit" class="big primary">
            {words.save}
          </button>
        )}
        {entry?.sha256 && (
          <button type="button" class="big" onClick={get}>
            {words.getFile}
          </button>
        )}
        {may && entry && !entry.is_retired && kind !== "laboratory" && (
          <button type="button" class="big danger" onClick={() => setRetiring(true)}>
            {words.retire}
          </button>
        )}
      </div>
      {isRetiring && (
        <Form
          title={words.retireTitle(name)}
          done={words.retire}
          fields={[{ name: "reason", label: words.why, kind: "lines", isNeeded: true }]}
          send={async (typed) => {
            const found = await send({ request: "register-retire", name, ...typed });
            if (found.length === 0) again();
            return found;
          }}
          close={() => setRetiring(false)}
          isDanger
        />
      )}
    </form>
  );
}

function Rows({ table, columns, rows }: { table: string; columns: string[]; rows: string[][] }) {
  const words = calibrationWords.value;
  const [count, setCount] = useState(rows.length || 1);
  return (
    <div class="scroll">
      <table>
        <caption>{labelOf(table)}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {labelOf(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: count }, (_, at) => (
            <tr key={`row ${at + 1}`}>
              {columns.map((column, place) => (
                <td key={column}>
                  <input
                    name={`${table}/${at}/${column}`}
                    aria-label={words.rowOf(labelOf(column), at + 1)}
                    defaultValue={rows[at]?.[place] ?? ""}
                    autocomplete="off"
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button" onClick={() => setCount(count + 1)}>
        {words.addRow}
      </button>
    </div>
  );
}

function History({ changes }: { changes: readonly Change[] }) {
  const words = calibrationWords.value;
  return (
    <details class="panel">
      <summary>{words.history}</summary>
      <ol class="log">
        {changes.map(({ number, user, time, kind, reason, before, after }) => (
          <li key={number}>
            <strong>
              <bdi>{byAt(user, time, nowMs.value)}</bdi>
            </strong>{" "}
            {kind === "retired" && words.retired} <bdi>{reason}</bdi>
            {Object.keys({ ...before, ...after }).map((key) => (
              <p key={key}>
                {labelOf(key)}: <bdi>{plain(before[key])}</bdi> {"\u2192"} <bdi>{plain(after[key])}</bdi>
              </p>
            ))}
          </li>
        ))}
      </ol>
    </details>
  );
}

function plain(value: unknown): string {
  if (value === undefined || value === null || value === "") return "\u2013";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Impact({ session, name }: { session: Session; name: string }) {
  const words = calibrationWords.value;
  const [used, setUsed] = useState<(typeof USED)[] | null>(null);
  const [said, setSaid] = useState("");
  const ask = () => {
    const asked = { request: "register-impact", name, from: null, to: null };
    list(
      session,
      asked,
      ["results", USED],
      ({ run, certificate }) => `${run} ${certificate}`,
      (_, count) => count,
    ).then(setUsed, (error: unknown) => setSaid(whyNot(error)));
  };
  return (
    <details class="panel" onToggle={(event) => event.currentTarget.open && ask()}>
      <summary>{words.impact}</summary>
      <p class="refused">{said}</p>
      {used?.length === 0 && <p>{words.noneFound}</p>}
      <ul>
        {used?.map(({ run, certificate, instrument, time, verdict, is_withdrawn: isWithdrawn }) => (
          <li key={`${run} ${certificate}`} class="row line">
            {run && <a href={write({ view: "calibration", path: run })}>{run}</a>}
            <span>{certificate}</span> <bdi>{instrument}</bdi> <span>{verdict && verdictInWords(verdict)}</span>
            {isWithdrawn && <span>{words.certificateStates.withdrawn}</span>}
            <bdi class="muted">{byAt("", time, nowMs.value)}</bdi>
          </li>
        ))}
      </ul>
    </details>
  );
}
