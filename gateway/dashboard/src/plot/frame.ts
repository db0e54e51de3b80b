// The frame of a plot on its canvas: where values are, axes with their ticks, labels and grid. Lines are drawn by others.

import type { Colours } from "./colours.ts";
import { type Ticks, timeTicks, valueTicks } from "./ticks.ts";

const FAMILY = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const [TOP, EDGE, TICK, GAP, LINE] = [24, 28, 5, 4, 18]; // px
const BESIDE = 8; // where an axis is, its numbers reach beyond the plot's edge no further

/** A plane of device pixels, as strokes need it. */
export interface Plane {
  ctx: CanvasRenderingContext2D;
  ratio: number;
  box: { left: number; top: number; width: number; height: number };
  /** From where to where: `x` in ms, the others by their axes' keys. */
  scales: Record<string, [low: number, high: number]>;
}

export interface ValueAxis {
  key: string;
  side: "left" | "right";
  colour: string;
  unit: string;
  range: [number, number];
  isBoolean: boolean;
  isShown: boolean;
  labels: (ticks: Ticks) => string[];
}

export interface TimeAxis {
  from: number; // ms
  to: number;
  height: number;
  space: number; // px between two labels
  labels: (ticks: Ticks) => string[];
}

export interface Size {
  width: number;
  height: number;
}

interface Placed extends ValueAxis {
  ticks: Ticks;
  texts: string[];
  size: number;
}

const BOOLEAN: Ticks = { step: 1, at: [0, 1] };

/** Draw the frame. `below` is drawn over nothing and under the grid. */
export function drawFrame(
  canvas: HTMLCanvasElement,
  { width, height }: Size,
  colours: Colours,
  time: TimeAxis,
  axes: readonly ValueAxis[],
  below: (plane: Plane) => void,
): Plane | null {
  const ctx = canvas.getContext("2d");
  if (ctx === null) return null;
  const ratio = globalThis.devicePixelRatio || 1;
  const plotHeight = Math.max(height - TOP - (axes.length === 0 ? 16 : 0) - time.height, 1);
  const placed = axes.filter(({ isShown }) => isShown).map((axis) => place(axis, plotHeight));
  const room = (side: string) => sum(placed.filter((axis) => axis.side === side).map(({ size }) => size));
  const left = axes.length === 0 ? 16 : room("left");
  const right = room("right") + (axes.some(({ side }) => side === "right") ? BESIDE : EDGE);
  fit(canvas, width, height, ratio);
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.clearRect(0, 0, canvas.width, canvas.height);
  const plotWidth = Math.max(width - left - right, 1);
  const box = {
    left: Math.round(left * ratio),
    top: Math.round(TOP * ratio),
    width: Math.round(plotWidth * ratio),
    height: Math.round(plotHeight * ratio),
  };
  const scales: Plane["scales"] = { x: [time.from, time.to] };
  for (const { key, range } of axes) scales[key] = range;
  const plane = { ctx, ratio, box, scales };
  below(plane);
  ctx.font = `${12 * ratio}px ${FAMILY}`;
  ctx.lineWidth = Math.max(Math.round(ratio), 1);
  drawTimes(plane, time, colours, timeTicks(time.from, time.to, ((time.to - time.from) * time.space) / plotWidth));
  const sides = { left: box.left, right: box.left + box.width };
  for (const [at, axis] of placed.entries()) {
    drawAxis(plane, axis, sides[axis.side], at === 0, colours);
    sides[axis.side] += (axis.side === "left" ? -1 : 1) * axis.size * ratio;
  }
  return plane;
}

/** Where a value of a scale is. */
export function along([low, high]: [number, number], from: number, length: number): (value: number) => number {
  const by = length / (high - low);
  return (value) => from + (value - low) * by;
}

function place(axis: ValueAxis, height: number): Placed {
  const [low, high] = axis.range;
  const ticks = axis.isBoolean ? BOOLEAN : valueTicks(low, high, ((high - low) * 42) / height);
  const texts = axis.labels(ticks);
  return { ...axis, ticks, texts, size: axisSize(texts, axis.unit) };
}

/** In steps, so that the plot does not change its width with each number. */
function axisSize(texts: readonly string[], unit: string): number {
  const letters = Math.max(3, ...texts.map((text) => text.length), Math.min(unit.length, 5));
  return Math.ceil((letters * 7 + 16) / 8) * 8;
}

function fit(canvas: HTMLCanvasElement, width: number, height: number, ratio: number): void {
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
}

function drawTimes({ ctx, ratio, box, scales }: Plane, time: TimeAxis, { muted, grid }: Colours, ticks: Ticks): void {
  const x = along(scales.x as [number, number], box.left, box.width);
  const bottom = box.top + box.height;
  ctx.strokeStyle = grid;
  ctx.fillStyle = muted;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  for (const [at, text] of time.labels(ticks).entries()) {
    const px = crisp(x(ticks.at[at] as number));
    stroke(ctx, [px, box.top], [px, bottom + TICK * ratio]);
    for (const [row, line] of text.split("\n").entries()) {
      ctx.fillText(line, px, bottom + (TICK + GAP + 1 + row * LINE) * ratio);
    }
  }
}

function drawAxis(
  { ctx, ratio, box, scales }: Plane,
  axis: Placed,
  from: number,
  hasGrid: boolean,
  colours: Colours,
): void {
  const y = along(scales[axis.key] as [number, number], box.top + box.height, -box.height);
  const outwards = (axis.side === "left" ? -1 : 1) * ratio;
  ctx.strokeStyle = colours.grid;
  ctx.fillStyle = axis.colour;
  ctx.textAlign = axis.side === "left" ? "right" : "left";
  ctx.textBaseline = "middle";
  for (const [at, text] of axis.texts.entries()) {
    const py = crisp(y(axis.ticks.at[at] as number));
    stroke(ctx, [from, py], [from + TICK * outwards, py]);
    if (hasGrid) stroke(ctx, [box.left, py], [box.left + box.width, py]);
    ctx.fillText(text, from + (TICK + GAP) * outwards, py);
  }
  ctx.fillStyle = colours.muted;
  ctx.textBaseline = "alphabetic";
  const font = ctx.font;
  ctx.font = `600 ${font}`;
  ctx.fillText(axis.unit, from + 6 * outwards, box.top - 11 * ratio);
  ctx.font = font;
}

function stroke(ctx: CanvasRenderingContext2D, from: [number, number], to: [number, number]): void {
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
}

/** In the middle of a pixel, so that a thin line is one. */
function crisp(px: number): number {
  return Math.round(px) + 0.5;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
