import assert from "node:assert/strict";
import { test } from "node:test";
import { AT_ONCE, Loader, type Progress, type Wanted } from "../../src/history/loader.ts";
import { head, piece } from "./answers.ts";

type Body = Record<string, unknown>;

/** A history service of one's own making: holds each question until it is told to answer. */
class Service {
  readonly asked: Body[] = [];
  private readonly open: { body: Body; resolve: (answer: unknown) => void; reject: (error: Error) => void }[] = [];

  readonly ask = (body: Body): Promise<unknown> => {
    this.asked.push(body);
    if (body.request === "history-end") return Promise.resolve({});
    return new Promise((resolve, reject) => this.open.push({ body, resolve, reject }));
  };

  get waiting(): unknown[] {
    return this.open.map(({ body }) => body.instrument ?? body.number);
  }

  async answer(answer: unknown): Promise<void> {
    this.open.shift()?.resolve(answer);
    await settle();
  }

  async refuse(sentence: string): Promise<void> {
    this.open.shift()?.reject(new Error(sentence));
    await settle();
  }

  get ended(): unknown[] {
    return this.asked.filter(({ request }) => request === "history-end").map(({ stream }) => stream);
  }

  streamOf(instrument: string): unknown {
    return this.asked.find((body) => body.instrument === instrument)?.stream;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

function started(...names: string[]): {
  service: Service;
  loader: Loader;
  told: Map<string, Progress>;
  wanted: Wanted[];
} {
  const service = new Service();
  const told = new Map<string, Progress>();
  const loader = new Loader(
    () => service.ask,
    ({ instrument }, progress) => told.set(instrument, progress),
  );
  const wanted = names.map(want);
  loader.want(wanted);
  return { service, loader, told, wanted };
}

const want = (instrument: string): Wanted => ({ instrument, from: 0, to: 100, points: 10 });
const COLUMN = { name: "mass", unit: "g", buckets: [[1, 2, 3, 4] as [number, number, number, number]] };

test("two are asked at a time, the next when one has come", async () => {
  const { service, told } = started("a/1", "a/2", "a/3");
  assert.equal(AT_ONCE, 2);
  assert.deepEqual(service.waiting, ["a/1", "a/2"]);
  assert.equal(told.get("a/3")?.step, "waiting");
  await service.answer(head(0, 100, [COLUMN]));
  assert.equal(told.get("a/1")?.step, "done");
  assert.deepEqual(service.waiting, ["a/2", "a/3"]);
});

test("buckets are asked for, of just the time and as many as are wanted", () => {
  const { service } = started("a/1");
  const { stream, ...question } = service.asked[0] ?? {};
  assert.match(String(stream), /^[0-9a-f]{16}$/);
  assert.deepEqual(question, { request: "history", instrument: "a/1", from: 0, to: 100, points: 10, buckets: true });
});

test("pieces are put together, and each tells how far it is", async () => {
  const { service, told } = started("a/1");
  await service.answer({ ...head(0, 100, [COLUMN], true), expected: 2 });
  await service.answer({ piece: piece(50, 50, [COLUMN]), more: true, done: 1 });
  assert.deepEqual(told.get("a/1"), { step: "loading", done: 1, expected: 2 });
  await service.answer({ piece: null, more: false, done: 2 });
  const progress = told.get("a/1");
  assert.ok(progress?.step === "done");
  const [column] = progress.answer.past.columns.values();
  assert.equal(column?.time.length, 2);
  assert.deepEqual(
    service.asked.map(({ request, number }) => [request, number]),
    [
      ["history", undefined],
      ["history-next", 1],
      ["history-next", 2],
    ],
  );
});

test("texts are counted over all pieces", async () => {
  const { service, told } = started("a/1");
  const text = {
    name: "program",
    type: "text",
    buckets: [[Number.NaN, Number.NaN, Number.NaN, 5] as [number, number, number, number]],
  };
  await service.answer(head(0, 100, [COLUMN, text], true));
  await service.answer({ piece: piece(50, 50, [COLUMN, text]), more: false, done: 2 });
  const progress = told.get("a/1");
  assert.ok(progress?.step === "done");
  assert.deepEqual(progress.answer.texts, [{ name: "program", unit: "", count: 10 }]);
});

test("a change of mind ends what is under way, even before its first answer, and asks for what is new", async () => {
  const { service, loader, told } = started("a/1", "a/2");
  loader.want([want("a/2"), want("a/9")]);
  assert.deepEqual(service.ended, [service.streamOf("a/1")]);
  assert.deepEqual(service.waiting, ["a/1", "a/2"], "no third stream before the first is gone");
  told.delete("a/1");
  await service.refuse("there is no stream");
  assert.equal(told.has("a/1"), false, "nobody is told of what nobody wants");
  assert.deepEqual(service.waiting, ["a/2", "a/9"]);
});

test("an answer that comes after a change of mind is not told, and no piece more is asked for", async () => {
  const { service, loader, told } = started("a/1");
  loader.want([{ ...want("a/1"), from: 50 }]);
  told.clear();
  await service.answer(head(0, 100, [COLUMN], true));
  assert.equal(
    service.asked.some(({ request }) => request === "history-next"),
    false,
  );
  assert.notEqual(told.get("a/1")?.step, "done");
});

test("what is wanted still is not asked again", async () => {
  const { service, loader, told } = started("a/1");
  loader.want([want("a/1")]);
  await service.answer(head(0, 100, [COLUMN]));
  assert.equal(told.get("a/1")?.step, "done");
  assert.equal(service.asked.length, 1);
});

test("a refusal is told in the server's words, and the others go on", async () => {
  const { service, told } = started("a/1", "a/2", "a/3");
  await service.refuse("nothing of a/1 was ever logged");
  const progress = told.get("a/1");
  assert.ok(progress?.step === "failed");
  assert.equal(progress.error.message, "nothing of a/1 was ever logged");
  assert.deepEqual(service.waiting, ["a/2", "a/3"]);
});

test("a stream that fails halfway is ended", async () => {
  const { service, told } = started("a/1");
  await service.answer(head(0, 100, [COLUMN], true));
  await service.refuse("the database cannot be read");
  assert.equal(told.get("a/1")?.step, "failed");
  assert.deepEqual(service.ended, [service.streamOf("a/1")]);
});
