// What the browser keeps for its reader. One that keeps nothing, as with storage switched off, is no mistake.

export type Until = "closed" | "forever"; // the tab is closed, or until the reader removes it

export function readKept(name: string, until: Until): string | null {
  try {
    return store(until).getItem(`kleinmaelzung.${name}`);
  } catch {
    return null;
  }
}

/** null: not any more. */
export function keep(name: string, value: string | null, until: Until): void {
  try {
    if (value === null) store(until).removeItem(`kleinmaelzung.${name}`);
    else store(until).setItem(`kleinmaelzung.${name}`, value);
  } catch {
    // then it is chosen again the next time
  }
}

/** Nothing of who was here stays in this tab. */
export function forgetTab(): void {
  try {
    sessionStorage.clear();
  } catch {
    // then there is nothing
  }
}

function store(until: Until): Storage {
  return until === "closed" ? sessionStorage : localStorage;
}
