// Draws a picture: its frame, and lines and gaps straight from the picture's columns.

import { count } from "../drawn.ts";
import { locale } from "../words/language.ts";
import { formatNumber } from "../words/numbers.ts";
import { type Axis, axesOf, decimalsFor, reach, timeFormat } from "./axes.ts";
import { type Colours, DASHES, dashOf } from "./colours.ts";
import { drawFrame, type Plane, type Size, type TimeAxis, type ValueAxis } from "./frame.ts";
import type { Picture } from "./picture.ts";
import { drawGaps, drawLine } from "./strokes.ts";
import type { Ticks } from "./ticks.ts";

const NARROW_PX = 560; // there is room for one axis at either side; what is hidden makes room for others

/** How a channel is drawn, whatever else is shown: its place among all of them. */
export type Style = (id: string) => number;

export class Chart {
  /** Of plots that stand one above the other the lowest alone has times. Set before the first picture. */
  hasTimes = true;
  canvas: HTMLCanvasElement | null = null;
  private plane: Plane | null = null;
  private readonly host: HTMLElement;
  private readonly style: Style;
  private readonly words: () => { yes: string; no: string }; // in the language of the moment
  private colours: Colours;
  private size: Size;

  constructor(host: HTMLElement, size: Size, colours: Colours, style: Style, words: () => { yes: string; no: string }) {
    this.host = host;
    this.colours = colours;
    this.style = style;
    this.words = words;
    this.size = size;
  }

  /** Draw at once. */
  draw(picture: Picture): void {
    this.canvas ??= this.host.appendChild(newCanvas());
    const axes = axesOf(picture.lines);
    const below = (plane: Plane) => drawGaps(plane, picture, this.colours);
    const shown = axes.map((axis, at) => this.valueAxis(axis, at, picture));
    this.plane = drawFrame(this.canvas, this.size, this.colours, this.timeAxis(picture), shown, below);
    if (this.plane !== null) this.drawLines(this.plane, axes, picture);
    count("plot");
  }

  recolour(colours: Colours): void {
    this.colours = colours;
  }

  /** From the next picture on. */
  resize(size: Size): void {
    this.size = size;
  }

  /** Where values are drawn, in CSS pixels within the host. */
  get area(): { left: number; top: number; width: number; height: number } {
    if (this.plane === null) return { left: 0, top: 0, ...this.size };
    const { box, ratio } = this.plane;
    return { left: box.left / ratio, top: box.top / ratio, width: box.width / ratio, height: box.height / ratio };
  }

  destroy(): void {
    this.canvas?.remove();
    this.canvas = this.plane = null;
  }

  private timeAxis({ from, to }: Picture): TimeAxis {
    return {
      from: from / 1000,
      to: to / 1000,
      height: this.hasTimes ? 40 : 10,
      space: this.size.width < 500 ? 70 : 90,
      labels: ({ at, step }) => (this.hasTimes ? timeLabels(at, step) : at.map(() => "")),
    };
  }

  private valueAxis({ key, unit, isBoolean, side, lines }: Axis, at: number, picture: Picture): ValueAxis {
    const { muted, lines: colours } = this.colours;
    const ranges = lines.map((one) => picture.lines[one]?.line.range(picture.from, picture.to) ?? null);
    const id = picture.lines[lines[0] as number]?.id ?? "";
    return {
      key,
      side,
      isBoolean,
      isShown: at < (this.size.width < NARROW_PX ? 2 : 8),
      unit: isBoolean ? "" : clipped(unit),
      range: isBoolean ? [-0.15, 1.15] : reach(ranges),
      // An axis of one channel has that channel's colour; its unit stands above in words.
      colour: lines.length === 1 ? (colours[this.style(id) % colours.length] as string) : muted,
      labels: (ticks) => (isBoolean ? [this.words().no, this.words().yes] : valueLabels(ticks)),
    };
  }

  private drawLines(plane: Plane, axes: readonly Axis[], picture: Picture): void {
    const { ctx, box } = plane;
    ctx.save();
    ctx.beginPath();
    ctx.rect(box.left, box.top, box.width, box.height);
    ctx.clip();
    for (const axis of axes) {
      for (const at of axis.lines) {
        const drawn = picture.lines[at];
        if (drawn === undefined) continue;
        const place = this.style(drawn.id);
        drawLine(plane, drawn, axis.key, this.colours.lines[place % 8] as string, DASHES[dashOf(place)] ?? []);
      }
    }
    ctx.restore();
  }
}

/** It is described by the element around it. */
function newCanvas(): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.style.display = "block";
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

function clipped(unit: string): string {
  return unit.length > 8 ? `${unit.slice(0, 7)}…` : unit;
}

function valueLabels({ at, step }: Ticks): string[] {
  return at.map((tick) => formatNumber(Object.is(tick, -0) ? 0 : tick, decimalsFor(step)));
}

/** The day stands under the first label, and where it is another than before. */
function timeLabels(ticks: readonly number[], stepMs: number): string[] {
  const time = new Intl.DateTimeFormat(locale.value, timeFormat(stepMs));
  const day = new Intl.DateTimeFormat(locale.value, { day: "2-digit", month: "2-digit", year: "numeric" });
  let before = "";
  return ticks.map((tick) => {
    const shown = day.format(tick);
    const isNew = shown !== before;
    before = shown;
    if (stepMs >= 86_400_000) return time.format(tick);
    return isNew ? `${time.format(tick)}\n${shown}` : time.format(tick);
  });
}
