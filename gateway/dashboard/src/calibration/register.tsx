// The register: reference standards, instruments that are calibrated, the laboratory; and one of them, with its history.

import { nowMs } from "../clock.ts";
import { DUE_SHAPES, DUE_TONES, dueOf } from "../lab/due.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { useAsked } from "./asked.ts";
import { mayCalibrate } from "./desk.ts";
import { EntryView } from "./entry.tsx";
import { readEntries } from "./home.tsx";
import type { Entry } from "./messages.ts";
import { calibrationWords } from "./words.ts";

const KINDS = ["standard", "item", "laboratory"];

export function Register({ session, path }: { session: Session; path: string }) {
  const [kind = "", ...name] = path.split("/");
  if (KINDS.includes(kind)) return <EntryView session={session} kind={kind} name={name.join("/")} />;
  return (
    <>
      {KINDS.map((one) => (
        <Listed key={one} session={session} kind={one} />
      ))}
    </>
  );
}

function Listed({ session, kind }: { session: Session; kind: string }) {
  const words = calibrationWords.value;
  const { answer, said } = useAsked(session, kind, () => readEntries(session, kind));
  const add = { standard: words.addStandard, item: words.addItem, laboratory: words.enter }[kind];
  const isFree = kind !== "laboratory" || answer?.length === 0;
  const entries = [...(answer ?? [])].sort((one, other) => Number(one.is_retired) - Number(other.is_retired));
  return (
    <section class="panel stack" aria-label={words.kinds[kind]}>
      <div class="row apart">
        <h2>{words.kinds[kind]}</h2>
        {isFree && mayCalibrate(session.connection.rights.value) && (
          <a class="button" href={write({ view: "calibration", path: `register/${kind}` })}>
            {add}
          </a>
        )}
      </div>
      <p class="refused" role="alert">
        {said}
      </p>
      <ul>
        {entries.map((entry) => (
          <li key={entry.name} class="row line">
            <a href={write({ view: "calibration", path: `register/${kind}/${entry.name}` })}>
              <bdi>{entry.name}</bdi>
            </a>{" "}
            <bdi class="muted">{describe(entry)}</bdi> <DueSign entry={entry} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function describe({ content }: Entry): string {
  const keys = ["description", "maker", "model", "serial", "address"];
  const found = keys.map((key) => content[key]).filter((one) => typeof one === "string" && one !== "");
  return found.join(", ");
}

export function DueSign({ entry: { due, is_retired: isRetired } }: { entry: Entry }) {
  if (isRetired) return <span class="muted">{calibrationWords.value.retired}</span>;
  const { level, text } = dueOf(due, nowMs.value);
  if (text === "") return null;
  return (
    <span class={DUE_TONES[level]}>
      <span aria-hidden="true">{DUE_SHAPES[level]} </span>
      {text}
    </span>
  );
}
