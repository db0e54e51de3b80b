// What an instrument is: its description, what it says of itself, and how complete its log is.

import { nowMs } from "../clock.ts";
import { Completeness } from "../health/completeness.tsx";
import type { Instrument } from "../lab/instrument.ts";
import type { Session } from "../sign_in/session.ts";
import { formatTime } from "../words/numbers.ts";
import { instrumentWords } from "./words.ts";

export function Details({ session, instrument }: { session: Session; instrument: Instrument }) {
  const words = instrumentWords.value;
  return (
    <div class="details">
      {!session.connection.isPublic && <Completeness session={session} instrument={instrument.name} />}
      <section class="panel stack" aria-label={words.description}>
        <h2>{words.description}</h2>
        <Facts instrument={instrument} />
      </section>
      <section class="panel stack" aria-label={words.channels}>
        <h2>{words.channels}</h2>
        <Channels instrument={instrument} />
      </section>
    </div>
  );
}

function Facts({ instrument }: { instrument: Instrument }) {
  const words = instrumentWords.value;
  const description = instrument.description.value;
  const state = instrument.state.value;
  if (description === null) return null;
  const { driver, profile, port, identity } = description;
  const facts: [string, string][] = [
    [words.agent, instrument.agent],
    [words.driver, driver],
    [words.profile, profile],
    [words.port, port],
    ...(state === null
      ? []
      : [[words.state, words.stateSince(formatTime(state.since, nowMs.value))] as [string, string]]),
    ...Object.entries(identity || {}).map(([key, value]): [string, string] => [
      `${words.identity}: ${key}`,
      String(value),
    ]),
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>
            <bdi>{name}</bdi>
          </dt>
          <dd>{value === "" ? <span class="muted">{words.unknown}</span> : <bdi>{value}</bdi>}</dd>
        </div>
      ))}
    </dl>
  );
}

function Channels({ instrument }: { instrument: Instrument }) {
  const words = instrumentWords.value;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">{words.channel}</th>
            <th scope="col">{words.label}</th>
            <th scope="col">{words.unit}</th>
          </tr>
        </thead>
        <tbody>
          {instrument.channels.map(({ name, label, unit }) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td>
                <bdi>{label}</bdi>
              </td>
              <td>
                <bdi>{unit}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
