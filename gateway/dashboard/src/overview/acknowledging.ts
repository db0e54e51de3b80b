// Somebody has seen an alarm: tells its agent, and says what came of it.

import { type Signal, signal } from "@preact/signals";
import type { Session } from "../sign_in/session.ts";
import { Lost } from "../wire/connection.ts";
import type { AtInstrument } from "./causes.ts";
import { overviewWords } from "./words.ts";

export interface Acknowledging {
  isUnderWay: Signal<boolean>;
  /** Why one was not taken; "" where there is nothing to say. */
  refusal: Signal<string>;
  all: (alarms: readonly AtInstrument[]) => Promise<void>;
}

export function acknowledging({ connection }: Session): Acknowledging {
  const isUnderWay = signal(false);
  const refusal = signal("");
  const one = async ({ instrument, alarm }: AtInstrument): Promise<string> => {
    try {
      const reply = await connection.command(instrument, "_acknowledge", { id: alarm.id });
      return reply.result === "done" ? "" : reply.reason || reply.result;
    } catch (error) {
      return error instanceof Lost ? overviewWords.value.isLost : (error as Error).message;
    }
  };
  const all = async (alarms: readonly AtInstrument[]) => {
    isUnderWay.value = true;
    const reasons = await Promise.all(alarms.filter(({ alarm }) => alarm.acknowledged === null).map(one));
    const reason = reasons.find((said) => said !== "");
    refusal.value = reason === undefined ? "" : overviewWords.value.notAcknowledged(reason);
    isUnderWay.value = false;
  };
  return { isUnderWay, refusal, all };
}
