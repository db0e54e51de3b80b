// What was issued: searched, downloaded, withdrawn.

import { useState } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { useAsked } from "./asked.ts";
import { askKnown, list, mayCalibrate, once, whyNot } from "./desk.ts";
import { Downloads } from "./downloads.tsx";
import { Form } from "./form.tsx";
import { CERTIFICATE, type Certificate } from "./messages.ts";
import { byAt, verdictInWords } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

const SHAPES: Record<string, string> = { valid: "\u2714\ufe0e", superseded: "\u25cb", withdrawn: "\u2718\ufe0e" };
const TONES: Record<string, string> = { valid: "is-good", superseded: "is-offline", withdrawn: "is-alarm" };

export function Certificates({ session }: { session: Session }) {
  const words = calibrationWords.value;
  const [sought, setSought] = useState({ text: "", state: "" });
  const [withdrawing, setWithdrawing] = useState("");
  const { text, state } = sought;
  const { answer, said, again } = useAsked(session, `${state} ${text}`, () => {
    const asked = { request: "certificate-list", ...(text && { text }), ...(state && { state }) };
    const nameOf = ({ number, revision }: Certificate) => `${number} ${revision}`;
    return list(session, asked, ["certificates", CERTIFICATE], nameOf, ({ entry }) => entry);
  });
  const withdraw = async ({ reason }: Record<string, string>) => {
    try {
      await askKnown(session, once({ request: "certificate-withdraw", number: withdrawing, reason }));
      again();
      return [];
    } catch (error) {
      return [whyNot(error)];
    }
  };
  return (
    <>
      <div class="row finding">
        <label>
          {words.search}
          <input type="search" onChange={(event) => setSought({ ...sought, text: event.currentTarget.value.trim() })} />
        </label>
        <div class="row">
          {["", ...Object.keys(words.certificateStates)].map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={state === one}
              onClick={() => setSought({ ...sought, state: one })}
            >
              {one === "" ? words.all : words.certificateStates[one]}
            </button>
          ))}
        </div>
      </div>
      <p class="refused" role="alert">
        {said}
      </p>
      <p role="status">{answer?.length === 0 && words.noneFound}</p>
      <ul class="tiles">
        {(answer ?? []).map((one) => (
          <li key={`${one.number} ${one.revision}`} class="panel tile">
            <One session={session} certificate={one} withdraw={() => setWithdrawing(one.number)} />
          </li>
        ))}
      </ul>
      {withdrawing !== "" && (
        <Form
          title={words.withdrawTitle(withdrawing)}
          done={words.withdraw}
          fields={[{ name: "reason", label: words.why, kind: "lines", isNeeded: true }]}
          send={withdraw}
          close={() => setWithdrawing("")}
          isDanger
        />
      )}
    </>
  );
}

function One({ session, certificate, withdraw }: { session: Session; certificate: Certificate; withdraw: () => void }) {
  const words = calibrationWords.value;
  const { number, revision, item, verdict, state, user, issued, run, withdrawn } = certificate;
  return (
    <>
      <strong>
        {number} {revision > 1 && `/ ${revision}`}
      </strong>
      <bdi>{item}</bdi>
      <span class={TONES[state]}>
        <span aria-hidden="true">{SHAPES[state]} </span>
        {words.certificateStates[state] ?? state}
      </span>
      <span>
        {verdictInWords(verdict)}
        {certificate.is_specimen && `, ${words.specimen}`}
      </span>
      <bdi class="muted">{byAt(user, issued, nowMs.value)}</bdi>
      {withdrawn && <bdi>{words.withdrawnBy(byAt(withdrawn.user, withdrawn.time, nowMs.value), withdrawn.reason)}</bdi>}
      {run && <a href={write({ view: "calibration", path: run })}>{run}</a>}
      <Downloads session={session} number={number} revision={revision} />
      {state === "valid" && mayCalibrate(session.connection.rights.value) && (
        <button type="button" class="danger" aria-label={words.withdrawTitle(number)} onClick={withdraw}>
          {words.withdraw}
        </button>
      )}
    </>
  );
}
