// What is drawn where a pixel holds many samples: an area from minimum to maximum with its edges, so that a peak of one
// sample is seen, and the mean as a line. Of what is only true or false: the share that is true, as an area from below.

import type { Line } from "./line.ts";
import type { Drawn } from "./picture.ts";

export interface Projection {
  x: (time: number) => number;
  y: (value: number) => number;
}

export interface Stroke {
  dash: readonly number[];
  ratio: number; // of the screen's pixels to CSS pixels
}

const [AREA, EDGE] = [0.2, 0.6]; // how opaque
const DOT_PX = 2.4;
const FAR_PX = 14; // means so far apart are marked by dots

export function drawBand(ctx: CanvasRenderingContext2D, drawn: Drawn, project: Projection, stroke: Stroke): void {
  const { line, kind } = drawn;
  ctx.lineJoin = "round";
  for (const [begin, end] of runsOf(line)) {
    if (kind === "boolean") drawShare(ctx, line, begin, end, project, stroke);
    else drawRun(ctx, line, begin, end, project, stroke);
  }
}

/** From where to where (not included) no line is broken. */
export function runsOf(line: Line): [number, number][] {
  const runs: [number, number][] = [];
  for (let at = 0; at < line.length; at += 1) {
    const last = runs.at(-1);
    if (last === undefined || line.broken[at] === 1) runs.push([at, at + 1]);
    else last[1] = at + 1;
  }
  return runs;
}

function drawRun(
  ctx: CanvasRenderingContext2D,
  line: Line,
  begin: number,
  end: number,
  project: Projection,
  { dash, ratio }: Stroke,
): void {
  outline(ctx, line, begin, end, project);
  ctx.globalAlpha = AREA;
  ctx.fill();
  ctx.globalAlpha = EDGE;
  ctx.lineWidth = ratio;
  ctx.stroke();
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1.6 * ratio;
  ctx.setLineDash(dash.map((length) => length * ratio));
  ctx.beginPath();
  for (let at = begin; at < end; at += 1) {
    ctx.lineTo(project.x(line.time[at] as number), project.y(line.mean[at] as number));
  }
  ctx.stroke();
  ctx.setLineDash([]);
  drawDots(ctx, line, begin, end, project, ratio);
}

/** Along the maxima, and back along the minima. */
function outline(ctx: CanvasRenderingContext2D, line: Line, begin: number, end: number, { x, y }: Projection): void {
  const edge = (at: number, side: 1 | -1) => x((line.time[at] as number) + side * (line.half[at] as number));
  ctx.beginPath();
  for (let at = begin; at < end; at += 1) {
    const top = y(line.max[at] as number);
    ctx.lineTo(edge(at, -1), top);
    ctx.lineTo(edge(at, 1), top);
  }
  for (let at = end - 1; at >= begin; at -= 1) {
    const bottom = y(line.min[at] as number);
    ctx.lineTo(edge(at, 1), bottom);
    ctx.lineTo(edge(at, -1), bottom);
  }
  ctx.closePath();
}

function drawShare(
  ctx: CanvasRenderingContext2D,
  line: Line,
  begin: number,
  end: number,
  { x, y }: Projection,
  { ratio }: Stroke,
): void {
  const last = end - 1;
  ctx.beginPath();
  for (let at = begin; at < end; at += 1) {
    const [time, half, top] = [line.time[at] as number, line.half[at] as number, y(line.mean[at] as number)];
    ctx.lineTo(x(time - half), top);
    ctx.lineTo(x(time + half), top);
  }
  ctx.lineWidth = 1.4 * ratio;
  ctx.stroke();
  ctx.lineTo(x((line.time[last] as number) + (line.half[last] as number)), y(0));
  ctx.lineTo(x((line.time[begin] as number) - (line.half[begin] as number)), y(0));
  ctx.closePath();
  ctx.globalAlpha = AREA;
  ctx.fill();
  ctx.globalAlpha = 1;
}

/** A mean that stands alone has no line, and would not be seen. */
function drawDots(
  ctx: CanvasRenderingContext2D,
  line: Line,
  begin: number,
  end: number,
  { x, y }: Projection,
  ratio: number,
): void {
  for (let at = begin; at < end; at += 1) {
    const px = x(line.time[at] as number);
    const isFar = at > begin && px - x(line.time[at - 1] as number) > FAR_PX * ratio;
    if (end - begin > 1 && !isFar) continue;
    ctx.beginPath();
    ctx.arc(px, y(line.mean[at] as number), DOT_PX * ratio, 0, 2 * Math.PI);
    ctx.fill();
  }
}
