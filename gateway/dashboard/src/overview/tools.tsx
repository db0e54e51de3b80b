// Above the cards: how many instruments stand how, the search, the order, and a chip for each state.

import { SHAPES } from "../lab/words.ts";
import type { Session } from "../sign_in/session.ts";
import { chips, order, search, showAll, toggle } from "./chosen.ts";
import type { Order } from "./order.ts";
import type { Overlook } from "./overlook.ts";
import { overviewWords } from "./words.ts";

interface Given {
  session: Session;
  overlook: Overlook;
}

export function Tools({ session, overlook }: Given) {
  return (
    <div class="tools">
      <Summary session={session} overlook={overlook} />
      <Find />
      <Chips overlook={overlook} />
    </div>
  );
}

/** "12 instruments: 10 live, 1 silent, 1 offline; 1 alarm" */
function Summary({ session, overlook }: Given) {
  const words = overviewWords.value;
  const states = overlook.counts.value
    .filter(([chip]) => chip !== "alarm")
    .map(([chip, count]) => `${count} ${words.chips[chip]}`)
    .reverse();
  const alarms = overlook.causes.value.length;
  const said = `${words.instruments(overlook.all.value.length)}: ${states.join(", ")}`;
  const all = alarms > 0 ? `${said}; ${words.alarms(alarms)}` : said;
  const isLost = session.connection.standing.value !== "live";
  return (
    <p class="summary" role="status">
      {isLost ? words.lastKnownOf(all) : all}
    </p>
  );
}

function Find() {
  const words = overviewWords.value;
  return (
    <div class="find">
      <label>
        <span class="hidden">{words.searchHint}</span>
        <input
          type="search"
          value={search.value}
          placeholder={words.search}
          spellcheck={false}
          autocapitalize="none"
          autocomplete="off"
          onInput={(event) => {
            search.value = event.currentTarget.value;
          }}
        />
      </label>
      <label>
        <span class="hidden">{words.order}</span>
        <select
          value={order.value}
          onChange={(event) => {
            order.value = event.currentTarget.value as Order;
          }}
        >
          <option value="state">{words.orders.state}</option>
          <option value="name">{words.orders.name}</option>
        </select>
      </label>
    </div>
  );
}

function Chips({ overlook }: { overlook: Overlook }) {
  const words = overviewWords.value;
  const [shown, all] = [overlook.shown.value.length, overlook.all.value.length];
  return (
    <fieldset class="chips">
      <legend class="hidden">{words.filter}</legend>
      {overlook.counts.value.map(([chip, count]) => (
        <button key={chip} class="chip" type="button" aria-pressed={chips.value.has(chip)} onClick={() => toggle(chip)}>
          <span class={`shape is-${chip}`} aria-hidden="true">
            {chip === "alarm" ? "\u25b2" : SHAPES[chip]}
          </span>
          <span>{words.chips[chip]}</span> <span class="count number">{count}</span>
        </button>
      ))}
      {shown < all && (
        <p class="cut">
          {words.shown(shown, all)}{" "}
          <button class="plain" type="button" onClick={showAll}>
            {words.showAll}
          </button>
        </p>
      )}
    </fieldset>
  );
}
