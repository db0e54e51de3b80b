// All instruments at one look: where each has its place, how many of each state there are, what is wrong. Signals that
// change with states and alarms, never with values.

import { computed, type ReadonlySignal } from "@preact/signals";
import { conditionOf } from "../lab/condition.ts";
import type { Instrument } from "../lab/instrument.ts";
import { conditionInWords } from "../lab/words.ts";
import type { Session } from "../sign_in/session.ts";
import { locale } from "../words/language.ts";
import { type Cause, causesOf } from "./causes.ts";
import { chips, order, search } from "./chosen.ts";
import { arrange, type Chip, countChips, type Placed } from "./order.ts";
import { overviewWords } from "./words.ts";

interface PlacedInstrument extends Placed {
  instrument: Instrument;
}

export interface Overlook {
  all: ReadonlySignal<readonly PlacedInstrument[]>;
  /** Those to show, in their order. */
  shown: ReadonlySignal<readonly Instrument[]>;
  counts: ReadonlySignal<readonly [Chip, number][]>;
  causes: ReadonlySignal<readonly Cause[]>;
  countAt: (agent: string) => number;
}

const known = new WeakMap<Session, Overlook>();

export function overlookOf(session: Session): Overlook {
  const found = known.get(session) ?? make(session);
  known.set(session, found);
  return found;
}

function make({ lab }: Session): Overlook {
  const offline = agentsThat(lab.agents, false);
  const online = agentsThat(lab.agents, true);
  const all = computed(() => {
    const there = new Set(online.value.split(" "));
    return [...lab.instruments.value.values()].map((one) => placed(one, there.has(one.agent)));
  });
  const counts = computed(() => countChips(all.value));
  return {
    all,
    counts,
    shown: computed(() => {
      const choices = { search: search.value, chips: present(chips.value, counts.value), order: order.value };
      return arrange(all.value, choices, locale.value).map((one) => one.instrument);
    }),
    causes: computed(() => {
      const alarmed = all.value.map(({ name, instrument }) => ({
        name,
        agent: instrument.agent,
        alarms: instrument.alarms.value,
      }));
      return causesOf(alarmed, offline.value.split(" ").filter(Boolean));
    }),
    countAt: (agent) => all.value.filter(({ instrument }) => instrument.agent === agent).length,
  };
}

/** As one text: statuses come often, and who is there changes rarely. */
function agentsThat(agents: Session["lab"]["agents"], areOnline: boolean): ReadonlySignal<string> {
  return computed(() =>
    [...agents.value]
      .filter(([, status]) => (status.online === true) === areOnline)
      .map(([agent]) => agent)
      .sort()
      .join(" "),
  );
}

/** As if our connection were there: cards shall not change places because it is lost. */
function placed(instrument: Instrument, isOnline: boolean): PlacedInstrument {
  const { name, label } = instrument;
  const state = instrument.state.value;
  const condition = conditionOf(state, { online: isOnline }, "live");
  const levels = instrument.alarms.value.map(({ level }) => level);
  const alarm = levels.includes("alarm") ? "alarm" : (levels[0] ?? null);
  const channels = (instrument.description.value?.channels ?? []).flatMap((channel) => [channel.name, channel.label]);
  const words = [label, name, ...channels, overviewWords.value.chips[condition], conditionInWords(condition, state)];
  if (alarm !== null) words.push(overviewWords.value.chips.alarm);
  return { instrument, name, label, condition, alarm, words: words.join("\n") };
}

/** What none is of any more chooses nothing: there is no chip left to take it back. */
function present(chosen: ReadonlySet<Chip>, counts: readonly [Chip, number][]): ReadonlySet<Chip> {
  return new Set(counts.map(([chip]) => chip).filter((chip) => chosen.has(chip)));
}
