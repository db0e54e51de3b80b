// What became of a command, where it was sent: under way with the time running, then done or not, in colour, shape and
// word, and beside it the live value that tells whether it took effect.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { conditionOf, isLive } from "../../lab/condition.ts";
import type { Instrument } from "../../lab/instrument.ts";
import { labWords } from "../../lab/words.ts";
import type { Session } from "../../sign_in/session.ts";
import type { Channel, CommandDescription } from "../../wire/messages.ts";
import { formatNumber } from "../../words/numbers.ts";
import type { Actions, Outcome, UnderWay } from "./actions.ts";
import { channelsOfEffect } from "./commands.ts";
import { LongText } from "./long_text.tsx";
import { RESULT_SHAPES } from "./outcome.ts";
import { tookInWords, valueInWords } from "./sentences.ts";
import { ShownBytes } from "./shown_bytes.tsx";
import { controlWords } from "./words.ts";

interface Of {
  session: Session;
  instrument: Instrument;
  actions: Actions;
  /** Its place on the page, which is the command's name. */
  name: string;
  command?: CommandDescription;
  /** Where what was done is seen anyway, it is not said. */
  isQuietWhenDone?: boolean;
}

export function ResultOf({ actions, name, isQuietWhenDone = false, ...of }: Of) {
  const underWay = actions.underWay.value.get(name);
  const outcome = underWay === undefined ? actions.outcomes.value.get(name) : undefined;
  const isDone = outcome?.reply.result === "done";
  const box = outcome && !(isDone && isQuietWhenDone) && (
    <OutcomeBox {...of} outcome={outcome} onClose={() => actions.forget(name)} />
  );
  return (
    <div class="result">
      <div role="status">
        {underWay && <UnderWayLine underWay={underWay} />}
        {isDone && box}
      </div>
      <div role="alert">{!isDone && box}</div>
    </div>
  );
}

function UnderWayLine({ underWay }: { underWay: UnderWay }) {
  const words = controlWords.value;
  return (
    <p class="outcome under-way">
      <span class="shape" aria-hidden="true">
        {"\u25cc"}
      </span>
      <strong>{underWay.isArming ? words.armingNow : words.underWay} …</strong>
      <Elapsed underWay={underWay} />
    </p>
  );
}

function Elapsed({ underWay: { sinceMs, timeoutS } }: { underWay: UnderWay }) {
  const nowMs = useSignal(performance.now());
  useEffect(() => {
    const timer = setInterval(() => {
      nowMs.value = performance.now();
    }, 200);
    return () => clearInterval(timer);
  }, []);
  const seconds = formatNumber(Math.floor((nowMs.value - sinceMs) / 1000), 0);
  return (
    <span class="muted number" aria-hidden="true">
      {controlWords.value.sinceSeconds(seconds, formatNumber(timeoutS))}
    </span>
  );
}

interface Box extends Pick<Of, "session" | "instrument" | "command"> {
  outcome: Outcome;
  onClose: () => void;
}

function OutcomeBox({ session, instrument, command, outcome, onClose }: Box) {
  const { result, reason, took_us } = outcome.reply;
  const words = controlWords.value;
  return (
    <div class={`outcome is-${result}`}>
      <p class="head">
        <span class="shape" aria-hidden="true">
          {RESULT_SHAPES[result] ?? "?"}
        </span>
        <strong>{words.results[result] ?? result}</strong>
        {took_us > 0 && <span class="muted number">{words.took(tookInWords(took_us))}</span>}
      </p>
      <button type="button" class="plain close" aria-label={words.close} onClick={onClose}>
        {"\u2715"}
      </button>
      <p>{sentenceOf(outcome)}</p>
      {reason !== "" && (
        <p class="reason">
          <LongText text={reason} />
        </p>
      )}
      {outcome.reply.name === "_raw" && <Answer bytes={outcome.reply.bytes_in} />}
      <Values outcome={outcome} />
      {command !== undefined && !outcome.wasArming && (
        <Effect session={session} instrument={instrument} command={command} outcome={outcome} />
      )}
    </div>
  );
}

function sentenceOf({ reply: { name, result }, wasArming }: Outcome): string {
  const words = controlWords.value;
  if (wasArming) return words.notArmed; // also where nobody knows of the announcement: the command itself was not sent
  return name === "_raw" && result === "done" ? words.rawDone : words.sentences[result];
}

function Answer({ bytes }: { bytes: Uint8Array }) {
  if (bytes.length === 0) return <p>{controlWords.value.rawNothing}</p>;
  return (
    <p class="scrolled">
      <ShownBytes bytes={bytes} />
    </p>
  );
}

function Values({ outcome: { reply } }: { outcome: Outcome }) {
  const values = Object.entries(reply.values);
  if (values.length === 0) return null;
  return (
    <dl class="values">
      {values.map(([name, value]) => (
        <div key={name}>
          <dt class="clamp">
            <bdi>{name}</bdi>
          </dt>
          <dd class="number">
            <LongText text={valueInWords(value, reply.units[name] ?? "")} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Nothing where nothing was sent: then nothing can have changed. */
const MAY_HAVE_CHANGED = ["done", "failed", "timeout", "lost"];

function Effect({
  session,
  instrument,
  command,
  outcome,
}: {
  session: Session;
  instrument: Instrument;
  command: CommandDescription;
  outcome: Outcome;
}) {
  if (!MAY_HAVE_CHANGED.includes(outcome.reply.result)) return null;
  const channels = channelsOfEffect(instrument.channels, command, outcome.reply);
  if (channels.length === 0) return null;
  return (
    <dl class="values effect">
      {channels.map((channel) => (
        <Live
          key={channel.name}
          session={session}
          instrument={instrument}
          channel={channel}
          afterUs={outcome.reply.time}
        />
      ))}
    </dl>
  );
}

function Live({
  session,
  instrument,
  channel,
  afterUs,
}: {
  session: Session;
  instrument: Instrument;
  channel: Channel;
  afterUs: number;
}) {
  const sample = instrument.latest.value[channel.name];
  const agent = session.lab.agents.value.get(instrument.agent);
  const isNow = isLive(conditionOf(instrument.state.value, agent, session.connection.standing.value));
  const isAfter = sample !== undefined && sample.time > afterUs;
  const words = controlWords.value;
  const when = !isNow ? labWords.value.lastValue : isAfter ? words.now : words.before;
  return (
    <div class={isNow && isAfter ? undefined : "muted"} aria-live="off">
      <dt class="clamp">
        <bdi>{channel.label || channel.name}</bdi>, {when}
      </dt>
      <dd class="number">
        <LongText text={valueInWords(sample?.value, sample?.unit || channel.unit)} most={60} />
        {isNow && !isAfter && <span class="muted">{` (${words.awaiting})`}</span>}
      </dd>
    </div>
  );
}
