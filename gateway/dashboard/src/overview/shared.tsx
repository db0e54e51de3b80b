// What concerns several instruments, said once above their cards: a lost port, an agent that is away.

import { useMemo } from "preact/hooks";
import { labWords } from "../lab/words.ts";
import { mayCommand } from "../rights.ts";
import type { Session } from "../sign_in/session.ts";
import { acknowledging } from "./acknowledging.ts";
import { type Cause, instrumentsOf, isShared, levelOf } from "./causes.ts";
import type { Overlook } from "./overlook.ts";
import { overviewWords } from "./words.ts";

const MOST = 4;

interface Given {
  session: Session;
  overlook: Overlook;
}

export function Shared({ session, overlook }: Given) {
  const words = overviewWords.value;
  const causes = overlook.causes.value.filter(isShared);
  if (causes.length === 0) return null;
  const lines = causes.map((cause) => (
    <Line key={`${cause.agent} ${cause.cause}`} session={session} overlook={overlook} cause={cause} />
  ));
  return (
    <section class="shared" aria-label={words.shared}>
      <ul>{lines.slice(0, MOST)}</ul>
      {lines.length > MOST && (
        <details>
          <summary>{words.moreCauses(lines.length - MOST)}</summary>
          <ul>{lines.slice(MOST)}</ul>
        </details>
      )}
    </section>
  );
}

function Line({ session, overlook, cause }: Given & { cause: Cause }) {
  const { all, isUnderWay, refusal } = useMemo(() => acknowledging(session), [session]);
  const words = overviewWords.value;
  const level = cause.isOffline ? "offline" : levelOf(cause);
  return (
    <li class={`is-${level}`}>
      <p>
        <span class="shape" aria-hidden="true">
          {level === "offline" ? "\u25cb" : level === "alarm" ? "\u25b2" : "\u25c6"}
        </span>{" "}
        <strong>
          <bdi>{cause.isOffline ? words.agentOffline(cause.agent) : words.causeAt(cause.cause, cause.agent)}</bdi>
        </strong>
        {": "}
        {cause.isOffline
          ? words.lastKnown(overlook.countAt(cause.agent), cause.alarms.length)
          : words.instruments(instrumentsOf(cause).length)}
      </p>
      {mayAcknowledge(session, cause) && (
        <button type="button" disabled={isUnderWay.value} onClick={() => all(cause.alarms)}>
          {openOf(cause).length > 1 ? words.acknowledgeAll : labWords.value.acknowledge}
        </button>
      )}
      <p class="refused" role="alert">
        {refusal.value}
      </p>
    </li>
  );
}

function mayAcknowledge({ connection }: Session, cause: Cause): boolean {
  if (cause.isOffline || connection.standing.value !== "live" || openOf(cause).length === 0) return false;
  return openOf(cause).every(({ instrument }) => mayCommand(connection.rights.value, instrument));
}

function openOf({ alarms }: Cause) {
  return alarms.filter(({ alarm }) => alarm.acknowledged === null);
}
