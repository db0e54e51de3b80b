// Which language the page speaks: the reader's choice, else the browser's. Each view keeps its words beside it, in both.

import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { keep, readKept } from "../kept.ts";

export type Language = "en" | "de";

/** The languages the browser asks for, the best first; where there is no browser, none. */
export function preferred(): readonly string[] {
  return typeof navigator === "undefined" ? [] : (navigator.languages ?? [navigator.language]);
}

export function choose(kept: string | null, languages: readonly string[]): Language {
  if (kept === "en" || kept === "de") return kept;
  const first = languages.map((one) => one.slice(0, 2)).find((one) => one === "en" || one === "de");
  return (first as Language | undefined) ?? "en";
}

export const language: Signal<Language> = signal("en");

/** The locale of numbers and times: the reader's own variant of the page's language, such as de-CH. */
export const locale: ReadonlySignal<string> = computed(
  () => preferred().find((one) => one.slice(0, 2) === language.value) ?? language.value,
);

export function startLanguage(): void {
  language.value = choose(readKept("language", "forever"), preferred());
  effect(() => {
    document.documentElement.lang = language.value;
  });
}

export function setLanguage(chosen: Language): void {
  keep("language", chosen, "forever");
  language.value = chosen;
}

/** The words of a view in the language that is spoken now: read `.value` where they are drawn. */
export function inBoth<Words>(en: Words, de: NoInfer<Words>): ReadonlySignal<Words> {
  return computed(() => (language.value === "de" ? de : en));
}
