// One instrument on the overview: what it is, how it stands, what it measures, who holds it, what is wrong.

import { type ReadonlySignal, untracked, useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { count } from "../drawn.ts";
import { type Condition, conditionOf, isLive } from "../lab/condition.ts";
import { DUE_SHAPES, DUE_TONES, dueOf, dueWords } from "../lab/due.ts";
import type { Instrument } from "../lab/instrument.ts";
import { alarmInWords, conditionInWords, labWords, SHAPES } from "../lab/words.ts";
import { mayCommand } from "../rights.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import type { Alarm } from "../wire/messages.ts";
import { formatTime } from "../words/numbers.ts";
import { acknowledging } from "./acknowledging.ts";
import { Reading } from "./reading.tsx";
import { Spark } from "./spark.tsx";
import { tracesOf } from "./traces.ts";
import { overviewWords } from "./words.ts";

const MOST_CHANNELS = 4;

interface Given {
  session: Session;
  instrument: Instrument;
}

export function Card({ session, instrument }: Given) {
  count("card");
  const { connection, lab } = session;
  const condition = useComputed(() =>
    conditionOf(instrument.state.value, lab.agents.value.get(instrument.agent), connection.standing.value),
  );
  const live = useComputed(() => isLive(condition.value));
  const isOld = condition.value === "offline" || condition.value === "lost";
  const { label, name } = instrument;
  return (
    <article class={live.value ? "card" : "card old"}>
      <header>
        <h2>
          <a href={write({ view: "instrument", instrument: name, tab: "" })}>
            <bdi>{label}</bdi>
          </a>
        </h2>
        {label !== name && <p class="name">{name}</p>}
      </header>
      <Stands instrument={instrument} condition={condition.value} />
      <Readings session={session} instrument={instrument} live={live} />
      <Holder session={session} instrument={instrument} />
      <DueSoon instrument={instrument} />
      <Alarms session={session} instrument={instrument} isOld={isOld} />
    </article>
  );
}

function Stands({ instrument, condition }: { instrument: Instrument; condition: Condition }) {
  return (
    <p class={`stands is-${condition}`}>
      <span class="shape" aria-hidden="true">
        {SHAPES[condition]}
      </span>{" "}
      <bdi>{conditionInWords(condition, instrument.state.value)}</bdi>
    </p>
  );
}

function Readings({ session, instrument, live }: Given & { live: ReadonlySignal<boolean> }) {
  // Not drawn anew for each value: which channels there are changes with their names and the description only.
  const names = useComputed(() => Object.keys(instrument.latest.value).join("\n")).value;
  const description = instrument.description.value;
  const channels = useMemo(() => untracked(() => instrument.channels), [names, description]);
  const { slots, channel: drawn } = tracesOf(session).of(instrument);
  const others = channels.length - MOST_CHANNELS;
  return (
    <>
      <dl class="readings">
        {channels.slice(0, MOST_CHANNELS).map((channel) => (
          <Reading
            key={channel.name}
            instrument={instrument}
            channel={channel}
            slots={slots}
            isLive={live}
            first={channels[0]?.name ?? ""}
          />
        ))}
      </dl>
      {others > 0 && <p class="more muted">{overviewWords.value.more(others)}</p>}
      {drawn.value !== "" && <Spark session={session} instrument={instrument} isLive={live.value} />}
    </>
  );
}

function Holder({ session, instrument }: Given) {
  const said = useComputed(() => {
    const words = overviewWords.value;
    const control = instrument.control.value;
    if (!control?.user || control.until / 1000 <= nowMs.value) return "";
    const isOurs = control.session === session.connection.welcome.value?.session;
    return words.heldBy(isOurs ? words.you : control.user, formatTime(control.until, nowMs.value));
  });
  if (said.value === "") return null;
  return (
    <p class="holder">
      <span class="shape" aria-hidden="true">
        {"\u25a0"}
      </span>{" "}
      <bdi>{said.value}</bdi>
    </p>
  );
}

/** Where its calibration is due soon, or was. */
function DueSoon({ instrument }: { instrument: Instrument }) {
  const due = useComputed(() => {
    const { level, text } = dueOf(instrument.calibration.value?.due ?? "", nowMs.value);
    return level && `${level} ${text}`;
  });
  if (due.value === "") return null;
  const [level = "", ...text] = due.value.split(" ");
  return (
    <p class={DUE_TONES[level as "soon"]}>
      <span class="shape" aria-hidden="true">
        {DUE_SHAPES[level as "soon"]}
      </span>{" "}
      {dueWords.value.calibration} {text.join(" ")}
    </p>
  );
}

function Alarms({ session, instrument, isOld }: Given & { isOld: boolean }) {
  const { all, isUnderWay, refusal } = useMemo(() => acknowledging(session), [session]);
  const words = overviewWords.value;
  const alarms = instrument.alarms.value;
  if (alarms.length === 0) return null;
  const may = !isOld && mayCommand(session.connection.rights.value, instrument.name);
  return (
    <>
      <ul class={isOld ? "alarms last-known" : "alarms"} aria-label={words.alarmsOf(instrument.name)}>
        {alarms.map((alarm) => (
          <li key={alarm.id} class={alarm.level === "alarm" ? "is-alarm" : "is-warning"}>
            <AlarmWords alarm={alarm} isOld={isOld} />
            {may && alarm.acknowledged === null && (
              <button
                type="button"
                disabled={isUnderWay.value}
                aria-label={words.acknowledgeOf(instrument.name, alarmInWords(alarm))}
                onClick={() => all([{ instrument: instrument.name, alarm }])}
              >
                {labWords.value.acknowledge}
              </button>
            )}
          </li>
        ))}
      </ul>
      <p class="refused" role="alert">
        {refusal.value}
      </p>
    </>
  );
}

function AlarmWords({ alarm, isOld }: { alarm: Alarm; isOld: boolean }) {
  const words = labWords.value;
  const level = alarm.level === "alarm" ? words.alarm : words.warning;
  return (
    <p>
      <span class="shape" aria-hidden="true">
        {alarm.level === "alarm" ? "\u25b2" : "\u25c6"}
      </span>{" "}
      <strong>{isOld ? words.lastKnown(level) : level}</strong> <bdi>{alarmInWords(alarm)}</bdi>
      {alarm.acknowledged && (
        <span class="acknowledged">
          {" "}
          <bdi>{words.acknowledgedBy(alarm.acknowledged.user)}</bdi>
        </span>
      )}
    </p>
  );
}
