import assert from "node:assert/strict";
import { test } from "node:test";
import {
  follow,
  pan,
  pause,
  rangeOf,
  select,
  show,
  spanOf,
  type View,
  WINDOWS_US,
  zoom,
  zoomAt,
} from "../../src/plot/view.ts";
import { random } from "../random.ts";

const NOW = 1_000_000_000;
const live: View = { isLive: true, span: 60_000_000 };

test("live, the newest is at the right edge", () => {
  assert.deepEqual(rangeOf(live, NOW), { from: NOW - 60_000_000, to: NOW });
});

test("paused, it shows what it showed, whatever comes", () => {
  const paused = pause(live, NOW);
  assert.deepEqual(rangeOf(paused, NOW + 5_000_000), rangeOf(live, NOW));
  assert.deepEqual(pause(paused, NOW + 9), paused);
});

test("back to live keeps the length, up to a day", () => {
  assert.deepEqual(follow(pause(live, NOW)), live);
  assert.equal(spanOf(follow({ isLive: false, from: 0, to: 1e13 })), WINDOWS_US.at(-1));
});

test("zooming keeps the moment one points at where it is", () => {
  const view: View = { isLive: false, from: 100_000_000, to: 200_000_000 };
  const closer = zoom(view, 0.5, 125_000_000, NOW);
  assert.deepEqual(closer, { isLive: false, from: 112_500_000, to: 162_500_000 });
});

test("zooming at the live edge stays live, elsewhere it stops following", () => {
  assert.deepEqual(zoomAt(live, 0.5, NOW - 1, NOW), { isLive: true, span: 30_000_000 });
  assert.equal(zoomAt(live, 0.5, NOW - 50_000_000, NOW).isLive, false);
});

test("moving back leaves live, moving to the newest comes back to it", () => {
  const back = pan(live, -0.5, NOW);
  assert.deepEqual(back, { isLive: false, from: NOW - 90_000_000, to: NOW - 30_000_000 });
  assert.deepEqual(pan(back, 0.5, NOW), live);
  assert.equal(pan(live, 0.5, NOW), live);
});

test("a selection may be drawn from right to left", () => {
  assert.deepEqual(select(500, 100_500, NOW), select(100_500, 500, NOW));
});

test("a window is chosen live, or around what is looked at", () => {
  assert.deepEqual(show(live, 10_000_000, NOW), { isLive: true, span: 10_000_000 });
  const view: View = { isLive: false, from: 100_000_000, to: 200_000_000 };
  assert.deepEqual(show(view, 10_000_000, NOW), { isLive: false, from: 145_000_000, to: 155_000_000 });
});

test("whatever is done, something is shown and nothing of the future", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const next = random(seed);
    let view: View = live;
    for (let at = 0; at < 50; at += 1) {
      const factor = 0.1 + next() * 10;
      const { from, to } = rangeOf(view, NOW);
      const somewhere = from + (to - from) * next();
      const choices = [
        () => zoom(view, factor, somewhere, NOW),
        () => zoomAt(view, factor, somewhere, NOW),
        () => pan(view, next() * 4 - 2, NOW),
        () => select(somewhere, from, NOW),
        () => pause(view, NOW),
        () => follow(view),
      ];
      view = choices[Math.floor(next() * choices.length)]?.() ?? view;
      const shown = rangeOf(view, NOW);
      assert.ok(shown.to <= NOW + 1 && shown.to > shown.from, JSON.stringify(shown));
    }
  }
});
