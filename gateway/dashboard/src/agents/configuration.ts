// An agent's configuration, read piece by piece: its agent.toml without what never leaves its machine.

/** The reply as it came: values that are bytes are kept of no other command. */
export type AskPiece = (offset: number) => Promise<unknown>;

/** The text; or why there is none, in the agent's words. */
export type Read = { text: string } | { because: string };

interface Piece {
  result?: unknown;
  reason?: unknown;
  values?: { piece?: unknown; sha256?: unknown; total?: unknown };
}

const MOST = 64; // pieces; an agent that never comes to an end is not followed

export async function readConfiguration(ask: AskPiece, changedMeanwhile: string): Promise<Read> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  let sha256 = "";
  for (let count = 0; count < MOST; count += 1) {
    const { result, reason, values } = ((await ask(length)) ?? {}) as Piece;
    if (result !== "done") return { because: String(reason || result) };
    const piece = bytes(values?.piece);
    const digest = bytes(values?.sha256).join(" ");
    if (count > 0 && digest !== sha256) return { because: changedMeanwhile };
    sha256 = digest;
    pieces.push(piece);
    length += piece.length;
    if (piece.length === 0 || length >= Number(values?.total)) break;
  }
  return { text: new TextDecoder().decode(joined(pieces, length)) };
}

function bytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
