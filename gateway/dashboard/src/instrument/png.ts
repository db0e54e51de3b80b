// The plot as a picture for paper: dark on white in either theme, with name, channels, units, times and where it is from.

import { nowMs } from "../clock.ts";
import { DASHES, PRINT } from "../plot/colours.ts";
import { formatDay, formatTime } from "../words/numbers.ts";
import { pictureName } from "./files.ts";
import type { Shown } from "./plot_panel.tsx";
import type { Channel } from "./plotting.ts";

const SIZE = { width: 1200, height: 560 };
const [EDGE, TITLE, ROW] = [24, 56, 24]; // px
const FAMILY = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const LONGEST = 90;

export async function drawPng(shown: Shown): Promise<{ blob: Blob; name: string } | null> {
  const { plotting, instrument } = shown;
  const { picture } = plotting;
  if (picture === null) return null;
  const host = document.createElement("div");
  host.className = "print";
  document.body.append(host);
  const chart = plotting.drawInto(host, SIZE, PRINT);
  await Promise.resolve(); // it draws in a microtask
  await new Promise((resolve) => setTimeout(resolve, 0));
  const plot = chart?.canvas ?? null;
  const canvas = plot === null ? null : sheet(shown, plot);
  chart?.destroy();
  host.remove();
  if (canvas === null) return null;
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  return blob === null ? null : { blob, name: pictureName(instrument.name, picture.from) };
}

function sheet(shown: Shown, plot: HTMLCanvasElement): HTMLCanvasElement | null {
  const { plotting, instrument } = shown;
  const { picture } = plotting;
  const channels = plotting.channels.value.filter(({ id }) => !plotting.hidden.value.has(id));
  const ratio = plot.width / SIZE.width;
  const canvas = document.createElement("canvas");
  const rows = Math.ceil(channels.length / 3);
  const height = EDGE + TITLE + rows * ROW + SIZE.height + ROW + EDGE;
  canvas.width = plot.width + 2 * EDGE * ratio;
  canvas.height = height * ratio;
  const ctx = canvas.getContext("2d");
  if (ctx === null || picture === null) return null;
  ctx.scale(ratio, ratio);
  ctx.fillStyle = "#ffffff";
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.textBaseline = "alphabetic";
  write(ctx, instrument.label, EDGE, EDGE + 18, `600 22px ${FAMILY}`, PRINT.ink);
  const range = `${formatDay(picture.from)}, ${formatTime(picture.from, picture.from / 1000)} \u2013 ${formatTime(picture.to, picture.from / 1000)}`;
  const named = instrument.label === instrument.name ? range : `${instrument.name}   ${range}`;
  write(ctx, named, EDGE, EDGE + 42, `14px ${FAMILY}`, PRINT.muted);
  for (const [at, channel] of channels.entries()) {
    writeChannel(ctx, shown, channel, EDGE + (at % 3) * (SIZE.width / 3), EDGE + TITLE + Math.floor(at / 3) * ROW + 14);
  }
  ctx.drawImage(plot, EDGE, EDGE + TITLE + rows * ROW, SIZE.width, SIZE.height);
  const made = `${location.origin}   ${formatDay(nowMs.value * 1000)}, ${formatTime(nowMs.value * 1000, nowMs.value)}   ${zone()}`;
  write(ctx, made, EDGE, height - EDGE, `12px ${FAMILY}`, PRINT.muted);
  return canvas;
}

function writeChannel(ctx: CanvasRenderingContext2D, shown: Shown, channel: Channel, x: number, y: number): void {
  const place = shown.plotting.placeOf(channel.id) % 8;
  ctx.save();
  ctx.strokeStyle = PRINT.lines[place] as string;
  ctx.lineWidth = 2;
  ctx.setLineDash([...(DASHES[place] ?? [])]);
  ctx.beginPath();
  ctx.moveTo(x, y - 5);
  ctx.lineTo(x + 36, y - 5);
  ctx.stroke();
  ctx.restore();
  const unit = channel.unit === "" ? "" : ` [${channel.unit}]`;
  write(
    ctx,
    `${shown.instrument.labelOf(channel.name)}${unit}`,
    x + 44,
    y,
    `14px ${FAMILY}`,
    PRINT.ink,
    SIZE.width / 3 - 60,
  );
}

function write(
  ctx: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  font: string,
  colour: string,
  width = SIZE.width,
): void {
  ctx.font = font;
  ctx.fillStyle = colour;
  let shown = text.slice(0, LONGEST);
  while (shown.length > 1 && ctx.measureText(shown).width > width) shown = `${shown.slice(0, -2)}…`;
  ctx.fillText(shown, x, y);
}

function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
