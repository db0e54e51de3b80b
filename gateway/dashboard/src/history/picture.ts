// The plot as a picture for paper: dark on white in either theme, with what each line is.

import { pictureName } from "../instrument/files.ts";
import { DASHES, dashOf, PRINT } from "../plot/colours.ts";
import { panelsOf, type Series } from "./overlay.ts";
import { Panels } from "./panels.ts";
import { channelLabel, labelOf, moment, type Shown, yesAndNo } from "./shown.ts";
import { historyWords } from "./words.ts";

const [WIDTH, EDGE, TITLE, ROW] = [1200, 24, 56, 24]; // px
const FAMILY = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

export async function drawPicture(shown: Shown): Promise<{ blob: Blob; name: string } | null> {
  const host = document.createElement("div");
  host.className = "history-print";
  document.body.append(host);
  const panels = new Panels(host, { colours: PRINT, style: shown.placeOf, words: yesAndNo });
  const { series, drawing, instruments, isOwn } = shown;
  const gaps = instruments.length === 1 ? (drawing.gaps.get(instruments[0] as string) ?? []) : [];
  panels.draw(panelsOf(series, isOwn), drawing.times, gaps, WIDTH, isOwn);
  await new Promise((resolve) => setTimeout(resolve, 0)); // it draws in a microtask
  const canvas = sheet(shown, panels, host.offsetHeight);
  panels.destroy();
  host.remove();
  const blob = await new Promise<Blob | null>((resolve) => canvas?.toBlob(resolve, "image/png"));
  const name = instruments.length === 1 ? (instruments[0] as string) : "history";
  return blob === null ? null : { blob, name: pictureName(name, drawing.times.from) };
}

function sheet(shown: Shown, panels: Panels, plotHeight: number): HTMLCanvasElement | null {
  const { series, drawing, instruments, session, placeOf } = shown;
  const ratio = globalThis.devicePixelRatio || 1;
  const rows = Math.ceil(series.length / 2);
  const height = EDGE + TITLE + rows * ROW + plotHeight + ROW + EDGE;
  const canvas = document.createElement("canvas");
  canvas.width = (WIDTH + 2 * EDGE) * ratio;
  canvas.height = height * ratio;
  const ctx = canvas.getContext("2d");
  if (ctx === null) return null;
  ctx.scale(ratio, ratio);
  ctx.fillStyle = PRINT.surface;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  const names = instruments.map((name) => labelOf(session, name)).join(", ");
  write(ctx, names, EDGE, EDGE + 18, { font: `600 22px ${FAMILY}`, colour: PRINT.ink, width: WIDTH });
  const small = { font: `14px ${FAMILY}`, colour: PRINT.muted, width: WIDTH };
  write(ctx, `${moment(drawing.times.from)} \u2013 ${moment(drawing.times.to)}`, EDGE, EDGE + 42, small);
  for (const [at, one] of series.entries()) {
    const [x, y] = [EDGE + (at % 2) * (WIDTH / 2), EDGE + TITLE + Math.floor(at / 2) * ROW + 14];
    writeSeries(ctx, shown, one, placeOf(one.id), x, y);
  }
  const top = EDGE + TITLE + rows * ROW;
  for (const { canvas: plot, left, top: below } of panels.canvases) {
    ctx.drawImage(plot, EDGE + left, top + below, plot.width / ratio, plot.height / ratio);
  }
  const zone = historyWords.value.zone(Intl.DateTimeFormat().resolvedOptions().timeZone);
  write(ctx, `${location.origin}   ${zone}`, EDGE, height - EDGE, { ...small, font: `12px ${FAMILY}` });
  return canvas;
}

function writeSeries(
  ctx: CanvasRenderingContext2D,
  { session }: Shown,
  { instrument, name, unit }: Series,
  place: number,
  x: number,
  y: number,
): void {
  ctx.save();
  ctx.strokeStyle = PRINT.lines[place % 8] as string;
  ctx.lineWidth = 2;
  ctx.setLineDash([...(DASHES[dashOf(place)] ?? [])]);
  ctx.beginPath();
  ctx.moveTo(x, y - 5);
  ctx.lineTo(x + 36, y - 5);
  ctx.stroke();
  ctx.restore();
  const told = `${labelOf(session, instrument)}, ${channelLabel(session, instrument, name)}${unit && ` [${unit}]`}`;
  write(ctx, told, x + 44, y, { font: `14px ${FAMILY}`, colour: PRINT.ink, width: WIDTH / 2 - 60 });
}

interface Type {
  font: string;
  colour: string;
  width: number;
}

function write(ctx: CanvasRenderingContext2D, text: string, x: number, y: number, { font, colour, width }: Type): void {
  ctx.font = font;
  ctx.fillStyle = colour;
  ctx.textBaseline = "alphabetic";
  let fitting = text.slice(0, 200);
  while (fitting.length > 1 && ctx.measureText(fitting).width > width) fitting = `${fitting.slice(0, -2)}…`;
  ctx.fillText(fitting, x, y);
}
