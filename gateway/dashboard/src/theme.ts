// Light or dark: as the device says, unless the reader chose. Plots draw on canvas and read `theme` to be drawn anew.

import { effect, type Signal, signal } from "@preact/signals";
import { keep, readKept } from "./kept.ts";

export type Theme = "system" | "light" | "dark";

export const chosenTheme: Signal<Theme> = signal("system");

/** What is drawn now. */
export const theme: Signal<"light" | "dark"> = signal("light");

export function startTheme(): void {
  const kept = readKept("theme", "forever");
  if (kept === "light" || kept === "dark") chosenTheme.value = kept;
  const device = matchMedia("(prefers-color-scheme: dark)");
  const isDark = signal(device.matches);
  device.addEventListener("change", () => {
    isDark.value = device.matches;
  });
  effect(() => {
    const drawn = chosenTheme.value === "system" ? (isDark.value ? "dark" : "light") : chosenTheme.value;
    document.documentElement.dataset.theme = drawn;
    theme.value = drawn;
  });
}

export function setTheme(chosen: Theme): void {
  keep("theme", chosen === "system" ? null : chosen, "forever");
  chosenTheme.value = chosen;
}
