// How complete the records of many instruments are, a row each, with its details on demand.

import { useSignal } from "@preact/signals";
import { write } from "../routes.ts";
import { formatNumber } from "../words/numbers.ts";
import { percentInWords, summary } from "./completeness.ts";
import { completenessWords } from "./completeness_words.ts";
import { Lacks, type Row, Sign } from "./count_signs.tsx";
import { Details } from "./details.tsx";

const SHOWN = 25;

export function Table({ rows }: { rows: readonly Row[] }) {
  const words = completenessWords.value;
  const isWhole = useSignal(false);
  const shown = isWhole.value ? rows : rows.slice(0, SHOWN);
  return (
    <>
      <table class="count-table">
        <colgroup>
          <col />
          <col />
          <col />
        </colgroup>
        <thead>
          <tr>
            <th scope="col">{words.instrument}</th>
            <th scope="col">{words.recorded}</th>
            <th scope="col" class="number">
              {words.percent}
            </th>
          </tr>
        </thead>
        {shown.map((row) => (
          <TableRow key={row.found.instrument} row={row} />
        ))}
      </table>
      {shown.length < rows.length && (
        <button
          type="button"
          onClick={() => {
            isWhole.value = true;
          }}
        >
          {words.showAll(formatNumber(rows.length))}
        </button>
      )}
    </>
  );
}

function TableRow({ row: { found, verdict, isAwaited } }: { row: Row }) {
  const words = completenessWords.value;
  const isOpen = useSignal(false);
  const name = found.instrument;
  const id = `details-${name.replace("/", "-")}`;
  return (
    <tbody>
      <tr>
        <th scope="row">
          <span class="count-name">
            <Sign verdict={verdict} />
            <Name name={name} />
          </span>
        </th>
        <td>
          <div class="row apart">
            <div>
              <p class="number">{summary(found)}</p>
              <p class="number count-percent">{percentInWords(found.percent)}</p>
              <Lacks found={found} isAwaited={isAwaited} />
            </div>
            <button
              type="button"
              class="plain"
              aria-expanded={isOpen.value}
              aria-controls={id}
              aria-label={words.detailsOf(name)}
              onClick={() => {
                isOpen.value = !isOpen.value;
              }}
            >
              {words.details}
            </button>
          </div>
        </td>
        <td class="number">{percentInWords(found.percent)}</td>
      </tr>
      <tr id={id} hidden={!isOpen.value}>
        <td colSpan={3}>{isOpen.value && <Details found={found} />}</td>
      </tr>
    </tbody>
  );
}

/** An agent's own frames, of what it was told, have no page. */
function Name({ name }: { name: string }) {
  const [agent = "", own = ""] = name.split("/");
  const parts = (
    <bdi>
      {agent}/<wbr />
      {own}
    </bdi>
  );
  if (own !== "agent") return <a href={write({ view: "instrument", instrument: name, tab: "" })}>{parts}</a>;
  return (
    <span>
      {parts} <span class="muted">({completenessWords.value.ofAgent})</span>
    </span>
  );
}
