// Who alone may command the instrument, until when, and what this reader can do about it.

import { useSignal } from "@preact/signals";
import { nowMs } from "../../clock.ts";
import type { Instrument } from "../../lab/instrument.ts";
import type { Session } from "../../sign_in/session.ts";
import { formatSpan, formatTime } from "../../words/numbers.ts";
import type { Actions } from "./actions.ts";
import { type Barrier, barrierToAgent } from "./barrier.ts";
import { commandsOf, titleOf } from "./commands.ts";
import { Dialog } from "./dialog.tsx";
import { countdown, DURATIONS_S, type Holding, holdingOf, USUAL_S } from "./lease.ts";
import { ResultOf } from "./result.tsx";
import { barrierInWords } from "./sentences.ts";
import { standpointOf } from "./standpoint.ts";
import { controlWords } from "./words.ts";

interface Of {
  session: Session;
  instrument: Instrument;
  actions: Actions;
}

export function LeaseBar({ session, instrument, actions }: Of) {
  const words = controlWords.value;
  const holding = holdingOf(instrument.control.value, session.connection.welcome.value, nowMs.value);
  const barrier = barrierToAgent(standpointOf(session, instrument));
  return (
    <section class={`panel lease is-${holding.by}`} aria-label={words.control}>
      <p class="who">
        <span class="shape" aria-hidden="true">
          {SHAPES[holding.by]}
        </span>
        <span role="status">
          {barrier === "lost" && `${words.lastKnownHolder} `}
          <bdi>{holderInWords(holding)}</bdi>
        </span>
        {holding.by !== "nobody" && barrier !== "lost" && <TimeLeft holding={holding} />}
      </p>
      <Answers actions={actions} holding={holding} barrier={barrier} />
      {holding.by === "here" && <p class="muted hint clamp">{endInWords(instrument)}</p>}
      <ResultOf session={session} instrument={instrument} actions={actions} name="_take" isQuietWhenDone />
      <ResultOf session={session} instrument={instrument} actions={actions} name="_release" isQuietWhenDone />
    </section>
  );
}

const SHAPES: Record<Holding["by"], string> = {
  nobody: "\u25cb",
  here: "\u25cf",
  elsewhere: "\u25d0",
  other: "\u25a0",
};

function holderInWords(holding: Holding): string {
  const words = controlWords.value;
  if (holding.by === "nobody") return words.nobodyHolds;
  if (holding.by === "other") return words.otherHolds(holding.user);
  return holding.by === "here" ? words.youHold : words.youHoldElsewhere;
}

function endInWords(instrument: Instrument): string {
  const safe = commandsOf(instrument.description.value).find((command) => command.safe);
  return safe === undefined ? controlWords.value.endsWithPage : controlWords.value.endsSafely(titleOf(safe));
}

function TimeLeft({ holding }: { holding: Exclude<Holding, { by: "nobody" }> }) {
  const words = controlWords.value;
  return (
    <span class="left">
      <span class="number">{countdown(holding.leftMs)}</span> {words.left},{" "}
      <time dateTime={new Date(holding.untilUs / 1000).toISOString()}>
        {words.until(formatTime(holding.untilUs, nowMs.value))}
      </time>
    </span>
  );
}

interface Asked {
  actions: Actions;
  holding: Holding;
  barrier: Barrier | null;
}

function Answers({ actions, holding, barrier }: Asked) {
  const words = controlWords.value;
  const duration = useSignal(USUAL_S);
  const isAsking = useSignal(false);
  const why = barrier === null ? null : barrierInWords(barrier, holding);
  const isBusy = actions.underWay.value.has("_take") || actions.underWay.value.has("_release");
  const isBarred = why !== null || isBusy;
  const take = (force: boolean) => {
    const given = { duration_s: duration.value, ...(force && { force }) };
    if (!isBarred) actions.send({ name: "_take", arguments: given });
  };
  const release = () => {
    const given = holding.by === "elsewhere" ? { any_session: true } : {};
    if (!isBarred) actions.send({ name: "_release", arguments: given });
  };
  return (
    <div class="row">
      <label class="duration">
        <span>{words.duration}</span>
        <select
          value={String(duration.value)}
          onChange={(event) => {
            duration.value = Number(event.currentTarget.value);
          }}
        >
          {DURATIONS_S.map((seconds) => (
            <option key={seconds} value={String(seconds)}>
              {formatSpan(seconds * 1000)}
            </option>
          ))}
        </select>
      </label>
      {holding.by === "nobody" && (
        <button type="button" aria-disabled={isBarred} onClick={() => take(false)}>
          {words.take}
        </button>
      )}
      {holding.by === "here" && (
        <>
          <button type="button" aria-disabled={isBarred} onClick={() => take(false)}>
            {words.extend}
          </button>
          <button type="button" aria-disabled={isBarred} onClick={release}>
            {words.release}
          </button>
        </>
      )}
      {holding.by === "elsewhere" && (
        <>
          <button type="button" aria-disabled={isBarred} onClick={() => take(true)}>
            {words.takeHere}
          </button>
          <button type="button" aria-disabled={isBarred} onClick={release}>
            {words.releaseElsewhere}
          </button>
        </>
      )}
      {holding.by === "other" && (
        <button
          type="button"
          class="danger"
          aria-disabled={isBarred}
          onClick={() => {
            isAsking.value = !isBarred;
          }}
        >
          {words.takeOver}
        </button>
      )}
      {isAsking.value && holding.by === "other" && (
        <Dialog
          title={words.takeOverTitle}
          confirm={words.takeOverNow}
          barrier={why}
          onConfirm={() => {
            isAsking.value = false;
            take(true);
          }}
          onCancel={() => {
            isAsking.value = false;
          }}
        >
          <p>
            <bdi>{words.takeOverWhat(holding.user)}</bdi>
          </p>
        </Dialog>
      )}
    </div>
  );
}
