// SHA-256 of bytes (FIPS 180-4): crypto.subtle is not there on a page without TLS.

const LIMIT = 2 ** 32;
const BLOCK = 64;

/** The first 32 bits behind the point of a root of the first primes. */
function roots(count: number, root: (prime: number) => number): Uint32Array {
  const found: number[] = [];
  for (let one = 2; found.length < count; one += 1) {
    let divisor = 2;
    while (divisor * divisor <= one && one % divisor !== 0) divisor += 1;
    if (divisor * divisor > one) found.push(one);
  }
  return Uint32Array.from(found, (prime) => Math.floor((root(prime) % 1) * LIMIT));
}

const K = roots(64, Math.cbrt);
const BEGIN = roots(8, Math.sqrt);

/** In small hexadecimal digits. */
export function sha256(content: Uint8Array): string {
  const state = BEGIN.slice();
  const whole = content.length - (content.length % BLOCK);
  digest(state, content.subarray(0, whole));
  digest(state, ending(content.subarray(whole), content.length));
  return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

/** What is left, a bit, zeros, and the number of bits. */
function ending(rest: Uint8Array, length: number): Uint8Array {
  const padded = new Uint8Array(rest.length + 9 > BLOCK ? 2 * BLOCK : BLOCK);
  padded.set(rest);
  padded[rest.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(length) * 8n);
  return padded;
}

function turn(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

function digest(state: Uint32Array, blocks: Uint8Array): void {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  const w = new Uint32Array(64);
  const at = (place: number): number => w[place] ?? 0;
  for (let from = 0; from < blocks.length; from += BLOCK) {
    for (let t = 0; t < 16; t += 1) w[t] = view.getUint32(from + 4 * t);
    for (let t = 16; t < 64; t += 1) {
      const [x, y] = [at(t - 15), at(t - 2)];
      const low = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
      const high = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
      w[t] = at(t - 16) + low + at(t - 7) + high;
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
    for (let t = 0; t < 64; t += 1) {
      const chosen = (e & f) ^ (~e & g);
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + chosen + (K[t] ?? 0) + at(t)) | 0;
      const most = (a & b) ^ (a & c) ^ (b & c);
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + most) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    for (const [place, word] of [a, b, c, d, e, f, g, h].entries()) state[place] = (state[place] ?? 0) + word;
  }
}
