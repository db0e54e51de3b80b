// Texts as they changed, put together from the log's answers and what came live. Pure.

export interface Change {
  time: number; // µs
  name: string;
  text: string;
}

/** Each where it is another than before, once, in order of time. */
export function onlyChanges(texts: readonly Change[]): Change[] {
  const newest = new Map<string, string>();
  return [...texts]
    .sort((one, other) => one.time - other.time)
    .filter(({ name, text }) => newest.get(name) !== text && newest.set(name, text));
}
