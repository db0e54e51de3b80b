// Points of a trace -> where the line goes on so many pixels, without losing a peak.

import type { Point } from "./trace.ts";

export interface Size {
  width: number;
  height: number;
}

export interface Span {
  from: number; // µs
  until: number;
}

/** Each line as x, y, x, y, ... `leastRange`: the last digit of a steady value flickers, and shall not look like a storm. */
export function place(lines: readonly Point[][], span: Span, size: Size, leastRange: number): number[][] {
  const values = lines.flat().map((point) => point.value as number);
  const lowest = values.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
  const highest = values.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY);
  const range = Math.max(highest - lowest, leastRange) || 1;
  const middle = (lowest + highest) / 2;
  const x = (time: number) => ((time - span.from) / (span.until - span.from)) * size.width;
  const y = (value: number) => size.height / 2 - ((value - middle) / range) * size.height;
  return lines.map((line) => thin(line, x).flatMap((point) => [x(point.time), y(point.value as number)]));
}

/** Of all points in one column of pixels the first, the lowest, the highest and the last. */
export function thin(line: readonly Point[], x: (time: number) => number): Point[] {
  const kept: Point[] = [];
  let column: Point[] = [];
  for (const point of line) {
    if (column[0] !== undefined && Math.floor(x(point.time)) !== Math.floor(x(column[0].time))) {
      kept.push(...ends(column));
      column = [];
    }
    column.push(point);
  }
  return [...kept, ...ends(column)];
}

function ends(column: readonly Point[]): Point[] {
  if (column.length <= 4) return [...column];
  const by = (isBetter: (one: number, other: number) => boolean) =>
    column.reduce((one, other) => (isBetter(other.value as number, one.value as number) ? other : one));
  const chosen = new Set([column[0], by((one, other) => one < other), by((one, other) => one > other), column.at(-1)]);
  return column.filter((point) => chosen.has(point));
}
