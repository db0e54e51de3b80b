// The tab's title says how many alarms there are: it can be read while another page is looked at.

import { effect, untracked } from "@preact/signals";
import { overlookOf } from "./overview/overlook.ts";
import { tracesOf } from "./overview/traces.ts";
import { overviewWords } from "./overview/words.ts";
import { session } from "./sign_in/session.ts";
import { appWords } from "./words.ts";

export function startTitle(): void {
  effect(() => {
    document.title = titleNow();
  });
}

/** Sparklines begin with the session, whichever view is looked at first. */
export function startTraces(): void {
  effect(() => {
    const open = session.value;
    if (open === null) return undefined;
    const traces = untracked(() => tracesOf(open));
    return () => traces.end();
  });
}

function titleNow(): string {
  const name = appWords.value.title;
  const open = session.value;
  if (open === null || open.connection.welcome.value === null) return name;
  if (open.connection.standing.value === "lost") return `${overviewWords.value.lostTitle} – ${name}`;
  const alarms = overlookOf(open).causes.value.length;
  return alarms > 0 ? `(${alarms}) ${name}` : name;
}
