// What is active at this instrument, with a way to acknowledge it; whoever holds control is not asked for that.

import type { Instrument } from "../../lab/instrument.ts";
import { alarmInWords, labWords } from "../../lab/words.ts";
import type { Session } from "../../sign_in/session.ts";
import type { Alarm } from "../../wire/messages.ts";
import type { Actions } from "./actions.ts";
import { barrierToAgent } from "./barrier.ts";
import { ResultOf } from "./result.tsx";
import { standpointOf } from "./standpoint.ts";
import { controlWords } from "./words.ts";

const SHAPES: Record<Alarm["level"], string> = { alarm: "\u25b2", warning: "\u25c6" };

interface Of {
  session: Session;
  instrument: Instrument;
  actions: Actions;
}

export function Alarms({ session, instrument, actions }: Of) {
  const alarms = instrument.alarms.value;
  if (alarms.length === 0) return null;
  const barrier = barrierToAgent(standpointOf(session, instrument));
  const isBarred = barrier !== null || actions.underWay.value.has("_acknowledge");
  const isOld = barrier === "lost" || barrier === "offline";
  const acknowledge = (id: string) => {
    if (!isBarred) actions.send({ name: "_acknowledge", arguments: { id } });
  };
  return (
    <section class="panel alarms-here" aria-labelledby="control-alarms">
      <h2 id="control-alarms">{controlWords.value.alarms}</h2>
      <ul>
        {alarms.map((alarm) => (
          <li key={alarm.id} class="row apart">
            <AlarmLine alarm={alarm} isOld={isOld} />
            {alarm.acknowledged === null && (
              <button
                type="button"
                aria-disabled={isBarred}
                aria-label={controlWords.value.acknowledgeOf(alarmInWords(alarm))}
                onClick={() => acknowledge(alarm.id)}
              >
                {labWords.value.acknowledge}
              </button>
            )}
          </li>
        ))}
      </ul>
      <ResultOf session={session} instrument={instrument} actions={actions} name="_acknowledge" isQuietWhenDone />
    </section>
  );
}

function AlarmLine({ alarm, isOld }: { alarm: Alarm; isOld: boolean }) {
  const words = labWords.value;
  const level = alarm.level === "alarm" ? words.alarm : words.warning;
  return (
    <span class={isOld ? "clamp muted" : `clamp is-${alarm.level}`}>
      <span aria-hidden="true">{SHAPES[alarm.level]}</span> <strong>{isOld ? words.lastKnown(level) : level}</strong>{" "}
      <bdi>{alarmInWords(alarm)}</bdi>
      {alarm.acknowledged !== null && (
        <span class="muted">
          {" \u2013 "}
          <bdi>{words.acknowledgedBy(alarm.acknowledged.user)}</bdi>
        </span>
      )}
    </span>
  );
}
