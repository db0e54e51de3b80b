// What a run is about: standards, room, item, who ordered it, deviations; and its log, when it is asked for.

import { useEffect, useState } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { dueOf, formatDate } from "../lab/due.ts";
import { askKnown, whyNot } from "./desk.ts";
import { shown } from "./figures.ts";
import { filled } from "./filled.ts";
import { EVENT } from "./messages.ts";
import type { AtBench } from "./run_view.tsx";
import { byAt, roleInWords } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

export function About({ bench, run }: AtBench) {
  const words = calibrationWords.value;
  const item = ["maker", "model", "serial", "asset"]
    .map((key) => run.item[key])
    .filter((one) => typeof one === "string");
  const facts: [string, string][] = [
    ...run.standards.map(({ role, name, position, description, certificate }): [string, string] => [
      position ? words.atPosition(role, position) : role,
      [name, description, certificate.number, dueOf(certificate.due, nowMs.value).text].filter(Boolean).join(", "),
    ]),
    ...run.sensors.map(({ name, instrument, channel, unit, low, high }): [string, string] => [
      roleInWords(name),
      `${instrument}/${channel}, ${words.between(shown(low, unit), shown(high, unit))}`,
    ]),
    [words.instrument, item.filter(Boolean).join(", ")],
    [words.customer, [run.customer?.name, run.customer?.address].filter(Boolean).join(", ")],
    [words.condition, run.condition],
    [words.received, run.received && formatDate(run.received)],
    [words.template, `${run.template.id}, ${run.template.version}`],
    ...run.deviations.map(({ text, by, at }): [string, string] => [
      words.deviate,
      `${text} (${byAt(by, at, nowMs.value)})`,
    ]),
    ...(run.adjustment
      ? [
          [words.adjust, `${run.adjustment.text}: ${run.adjustment.before} \u2192 ${run.adjustment.after}`] as [
            string,
            string,
          ],
        ]
      : []),
  ];
  return (
    <>
      <details class="panel">
        <summary>{words.about}</summary>
        <dl class="facts">
          {facts
            .filter(([, value]) => value)
            .map(([name, value]) => (
              <div key={`${name} ${value}`}>
                <dt>
                  <bdi>{name}</bdi>
                </dt>
                <dd>
                  <bdi>{value}</bdi>
                </dd>
              </div>
            ))}
        </dl>
      </details>
      <Log bench={bench} head={run.head} number={run.run} />
    </>
  );
}

/** Read as long as it is open, from the entry on that was read last. */
function Log({ bench, head, number }: Pick<AtBench, "bench"> & { head: number; number: string }) {
  const words = calibrationWords.value;
  const [events, setEvents] = useState<(typeof EVENT)[]>([]);
  const [said, setSaid] = useState("");
  const [isOpen, setOpen] = useState(false);
  const last = events.at(-1)?.number ?? null;
  useEffect(() => {
    if (!isOpen || last === head) return;
    askKnown(bench.session, { request: "run-events", run: number, after: last }).then(
      (answer) => {
        const found = filled({ events: [EVENT] }, answer).events;
        setEvents((before) => [...before, ...found.filter((one) => one.number > (before.at(-1)?.number ?? 0))]);
      },
      (error: unknown) => setSaid(whyNot(error)),
    );
  }, [bench, number, isOpen, head, last]);
  return (
    <details class="panel" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.log}</summary>
      <p class="refused">{said}</p>
      <ol class="log">
        {events.map(({ number: entry, kind, user, time, hash }) => (
          <li key={entry}>
            <span class="number">{entry}</span> <code>{kind}</code> <bdi>{byAt(user, time, nowMs.value)}</bdi>{" "}
            <code class="muted clip">{hash}</code>
          </li>
        ))}
      </ol>
    </details>
  );
}
