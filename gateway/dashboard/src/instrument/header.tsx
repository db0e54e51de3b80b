// Who an instrument is, how it stands, and its newest values: live only where it is.

import { useRef } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { corrected, measurandOf } from "../lab/calibration.ts";
import { conditionOf, isLive } from "../lab/condition.ts";
import { DUE_SHAPES, DUE_TONES, dueOf, dueWords, notCorrected } from "../lab/due.ts";
import type { Instrument } from "../lab/instrument.ts";
import { conditionInWords, labWords, SHAPES } from "../lab/words.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import type { Channel, Sample } from "../wire/messages.ts";
import { decimalsBy, decimalsOf, formatAge, formatNumber, formatTime, formatValue } from "../words/numbers.ts";
import { instrumentWords } from "./words.ts";

export function Header({ session, instrument }: { session: Session; instrument: Instrument }) {
  const words = instrumentWords.value;
  return (
    <header class="instrument-head">
      <p class="back">
        <a href={write({ view: "overview" })}>
          <span aria-hidden="true">{"\u2190 "}</span>
          {words.toOverview}
        </a>
      </p>
      <div class="row apart title">
        <h1>
          <bdi>{instrument.label}</bdi>
        </h1>
        {instrument.label !== instrument.name && <code class="name">{instrument.name}</code>}
      </div>
      <div class="row standing">
        <StateNow session={session} instrument={instrument} />
        <Holder session={session} instrument={instrument} />
        <Calibrated instrument={instrument} />
      </div>
      <Newest session={session} instrument={instrument} />
    </header>
  );
}

export function conditionNow({ connection, lab }: Session, instrument: Instrument) {
  return conditionOf(instrument.state.value, lab.agents.value.get(instrument.agent), connection.standing.value);
}

function StateNow({ session, instrument }: { session: Session; instrument: Instrument }) {
  const condition = conditionNow(session, instrument);
  return (
    <p class={`state is-${condition}`} role="status">
      <span class="shape" aria-hidden="true">
        {SHAPES[condition]}
      </span>{" "}
      <bdi>{conditionInWords(condition, instrument.state.value)}</bdi>
    </p>
  );
}

function Holder({ session: { connection }, instrument }: { session: Session; instrument: Instrument }) {
  const words = instrumentWords.value;
  const control = instrument.control.value;
  if (control === null || control.until / 1000 <= nowMs.value) return <p class="muted">{words.free}</p>;
  const until = formatTime(control.until, nowMs.value);
  const isOwn = control.session === connection.welcome.value?.session;
  return (
    <p class="holder">
      <bdi>{isOwn ? words.controlledByYou(until) : words.controlledBy(control.user, until)}</bdi>
    </p>
  );
}

/** By which certificate, and until when; in shape and words where that is over. */
function Calibrated({ instrument: { calibration } }: { instrument: Instrument }) {
  const found = calibration.value;
  if (found === null) return null;
  const words = dueWords.value;
  const { level, text } = dueOf(found.due, nowMs.value);
  return (
    <p class={DUE_TONES[level]}>
      <span aria-hidden="true">{DUE_SHAPES[level]} </span>
      <a href={write({ view: "calibration", path: "certificates" })}>
        {words.calibration} <bdi>{found.certificate}</bdi>
      </a>
      {text && `, ${text}`}
      {found.is_simulated && `, ${words.specimen}`}
    </p>
  );
}

function Newest({ session, instrument }: { session: Session; instrument: Instrument }) {
  const live = isLive(conditionNow(session, instrument));
  return (
    <dl class={live ? "newest" : "newest is-old"} aria-label={instrumentWords.value.newest}>
      {instrument.channels.map((channel) => (
        <Value
          key={channel.name}
          channel={channel}
          sample={instrument.latest.value[channel.name]}
          live={live}
          instrument={instrument}
        />
      ))}
    </dl>
  );
}

const LONG = 9;

interface Shown {
  channel: Channel;
  sample: Sample | undefined;
  live: boolean;
  instrument: Instrument;
}

function Value({ channel, sample, live, instrument }: Shown) {
  const decimals = useRef(0);
  if (typeof sample?.value === "number") decimals.current = Math.max(decimals.current, decimalsOf(sample.value));
  const shown = sample === undefined ? "\u2013" : formatValue(sample.value, decimals.current);
  return (
    <div>
      <dt class="clip" title={channel.label || channel.name}>
        <bdi>{channel.label || channel.name}</bdi>
      </dt>
      <dd class={shown.length > LONG || typeof sample?.value === "string" ? "value is-long" : "value"}>
        <bdi class="number">{shown}</bdi> <bdi class="unit">{sample?.unit ?? channel.unit}</bdi>
      </dd>
      {sample !== undefined && <Corrected instrument={instrument} channel={channel.name} sample={sample} />}
      <dd class="age">{sample === undefined ? labWords.value.noValue : <Age sample={sample} live={live} />}</dd>
    </div>
  );
}

/** What its certificate makes of a reading; nothing where the channel was not calibrated. */
function Corrected({ instrument, channel, sample }: { instrument: Instrument; channel: string; sample: Sample }) {
  const measurand = measurandOf(instrument.calibration.value, channel);
  if (measurand === undefined) return null;
  const words = dueWords.value;
  const found = corrected(measurand, sample.value, sample.unit, sample.quality);
  if ("why" in found) {
    return (
      <dd class={found.why === "outside" ? "corrected is-warning" : "corrected muted"}>
        {found.why === "outside" && <span aria-hidden="true">{"\u25c6 "}</span>}
        <bdi>{notCorrected(found, measurand)}</bdi>
      </dd>
    );
  }
  const decimals = decimalsBy(found.U);
  return (
    <dd class="corrected number">
      {words.corrected}{" "}
      <bdi>
        {`${formatNumber(found.value, decimals)}\u00a0\u00b1\u00a0${formatNumber(found.U, decimals)} ${found.unit}`}
      </bdi>
    </dd>
  );
}

function Age({ sample, live }: { sample: Sample; live: boolean }) {
  const words = instrumentWords.value;
  const isDoubtful = sample.quality !== "" && sample.quality !== "good";
  return (
    <>
      {live ? formatAge(nowMs.value - sample.time / 1000) : words.lastOf(formatTime(sample.time, nowMs.value))}
      {isDoubtful && (
        <span class="is-warning">
          {" "}
          <span aria-hidden="true">{"\u25c6 "}</span>
          <bdi>{labWords.value.quality(sample.quality)}</bdi>
        </span>
      )}
    </>
  );
}
