// What a run says of itself by its steps. Pure.

import type { Run, Step } from "./messages.ts";

export function stepOf(run: Run, number: number | null): Step | undefined {
  return run.steps.find(({ step }) => step === number);
}

/** The newest value of this phase, or undefined. */
export function newest(steps: readonly Step[]): Step | undefined {
  const done = steps.filter(({ value, at }) => value !== null && at !== null);
  return done.reduce<Step | undefined>((best, one) => ((one.at ?? 0) >= (best?.at ?? 0) ? one : best), undefined);
}

/** All who had a hand in the data, so that another person must review it. */
export function operatorsOf(run: Run): string[] {
  const steps = [...run.steps, ...run.as_found];
  const struck = steps.flatMap((step) => step.struck.flatMap((one) => [one.by, one.struck_by]));
  const names = [
    run.by,
    ...[...steps, ...run.checks, ...run.questions, ...run.deviations].map(({ by }) => by),
    ...struck,
  ];
  return [...new Set([...names, run.adjustment?.by ?? ""])].filter((name) => name !== "");
}

export function isOver({ state }: { state: string }): boolean {
  return state === "issued" || state === "aborted";
}
