import assert from "node:assert/strict";
import { test } from "node:test";
import { Edge } from "../../src/plot/edge.ts";

const S = 1_000_000;

test("where no sample is ahead of the server the edge is its time", () => {
  const edge = new Edge();
  assert.equal(edge.at(100 * S, 99 * S), 100 * S);
  assert.equal(edge.at(101 * S, 0), 101 * S);
});

test("a clock that is ahead moves the edge, which goes on evenly between its samples", () => {
  const edge = new Edge();
  assert.equal(edge.at(100 * S, 100 * S + 50_000), 100 * S + 50_000);
  assert.equal(edge.at(100 * S + 16_000, 100 * S + 50_000), 100 * S + 66_000);
  assert.equal(edge.at(100 * S + 32_000, 100 * S + 50_000), 100 * S + 82_000);
});

test("no sample is ever beyond the edge", () => {
  const edge = new Edge();
  for (let at = 0; at < 40 * S; at += 100_000) assert.ok(edge.at(at, at + (at % 300_000)) >= at + (at % 300_000));
});

test("a clock that was set right is forgotten", () => {
  const edge = new Edge();
  edge.at(100 * S, 130 * S);
  for (let at = 101 * S; at <= 130 * S; at += S) edge.at(at, at - S);
  assert.equal(edge.at(131 * S, 130 * S), 131 * S);
});
