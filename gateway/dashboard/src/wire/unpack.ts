// msgpack -> values, whoever packed them.

import { decode } from "@msgpack/msgpack";

const KEY = new TextEncoder().encode("__proto__");
const CAPITAL = 0x50;

/** Raises for what is no msgpack. A map's key `__proto__` is refused by the library, and with it all else in the same
 * message, which may tell of other instruments: so it is spelt `__Proto__`. */
export function unpack(packed: ArrayBuffer | Uint8Array): unknown {
  try {
    return decode(packed);
  } catch (error) {
    const respelt = respell(packed instanceof Uint8Array ? packed : new Uint8Array(packed));
    if (respelt === null) throw error;
    return decode(respelt);
  }
}

/** null: it is nowhere. */
function respell(packed: Uint8Array): Uint8Array | null {
  const respelt = packed.slice();
  let isThere = false;
  for (let at = 0; at + KEY.length <= respelt.length; at += 1) {
    if (!KEY.every((byte, offset) => respelt[at + offset] === byte)) continue;
    respelt[at + 2] = CAPITAL;
    isThere = true;
  }
  return isThere ? respelt : null;
}
