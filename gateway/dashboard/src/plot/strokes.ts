// Strokes on a plot's canvas: one channel's line, and the bands of gaps.

import { drawBand } from "./bands.ts";
import type { Colours } from "./colours.ts";
import { along, type Plane } from "./frame.ts";
import type { Drawn, Picture } from "./picture.ts";

const WIDE_PX = 3; // a bucket wider than that is a band with its mean, not a stroke from its minimum to its maximum
const FAR_PX = 14; // samples so far apart are marked by dots

interface Projection {
  x: (time: number) => number;
  y: (value: number) => number;
}

const WHOLE: [number, number] = [0, 1];

function projection({ box, scales }: Plane, scale: string): Projection {
  const x = along(scales.x ?? WHOLE, box.left, box.width);
  const y = along(scales[scale] ?? WHOLE, box.top + box.height, -box.height);
  return { x: (time) => x(time / 1000), y };
}

export function drawLine(plane: Plane, drawn: Drawn, scale: string, colour: string, dash: readonly number[]): void {
  const { ctx, ratio, box } = plane;
  const project = projection(plane, scale);
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.lineWidth = 1.6 * ratio;
  ctx.lineJoin = "round";
  const [from, to] = plane.scales.x ?? WHOLE;
  const usPerPx = ((to - from) * 1000) / box.width;
  const isWide = (half: number) => (2 * half) / usPerPx > WIDE_PX * ratio;
  if (drawn.isBand) {
    drawBand(ctx, drawn, project, { dash, ratio });
    return;
  }
  drawBands(ctx, drawn, project, isWide);
  ctx.setLineDash(dash.map((length) => length * ratio));
  ctx.beginPath();
  if (drawn.kind === "boolean") traceSteps(ctx, drawn, project);
  else traceLine(ctx, drawn, project, isWide);
  ctx.stroke();
  ctx.setLineDash([]);
  drawDots(ctx, drawn, project, ratio);
}

function traceLine(
  ctx: CanvasRenderingContext2D,
  { line }: Drawn,
  { x, y }: Projection,
  isWide: (half: number) => boolean,
): void {
  let before = Number.NaN;
  for (let at = 0; at < line.length; at += 1) {
    const px = x(line.time[at] as number);
    const isMean = isWide(line.half[at] as number);
    const [low, high] = isMean
      ? [y(line.mean[at] as number), y(line.mean[at] as number)]
      : [y(line.min[at] as number), y(line.max[at] as number)];
    // From the end that is nearer to where the line is.
    const [first, second] = Math.abs(low - before) <= Math.abs(high - before) ? [low, high] : [high, low];
    if (at === 0 || line.broken[at] === 1) ctx.moveTo(px, first);
    else ctx.lineTo(px, first);
    if (second !== first) ctx.lineTo(px, second);
    before = second;
  }
}

/** A value holds until the next: a switch has nothing between. */
function traceSteps(ctx: CanvasRenderingContext2D, { line }: Drawn, { x, y }: Projection): void {
  let before = Number.NaN;
  for (let at = 0; at < line.length; at += 1) {
    const px = x(line.time[at] as number);
    const [low, high] = [y(line.min[at] as number), y(line.max[at] as number)];
    if (at === 0 || line.broken[at] === 1) ctx.moveTo(px, low);
    else {
      ctx.lineTo(px, before);
      ctx.lineTo(px, low);
    }
    if (high !== low) ctx.lineTo(px, high);
    before = high;
  }
}

function drawBands(
  ctx: CanvasRenderingContext2D,
  { line, kind }: Drawn,
  { x, y }: Projection,
  isWide: (half: number) => boolean,
): void {
  if (kind === "boolean") return;
  ctx.globalAlpha = 0.22;
  for (let at = 0; at < line.length; at += 1) {
    const half = line.half[at] as number;
    if (half === 0 || !isWide(half)) continue;
    const [left, right] = [x((line.time[at] as number) - half), x((line.time[at] as number) + half)];
    const [top, bottom] = [y(line.max[at] as number), y(line.min[at] as number)];
    ctx.fillRect(left, top, right - left, Math.max(bottom - top, 1));
  }
  ctx.globalAlpha = 1;
}

/** A sample that stands alone has no line, and would not be seen. */
function drawDots(ctx: CanvasRenderingContext2D, { line }: Drawn, { x, y }: Projection, ratio: number): void {
  for (let at = 0; at < line.length; at += 1) {
    const px = x(line.time[at] as number);
    const isFirst = at === 0 || line.broken[at] === 1;
    const isLast = at === line.length - 1 || line.broken[at + 1] === 1;
    const isFar = at > 0 && px - x(line.time[at - 1] as number) > FAR_PX * ratio && (line.half[at] as number) === 0;
    if (!(isFirst && isLast) && !isFar) continue;
    ctx.beginPath();
    ctx.arc(px, y(line.mean[at] as number), 2.6 * ratio, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/** Grey, hatched and framed, so that none is taken for the ground of the plot. */
export function drawGaps(plane: Plane, picture: Picture, colours: Colours): void {
  const { ctx, ratio, box } = plane;
  const { x } = projection(plane, "x");
  ctx.save();
  for (const gap of picture.gaps) {
    const left = Math.max(x(gap.since), box.left);
    const right = Math.min(x(gap.until ?? picture.to), box.left + box.width);
    const width = Math.max(right - left, 2 * ratio);
    ctx.fillStyle = colours.gap;
    ctx.fillRect(left, box.top, width, box.height);
    hatch(ctx, { left, top: box.top, width, height: box.height }, 9 * ratio, colours.gapLine);
  }
  ctx.restore();
}

function hatch(
  ctx: CanvasRenderingContext2D,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
  step: number,
  colour: string,
): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.globalAlpha = 0.35;
  ctx.beginPath();
  for (let at = Math.floor((left - height) / step) * step; at < left + width; at += step) {
    ctx.moveTo(at, top + height);
    ctx.lineTo(at + height, top);
  }
  ctx.stroke();
  ctx.restore();
}
