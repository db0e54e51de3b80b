// What is shown, as a table: each series with its figures in the time that is shown, and a switch. It tells what the
// plot tells to who does not see it.

import { decimalsOf, formatNumber } from "../words/numbers.ts";
import { toggleChannel } from "./address.ts";
import { decimalsIn, figuresOf, type Series } from "./overlay.ts";
import { percent } from "./readout.tsx";
import { channelLabel, labelOf, type Shown } from "./shown.ts";
import type { Load } from "./study.ts";
import { Swatch } from "./swatch.tsx";
import { historyWords } from "./words.ts";

const COLUMNS = 6;

export function Legend({ shown, all, hidden }: { shown: Shown; all: readonly Series[]; hidden: readonly string[] }) {
  const words = historyWords.value;
  return (
    <section class="scroll" aria-label={words.legend}>
      <table class="legend-table">
        <caption class="hidden">{words.legend}</caption>
        <thead>
          <tr>
            <th scope="col">{words.channel}</th>
            <th scope="col" class="wide">
              {words.unit}
            </th>
            <th scope="col" class="number">
              {words.minimum}
            </th>
            <th scope="col" class="number">
              {words.meanColumn}
            </th>
            <th scope="col" class="number">
              {words.maximum}
            </th>
            <th scope="col" class="number">
              {words.count}
            </th>
          </tr>
        </thead>
        {shown.study.loads.value.map((load) => (
          <Rows
            key={load.instrument}
            shown={shown}
            load={load}
            series={all.filter(({ instrument }) => instrument === load.instrument)}
            hidden={hidden}
          />
        ))}
      </table>
    </section>
  );
}

interface Given {
  shown: Shown;
  load: Load;
  series: Series[];
  hidden: readonly string[];
}

function Rows({ shown, load, series, hidden }: Given) {
  const { instrument, exact } = load;
  const label = labelOf(shown.session, instrument);
  return (
    <tbody>
      <tr class="of-instrument">
        <th scope="rowgroup" colSpan={COLUMNS}>
          <span class="row apart">
            <span class="names">
              <bdi class="clip">{label}</bdi>
              {label !== instrument && <bdi class="muted">{instrument}</bdi>}
            </span>
            <Standing shown={shown} load={load} />
          </span>
        </th>
      </tr>
      {series.map((one) => (
        <Row key={one.id} shown={shown} series={one} isShown={!hidden.includes(one.id)} />
      ))}
      {exact?.texts.map(({ name, count }) => (
        <tr key={name} class="text-channel">
          <th scope="row">
            <bdi class="clip">{channelLabel(shown.session, instrument, name)}</bdi>
          </th>
          <td colSpan={4} class="muted">
            {historyWords.value.textOnly}
          </td>
          <td class="number">{formatNumber(count)}</td>
        </tr>
      ))}
    </tbody>
  );
}

/** How far it is, what went wrong, or whether anything lacks. */
function Standing({ shown, load: { instrument, progress, exact } }: { shown: Shown; load: Load }) {
  const words = historyWords.value;
  if (progress.step === "failed") return <span class="refused">{progress.error.message}</span>;
  if (exact === null) return <span class="muted">{words.coarse}</span>;
  const count = (shown.drawing.gaps.get(instrument)?.length ?? 0) + exact.moreGaps;
  // Numbers without a hole say nothing of a time that none of them is in.
  const hasSamples = exact.past.columns.size > 0 || exact.texts.some((channel) => channel.count > 0);
  if (count === 0 && !hasSamples) return <span class="muted">{words.nothing}</span>;
  return count === 0 ? (
    <span class="is-good">
      <span aria-hidden="true">{"\u2713"}</span> {words.noGap}
    </span>
  ) : (
    <span class="is-warning">
      <span aria-hidden="true">{"\u25a8"}</span> {words.gaps(count)}
    </span>
  );
}

function Row({ shown, series, isShown }: { shown: Shown; series: Series; isShown: boolean }) {
  const words = historyWords.value;
  const { line, kind, id, instrument, name, unit } = series;
  const figures = figuresOf(line, shown.drawing.times);
  const decimals = decimalsIn(line, decimalsOf);
  const label = channelLabel(shown.session, instrument, name);
  const text = (value: number | undefined) => (value === undefined ? "\u2013" : formatNumber(value, decimals));
  return (
    <tr class={isShown ? "" : "switched-off"}>
      <th scope="row">
        <label class="switch">
          <input
            type="checkbox"
            checked={isShown}
            aria-label={words.show1(`${labelOf(shown.session, instrument)}, ${label}`)}
            onChange={() => toggleChannel(id)}
          />
          <Swatch place={shown.placeOf(id)} />
          <bdi class="clip">{label}</bdi>
          {unit !== "" && (
            <bdi class="unit muted narrow" aria-hidden="true">
              {unit}
            </bdi>
          )}
        </label>
      </th>
      <td class="wide">
        <bdi class="unit">{unit}</bdi>
      </td>
      {kind === "boolean" ? (
        <td colSpan={3} class="number" title={words.booleanNote}>
          {figures === null ? "\u2013" : words.isTrue(percent(figures.mean))}
        </td>
      ) : (
        <>
          <td class="number">{text(figures?.min)}</td>
          <td class="number">{text(figures?.mean)}</td>
          <td class="number">{text(figures?.max)}</td>
        </>
      )}
      <td class="number">{formatNumber(figures?.count ?? 0)}</td>
    </tr>
  );
}
