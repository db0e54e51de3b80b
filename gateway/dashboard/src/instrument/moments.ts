// Moments (µs) as a field of a form shows them, in the reader's time zone, and back. Pure.

/** "2026-11-22T08:00:00.123" */
export function toField(us: number): string {
  const at = new Date(us / 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 23);
}

/** null: no time. A field that still shows `known` means just that, to the µs. */
export function fromField(text: string, known: number): number | null {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return null;
  return toField(known).startsWith(text) ? known : ms * 1000;
}
