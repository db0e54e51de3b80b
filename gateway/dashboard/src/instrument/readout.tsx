// What is under the crosshair, in words; where nobody points, how to.

import { nowMs } from "../clock.ts";
import { formatNumber, formatTime, formatValue } from "../words/numbers.ts";
import { gapInWords } from "./gap_words.ts";
import { Line } from "./legend.tsx";
import type { Shown } from "./plot_panel.tsx";
import type { Readout } from "./plotting.ts";
import { instrumentWords } from "./words.ts";

export function PlotReadout({ shown }: { shown: Shown }) {
  const { plotting } = shown;
  const readout = plotting.readout.value;
  return (
    <div class="readout" role="status" aria-live="off">
      {readout === null ? <Resting shown={shown} /> : <Read shown={shown} readout={readout} />}
    </div>
  );
}

function Resting({ shown: { plotting, session } }: { shown: Shown }) {
  const words = instrumentWords.value;
  const problem = plotting.archive.problem.value;
  if (problem !== "") return <p class="refused">{problem}</p>;
  if (plotting.archive.isReading.value) return <p class="muted">{words.reading}</p>;
  const told = plotting.told.value;
  if (told?.isEmpty && told.ranges.length === 0 && plotting.channels.value.length > 0) return <p>{words.noLines}</p>;
  if (told?.isEmpty) return <p>{plotting.view.value.isLive ? words.waiting : words.nothing}</p>;
  const hasLog = session.connection.isPublic || session.lab.service("history") !== null;
  return <p class="muted">{hasLog ? words.pointAt : words.noHistory}</p>;
}

function Read({ shown: { plotting, instrument }, readout }: { shown: Shown; readout: Readout }) {
  const words = instrumentWords.value;
  return (
    <>
      <p class="at">
        <time>{formatTime(readout.time, nowMs.value, true)}</time>
        {readout.gap !== null && (
          <>
            {" "}
            <strong>{words.gap}</strong> {gapInWords(readout.gap, nowMs.value)}
          </>
        )}
      </p>
      <ul class="values">
        {readout.values.map(({ id, min, max, mean, count }) => {
          const channel = plotting.channels.value.find((one) => one.id === id);
          if (channel === undefined) return null;
          const isOne = min === max;
          return (
            <li key={id}>
              <Line place={plotting.placeOf(id)} /> <bdi>{instrument.labelOf(channel.name)}</bdi>{" "}
              <strong class="number">
                {channel.kind === "boolean" && isOne
                  ? formatValue(min === 1)
                  : isOne
                    ? formatNumber(min)
                    : words.minToMax(short(min), short(max))}
              </strong>{" "}
              <bdi class="unit">{channel.unit}</bdi>
              {!isOne && (
                <span class="muted">
                  {" "}
                  (⌀ {short(mean)}, {words.samples(formatNumber(count))})
                </span>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

function short(value: number): string {
  return formatNumber(Number(value.toPrecision(6)));
}
