// History of several instruments over one time, up to years of it at once: no peak is lost, for each point of the plot
// holds the minimum and the maximum of what was measured. The address says what is looked at.

import { useEffect, useMemo } from "preact/hooks";
import { route } from "../routes.ts";
import { type Session, wantsToSignIn } from "../sign_in/session.ts";
import { appWords } from "../words.ts";
import { adjust, change } from "./address.ts";
import { Chooser, MOST_CHOSEN } from "./chooser.tsx";
import { Export } from "./export.tsx";
import { GapList } from "./gap_list.tsx";
import { Legend } from "./legend.tsx";
import { Plot } from "./plot.tsx";
import { readRange } from "./range.ts";
import { RangeBar } from "./range_bar.tsx";
import { placesOf, type Shown } from "./shown.ts";
import { isUnknown, Study } from "./study.ts";
import { historyWords } from "./words.ts";
import "./history.css";

interface Given {
  session: Session;
  instruments: string[];
  from: string;
  to: string;
}

const MOST_SUGGESTED = 6;

export function HistoryView({ session, instruments, from, to }: Given) {
  const words = historyWords.value;
  if (session.connection.isPublic) return <ForOthers />;
  const chosen = [...new Set(instruments)].slice(0, MOST_CHOSEN);
  return (
    <div class="history stack">
      <h1>{words.title}</h1>
      <Chooser session={session} chosen={chosen} />
      {chosen.length === 0 ? (
        <Suggestions session={session} />
      ) : (
        <Looking key="looking" session={session} instruments={chosen} from={from} to={to} />
      )}
    </div>
  );
}

function ForOthers() {
  return (
    <div class="history stack">
      <h1>{historyWords.value.title}</h1>
      <p>{historyWords.value.isPublic}</p>
      <p>
        <button
          type="button"
          onClick={() => {
            wantsToSignIn.value = true;
          }}
        >
          {appWords.value.signIn}
        </button>
      </p>
    </div>
  );
}

function Suggestions({ session }: { session: Session }) {
  const words = historyWords.value;
  const some = [...session.lab.instruments.value.values()].slice(0, MOST_SUGGESTED);
  return (
    <div class="panel empty stack">
      <p>{session.lab.isFilled.value && some.length === 0 ? words.noInstruments : words.nothingChosen}</p>
      <ul class="chosen-list">
        {some.map(({ name, label }) => (
          <li key={name}>
            <button type="button" onClick={() => change({ instruments: [name] })}>
              <bdi class="clip">{label}</bdi>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Looking({ session, instruments, from, to }: Given) {
  const words = historyWords.value;
  const study = useMemo(() => new Study(session), [session]);
  useEffect(() => () => study.end(), [study]);
  const known = readRange(from, to);
  const range = known ?? readRange("", "");
  const asked = instruments.join();
  useEffect(() => {
    if (range !== null) study.look(asked.split(","), range);
  }, [study, asked, from, to]);
  if (range === null) return null;
  // Where a service is known, all are: they are told together.
  const isMissing = session.lab.services.value.size > 0 && session.lab.service("history") === null;
  return (
    <section class="panel stack looking" aria-label={words.plot}>
      <RangeBar study={study} range={range} preset={known === null || to !== "" ? "" : from || "1d"} />
      {known === null && <p class="refused">{words.wrongRange}</p>}
      {isMissing && (
        <p class="refused" role="alert">
          {words.noService}
        </p>
      )}
      {!(isMissing && study.loads.value.length === 0) && (
        <Drawn session={session} study={study} instruments={instruments} />
      )}
    </section>
  );
}

function Drawn({ session, study, instruments }: { session: Session; study: Study; instruments: readonly string[] }) {
  const here = route.value;
  const [hidden, scale] = here.view === "history" ? [here.hidden ?? [], here.scale ?? ""] : [[], ""];
  const drawing = study.drawing.value;
  const places = placesOf(session, instruments, drawing?.series ?? []);
  const all = [...(drawing?.series ?? [])].sort((one, other) => places.indexOf(one.id) - places.indexOf(other.id));
  const isOwn = scale === "own";
  const shownIds = all.filter(({ id }) => !hidden.includes(id));
  const key = [shownIds.map(({ id }) => id).join("\n"), isOwn, instruments.join(), places.join("\n")].join("\n\n");
  // The key says all that the rest is made of.
  const shown: Shown | null = useMemo(() => {
    const times = drawing?.times ?? study.times.peek();
    if (times === null) return null;
    return {
      session,
      study,
      drawing: drawing ?? { times, series: [], gaps: new Map() },
      series: shownIds,
      instruments,
      isOwn,
      placeOf: (id) => Math.max(places.indexOf(id), 0),
    };
  }, [session, study, drawing, key, study.times.value === null]);
  if (shown === null) return <Waiting study={study} />;
  return (
    <>
      <div class="row apart above">
        <Progress study={study} isEmpty={all.length === 0} isHidden={all.length > 0 && shownIds.length === 0} />
        <div class="row">
          <Scale isOwn={isOwn} />
          <Export shown={shown} />
        </div>
      </div>
      <Plot shown={shown} />
      <p id="history-keys" class="keys muted">
        {historyWords.value.keys} {historyWords.value.zone(Intl.DateTimeFormat().resolvedOptions().timeZone)}
      </p>
      <Legend shown={shown} all={all} hidden={hidden} />
      <GapList shown={shown} />
    </>
  );
}

/** Nobody knows yet since when there is anything: the width is learned meanwhile. */
function Waiting({ study }: { study: Study }) {
  useEffect(() => study.fit(1000), [study]);
  return <Progress study={study} isEmpty={true} isHidden={false} />;
}

function Progress({ study, isEmpty, isHidden }: { study: Study; isEmpty: boolean; isHidden: boolean }) {
  const words = historyWords.value;
  const loads = study.loads.value;
  const ready = loads.filter(({ progress: { step } }) => step === "done" || step === "failed").length;
  const hasFailed = loads.some(({ progress: { step } }) => step === "failed");
  const mayWork = loads.some((load) => load.progress.step === "failed" && !isUnknown(load));
  const isLoading = ready < loads.length || loads.length === 0;
  const rest = hasFailed || !isEmpty ? (isHidden ? words.allHidden : "") : words.empty;
  return (
    <div class="row progress">
      <p role="status" class={isLoading ? "muted" : ""}>
        {isLoading ? words.loading(ready, loads.length) : rest}
      </p>
      {mayWork && (
        <button type="button" onClick={() => study.refresh()}>
          {words.again}
        </button>
      )}
    </div>
  );
}

function Scale({ isOwn }: { isOwn: boolean }) {
  const words = historyWords.value;
  return (
    <fieldset class="scale">
      <legend class="hidden">{words.scale}</legend>
      <button type="button" aria-pressed={!isOwn} onClick={() => adjust({ scale: "" })}>
        {words.together}
      </button>
      <button type="button" aria-pressed={isOwn} onClick={() => adjust({ scale: "own" })}>
        {words.own}
      </button>
    </fieldset>
  );
}
