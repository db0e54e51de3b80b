// One channel on a card: its newest value as live, or as the last one of its time. Only text that changed is drawn.

import { type ReadonlySignal, useComputed } from "@preact/signals";
import { nowMs } from "../clock.ts";
import { count } from "../drawn.ts";
import type { Instrument } from "../lab/instrument.ts";
import { labWords } from "../lab/words.ts";
import type { Channel, Sample } from "../wire/messages.ts";
import { formatAge, formatTime, formatValue } from "../words/numbers.ts";
import type { Slots } from "./decimals.ts";
import { overviewWords } from "./words.ts";

const APART_US = 2_000_000; // from the first channel's value: then its own age is said

interface Given {
  instrument: Instrument;
  channel: Channel;
  slots: Slots;
  isLive: ReadonlySignal<boolean>;
  /** The card's first channel is large and says its age; the others only where theirs is another. */
  first: string;
}

export function Reading({ instrument, channel, slots, isLive, first }: Given) {
  const { name } = channel;
  const sample = useComputed(() => instrument.latest.value[name]);
  const text = useComputed(() => {
    count("value");
    return valueInWords(sample.value, name, slots);
  });
  const width = useComputed(() => slots.widthFor(name, text.value));
  const kind = useComputed(() => (sample.value === undefined ? "none" : kindOf(sample.value)));
  const unit = useComputed(() => sample.value?.unit || channel.unit);
  const age = useComputed(() => {
    const [own, others] = [sample.value?.time, instrument.latest.value[first]?.time];
    if (own === undefined) return "";
    const isOwn = name === first || others === undefined || Math.abs(own - others) >= APART_US;
    return isOwn ? ageInWords(own, isLive.value) : "";
  });
  const quality = useComputed(() => qualityInWords(sample.value));
  const lastly = useComputed(() => (isLive.value ? "" : `${overviewWords.value.lastValue} `));
  return (
    <div class={name === first ? "reading first" : "reading"}>
      <dt>
        <bdi>{channel.label || name}</bdi>
      </dt>
      {kind.value === "none" ? (
        <dd class="muted">{overviewWords.value.noValue}</dd>
      ) : (
        <dd>
          <span class="lastly">{lastly}</span>
          <span class={kind.value} style={{ minWidth: kind.value === "number" ? `${width.value}ch` : "" }}>
            <bdi>{text}</bdi>
          </span>{" "}
          <bdi class="unit">{unit}</bdi> <time class="age">{age}</time>
          {quality.value && (
            <span class="quality is-warning" title={quality.value}>
              <span class="shape" aria-hidden="true">
                {"\u25c6"}
              </span>{" "}
              <bdi class="quality-words">{quality.value}</bdi>
            </span>
          )}
        </dd>
      )}
    </div>
  );
}

function kindOf({ value }: Sample): "number" | "word" {
  return typeof value === "number" ? "number" : "word";
}

function valueInWords(sample: Sample | undefined, channel: string, slots: Slots): string {
  const value = sample?.value;
  if (typeof value !== "number") return formatValue(value);
  return formatValue(value, slots.decimalsFor(channel, value));
}

function ageInWords(time: number, isLive: boolean): string {
  return isLive ? formatAge(nowMs.value - time / 1000) : overviewWords.value.of(formatTime(time, nowMs.value));
}

function qualityInWords(sample: Sample | undefined): string {
  return sample === undefined || sample.quality === "good" ? "" : labWords.value.quality(sample.quality);
}
