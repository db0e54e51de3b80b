// Asking the calibration service: questions in, what it answered or why not out.

import { randomName } from "../instrument/archive.ts";
import { save } from "../instrument/files.ts";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import type { Rights } from "../wire/messages.ts";
import { textOf } from "../wire/told.ts";
import { filled } from "./filled.ts";
import { sha256 } from "./sha256.ts";
import { calibrationWords } from "./words.ts";

const ANSWER_S = 15;
const LONG_S = 60; // where numbers are calculated, pages drawn, or an instrument answers
const MOST_PAGES = 20;
const MAX_PIECE = 64 * 1024;
const MOST_STALLS = 5; // pieces that brought a file no further

export type Body = Record<string, unknown>;

/** What is granted to this user, as patterns to ask about. */
export function grantsOf(rights: Rights | undefined): string[] {
  return !rights || rights.role === "admin" ? ["+/+"] : rights.instruments;
}

/** The broker and the service decide, and refuse. */
export function mayCalibrate(rights: Rights | undefined): boolean {
  return rights === null || rights?.role === "calibrator" || rights?.role === "admin";
}

export async function ask({ connection, lab }: Session, body: Body, isLong = false): Promise<unknown> {
  const service = lab.service("calibration");
  if (service === null) throw new Refused("unavailable", calibrationWords.value.noService);
  return connection.request(service, body, isLong ? LONG_S : ANSWER_S);
}

/** By the first grant under which it is known. */
export async function askKnown(session: Session, body: Body, isLong = false): Promise<unknown> {
  let unknown: unknown;
  for (const instrument of grantsOf(session.connection.rights.value)) {
    try {
      return await ask(session, { instrument, ...body }, isLong);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "unknown") throw error;
      unknown = error;
    }
  }
  throw unknown;
}

/** All pages of all grants, each thing once: `nameOf` tells two apart, `after` is how the next page is asked for. */
export async function list<One>(
  session: Session,
  body: Body,
  [key, example]: [string, One],
  nameOf: (one: One) => string,
  after: (last: One, count: number) => unknown,
): Promise<One[]> {
  const found = new Map<string, One>();
  for (const instrument of grantsOf(session.connection.rights.value)) {
    let next: unknown = null;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = filled(
        { [key]: [example], more: false },
        await ask(session, { instrument, ...body, after: next }),
      );
      const shown = (answer as Record<string, unknown>)[key] as One[];
      for (const one of shown) found.set(nameOf(one), one);
      const last = shown.at(-1);
      if (last === undefined || !answer.more) break;
      next = after(last, found.size);
    }
  }
  return [...found.values()];
}

/** Why nothing came, in a sentence. */
export function whyNot(error: unknown): string {
  return error instanceof Refused ? error.message : calibrationWords.value.lost;
}

/** Sent again with the same id it is done once. */
export function once(body: Body): Body {
  return { ...body, id: randomName() };
}

/** A file piece by piece, given to the reader. */
export async function download(session: Session, body: Body, name: string, type: string): Promise<void> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let [offset, total] = [0, 1];
  while (offset < total) {
    const piece = (await askKnown(session, { ...body, offset })) as { content: Uint8Array; total: number };
    if (!(piece.content instanceof Uint8Array) || piece.content.length === 0) throw new Error("no bytes");
    pieces.push(new Uint8Array(piece.content));
    offset += piece.content.length;
    total = piece.total;
  }
  save(new Blob(pieces, { type }), name);
}

/** A file piece by piece; returns its SHA-256. What came before is not sent again. */
export async function upload(session: Session, file: Blob): Promise<string> {
  const content = new Uint8Array(await file.arrayBuffer());
  const body = { request: "register-upload", sha256: sha256(content), total: content.length };
  let [have, stalls] = [0, 0];
  for (let piece = content.subarray(0, 0); have < content.length; piece = content.subarray(have, have + MAX_PIECE)) {
    const answer = await askKnown(session, { ...body, offset: have, content: piece });
    const now = filled({ have: 0 }, answer).have;
    stalls = now > have || piece.length === 0 ? 0 : stalls + 1;
    if (stalls > MOST_STALLS) throw new Error("no further");
    have = now;
  }
  return body.sha256;
}

/** A file as it travels. */
export async function packed(file: Blob): Promise<Uint8Array> {
  const stream = file.stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** What the service forbids, each in a sentence; [] where it was done. */
export function mistakesIn(answer: unknown): string[] {
  return filled({ mistakes: [""] }, answer).mistakes.map(textOf);
}
