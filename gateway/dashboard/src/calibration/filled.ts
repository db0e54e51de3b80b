// What a service answered -> what was expected: each key of an example, with what came where it is of the example's
// kind, else empty. So views can trust the types, whoever answered.

import { isMap, listOf, numberOf } from "../wire/told.ts";

class Maybe {
  readonly of: unknown;

  constructor(of: unknown) {
    this.of = of;
  }
}

/** A number, or null where there is none. */
export const figure = null as number | null;

/** A map, or null where there is none. */
export function maybe<Example>(of: Example): Example | null {
  return new Maybe(of) as Example;
}

/** An empty map as the example takes any map; a list's example is a list of one. */
export function filled<Example>(example: Example, told: unknown): Example {
  return fill(example, told) as Example;
}

function fill(example: unknown, told: unknown): unknown {
  if (example instanceof Maybe) return isMap(told) ? fill(example.of, told) : null;
  if (example === null) return numberOf(told);
  if (Array.isArray(example)) return listOf(told).flatMap((one) => fillOne(example[0], one));
  if (isMap(example)) {
    const [keys, found] = [Object.keys(example), isMap(told) ? told : {}];
    return keys.length === 0 ? found : Object.fromEntries(keys.map((key) => [key, fill(example[key], found[key])]));
  }
  return typeof told === typeof example ? told : example;
}

/** Of a list what is of another kind is left out. */
function fillOne(example: unknown, told: unknown): unknown[] {
  return typeof told === typeof example && told !== null ? [fill(example, told)] : [];
}
