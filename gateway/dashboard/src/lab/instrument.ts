// What is known of one instrument now, as signals: who draws one thing is not drawn anew for another.

import { type Signal, signal } from "@preact/signals";
import type { Alarm, Channel, Control, Description, Sample, State } from "../wire/messages.ts";
import { readAlarms, readControl, readDescription, readSamples, readState, type Told } from "../wire/told.ts";
import { type Calibration, readCalibration } from "./calibration.ts";

export class Instrument {
  readonly name: string;
  readonly agent: string;
  readonly description: Signal<Description | null> = signal(null);
  readonly state: Signal<State | null> = signal(null);
  readonly control: Signal<Control | null> = signal(null);
  readonly alarms: Signal<Alarm[]> = signal([]);
  /** What its last certificate says; null: nothing holds. */
  readonly calibration: Signal<Calibration | null> = signal(null);
  /** The newest sample of each channel, at most once a second. */
  readonly latest: Signal<Record<string, Sample>> = signal({});

  constructor(name: string) {
    this.name = name;
    this.agent = name.split("/")[0] ?? "";
  }

  get label(): string {
    return this.description.value?.label || this.name;
  }

  labelOf(channel: string): string {
    return this.description.value?.channels.find(({ name }) => name === channel)?.label || channel;
  }

  /** Described channels, and then those that sent values without being described. */
  get channels(): Channel[] {
    const described = this.description.value?.channels ?? [];
    const names = new Set(described.map((channel) => channel.name));
    const others = Object.keys(this.latest.value).filter((name) => !names.has(name));
    return [...described, ...others.map((name) => ({ name, unit: this.latest.value[name]?.unit ?? "", label: "" }))];
  }

  /** Take in what the retained or live topic `<agent>/<instrument>/<kind>` holds; null: it is gone. */
  learn(kind: string, told: Told | null): void {
    if (kind === "description") this.description.value = told && readDescription(told);
    else if (kind === "state") this.state.value = told && readState(told);
    else if (kind === "control") this.control.value = told && readControl(told);
    else if (kind === "alarm") this.alarms.value = told === null ? [] : readAlarms(told);
    else if (kind === "calibration") this.calibration.value = told && readCalibration(told);
    else if (kind === "latest" && told !== null) this.learnLatest(readSamples(told));
  }

  /** Each message brings some channels. What comes later counts, whatever its time: an agent's clock can be set back. */
  private learnLatest(samples: Record<string, Sample> | null): void {
    this.latest.value = { ...this.latest.value, ...samples };
  }
}
