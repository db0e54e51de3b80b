// Alarms -> what a person has to see to: those that one cause has brought about are one, and so is an agent that is away
// (docs/alarms.md, as `kleinmaelzung alarms` groups them).

import type { Alarm } from "../wire/messages.ts";

export interface AtInstrument {
  instrument: string;
  alarm: Alarm;
}

export interface Cause {
  agent: string;
  /** Common to all, such as "port /dev/ttyUSB0 lost"; "" where an alarm stands for itself. */
  cause: string;
  /** The agent itself is away, and `alarms`, perhaps none, are what was last known. */
  isOffline: boolean;
  alarms: AtInstrument[];
}

interface Alarmed {
  name: string;
  agent: string;
  alarms: readonly Alarm[];
}

/** One for each cause, the worst and then the oldest first. */
export function causesOf(instruments: Iterable<Alarmed>, offline: Iterable<string>): Cause[] {
  const causes = new Map<string, Cause>();
  const away = new Set(offline);
  for (const agent of away) causes.set(agent, { agent, cause: "", isOffline: true, alarms: [] });
  for (const { name, agent, alarms } of instruments) {
    for (const alarm of alarms) {
      const key = away.has(agent) ? agent : keyOf(name, agent, alarm);
      const known = causes.get(key) ?? { agent, cause: alarm.cause, isOffline: false, alarms: [] };
      known.alarms.push({ instrument: name, alarm });
      causes.set(key, known);
    }
  }
  return [...causes.values()].sort(byUrgency);
}

function keyOf(name: string, agent: string, { cause, id }: Alarm): string {
  return cause ? `${agent}\n${cause}` : `${name}\n\n${id}`;
}

export function levelOf({ isOffline, alarms }: Cause): Alarm["level"] {
  return isOffline || alarms.some(({ alarm }) => alarm.level === "alarm") ? "alarm" : "warning";
}

export function instrumentsOf({ alarms }: Cause): string[] {
  return [...new Set(alarms.map(({ instrument }) => instrument))];
}

/** Whether it is said once, above the cards: what stands for itself is said at its instrument only. */
export function isShared(cause: Cause): boolean {
  return cause.isOffline || instrumentsOf(cause).length > 1;
}

function byUrgency(one: Cause, other: Cause): number {
  const worse = Number(levelOf(other) === "alarm") - Number(levelOf(one) === "alarm");
  return worse || sinceOf(one) - sinceOf(other) || (one.agent < other.agent ? -1 : 1);
}

/** Of an agent that is away nobody tells since when: it comes first. */
function sinceOf({ isOffline, alarms }: Cause): number {
  return isOffline ? 0 : Math.min(...alarms.map(({ alarm }) => alarm.since));
}
