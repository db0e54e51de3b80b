// Draws a picture: axes and grid by uPlot, lines and gaps here, straight from the picture's columns.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { count } from "../drawn.ts";
import { locale } from "../words/language.ts";
import { formatNumber } from "../words/numbers.ts";
import { type Axis, axesOf, decimalsFor, reach, timeFormat } from "./axes.ts";
import { type Colours, DASHES, dashOf } from "./colours.ts";
import type { Picture } from "./picture.ts";
import { drawGaps, drawLine } from "./strokes.ts";

const NOTHING: uPlot.AlignedData = [[], []];
const FONT = '12px system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const NARROW_PX = 560; // there is room for one axis at either side; what is hidden makes room for others
const LETTER = 7; // px, of such a font's digits

/** How a channel is drawn, whatever else is shown: its place among all of them. */
export type Style = (id: string) => number;

export class Chart {
  /** Of plots that stand one above the other the lowest alone has times. Set before the first picture. */
  hasTimes = true;
  private plot: uPlot | null = null;
  private picture: Picture | null = null;
  private layout = "";
  private readonly host: HTMLElement;
  private readonly style: Style;
  private readonly words: () => { yes: string; no: string }; // in the language of the moment
  private colours: Colours;
  private width: number;
  private height: number;

  constructor(
    host: HTMLElement,
    size: { width: number; height: number },
    colours: Colours,
    style: Style,
    words: () => { yes: string; no: string },
  ) {
    this.host = host;
    this.colours = colours;
    this.style = style;
    this.words = words;
    this.width = size.width;
    this.height = size.height;
  }

  /** Draw at once. */
  draw(picture: Picture): void {
    this.picture = picture;
    const axes = axesOf(picture.lines);
    const layout = JSON.stringify([axes.map(({ key, side }) => [key, side]), locale.value]);
    if (this.plot === null || layout !== this.layout) this.build(axes);
    this.layout = layout;
    const plot = this.plot as uPlot;
    plot.batch(() => {
      for (const { key, lines, isBoolean } of axes) {
        const ranges = lines.map((at) => picture.lines[at]?.line.range(picture.from, picture.to) ?? null);
        const [min, max] = isBoolean ? [-0.15, 1.15] : reach(ranges);
        plot.setScale(key, { min, max });
      }
      plot.setScale("x", { min: picture.from / 1000, max: picture.to / 1000 });
    });
    count("plot");
  }

  recolour(colours: Colours): void {
    this.colours = colours;
    this.layout = "";
  }

  resize(size: { width: number; height: number }): void {
    if (size.width === this.width && size.height === this.height) return;
    this.width = size.width;
    this.height = size.height;
    this.layout = "";
  }

  /** Where values are drawn, in CSS pixels within the host. */
  get area(): { left: number; top: number; width: number; height: number } {
    const box = this.plot?.bbox;
    if (box === undefined) return { left: 0, top: 0, width: this.width, height: this.height };
    const ratio = uPlot.pxRatio;
    return { left: box.left / ratio, top: box.top / ratio, width: box.width / ratio, height: box.height / ratio };
  }

  get canvas(): HTMLCanvasElement | null {
    return this.plot?.ctx.canvas ?? null;
  }

  destroy(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  private build(axes: Axis[]): void {
    this.plot?.destroy();
    this.plot = new uPlot(this.options(axes), NOTHING, this.host);
    // The canvas is described by the element around it.
    this.plot.root.setAttribute("aria-hidden", "true");
  }

  private options(axes: Axis[]): uPlot.Options {
    const scales: uPlot.Scales = { x: { time: true, auto: false } };
    // Exactly what it is told: else it makes more room, and the lines get flat.
    for (const { key } of axes) scales[key] = { auto: false, range: (_, min, max) => [min, max] };
    const isBare = axes.length === 0;
    if (isBare) scales.y = { auto: false, range: [0, 1] };
    return {
      width: this.width,
      height: this.height,
      ms: 1,
      padding: [24, axes.some(({ side }) => side === "right") ? 8 : 28, 0, axes.length === 0 ? 16 : 0],
      scales,
      series: [{}, { scale: axes[0]?.key ?? "y", paths: () => null, points: { show: false } }],
      axes: [
        this.timeAxis(),
        ...axes.map((axis, at) => ({ ...this.valueAxis(axis, at), show: at < this.most })),
        ...(isBare ? [{ scale: "y", show: false }] : []),
      ],
      legend: { show: false },
      cursor: { show: false },
      hooks: { drawClear: [(plot) => this.drawBelow(plot)], draw: [(plot) => this.drawLines(plot)] },
    };
  }

  private get most(): number {
    return this.width < NARROW_PX ? 2 : 8;
  }

  private timeAxis(): uPlot.Axis {
    const { muted, grid } = this.colours;
    return {
      stroke: muted,
      font: FONT,
      size: this.hasTimes ? 40 : 10,
      space: this.width < 500 ? 70 : 90,
      grid: { stroke: grid, width: 1 },
      ticks: { stroke: grid, width: 1, size: 6 },
      values: (_, splits, __, ___, step) => (this.hasTimes ? timeLabels(splits, step) : splits.map(() => "")),
    };
  }

  private valueAxis({ key, unit, isBoolean, side, lines }: Axis, at: number): uPlot.Axis {
    const { muted, grid, lines: colours } = this.colours;
    const isAlone = lines.length === 1;
    const id = this.picture?.lines[lines[0] as number]?.id ?? "";
    return {
      scale: key,
      side: side === "left" ? 3 : 1,
      // An axis of one channel has that channel's colour; its unit stands above in words.
      stroke: isAlone ? (colours[this.style(id) % colours.length] as string) : muted,
      font: FONT,
      gap: 4,
      space: 42,
      size: (_, values) => axisSize(values, unit),
      grid: { show: at === 0, stroke: grid, width: 1 },
      ticks: { stroke: grid, width: 1, size: 5 },
      ...(isBoolean ? { splits: () => [0, 1] } : {}),
      values: (_, splits, __, ___, step) =>
        isBoolean
          ? [this.words().no, this.words().yes]
          : splits.map((split) => formatNumber(Object.is(split, -0) ? 0 : split, decimalsFor(step))),
    };
  }

  private drawBelow(plot: uPlot): void {
    if (this.picture !== null) drawGaps(plot, this.picture, this.colours);
    this.drawUnits(plot);
  }

  private drawUnits(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const ratio = uPlot.pxRatio;
    ctx.save();
    ctx.font = `600 ${12 * ratio}px system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif`;
    ctx.fillStyle = this.colours.muted;
    ctx.textBaseline = "alphabetic";
    let [left, right] = [bbox.left, bbox.left + bbox.width];
    for (const [at, axis] of axesOf(this.picture?.lines ?? [])
      .slice(0, this.most)
      .entries()) {
      const size = ((plot.axes[at + 1] as { _size?: number })._size ?? 50) * ratio;
      const unit = axis.isBoolean ? "" : clipped(axis.unit);
      ctx.textAlign = axis.side === "left" ? "right" : "left";
      if (axis.side === "left") {
        ctx.fillText(unit, left - 6 * ratio, bbox.top - 11 * ratio);
        left -= size;
      } else {
        ctx.fillText(unit, right + 6 * ratio, bbox.top - 11 * ratio);
        right += size;
      }
    }
    ctx.restore();
  }

  private drawLines(plot: uPlot): void {
    const { picture, colours } = this;
    if (picture === null) return;
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const axis of axesOf(picture.lines)) {
      for (const at of axis.lines) {
        const drawn = picture.lines[at];
        if (drawn === undefined) continue;
        const place = this.style(drawn.id);
        drawLine(plot, drawn, axis.key, colours.lines[place % 8] as string, DASHES[dashOf(place)] ?? []);
      }
    }
    ctx.restore();
  }
}

/** In steps, so that the plot does not change its width with each number. */
function axisSize(values: string[] | null, unit: string): number {
  const letters = Math.max(3, ...(values ?? []).map((value) => value?.length ?? 0), Math.min(clipped(unit).length, 5));
  return Math.ceil((letters * LETTER + 16) / 8) * 8;
}

function clipped(unit: string): string {
  return unit.length > 8 ? `${unit.slice(0, 7)}…` : unit;
}

/** The day stands under the first label, and where it is another than before. */
function timeLabels(splits: number[], stepMs: number): string[] {
  const time = new Intl.DateTimeFormat(locale.value, timeFormat(stepMs));
  const day = new Intl.DateTimeFormat(locale.value, { day: "2-digit", month: "2-digit", year: "numeric" });
  let before = "";
  return splits.map((exact) => {
    const split = stepMs >= 1000 ? Math.round(exact / 10) * 10 : Math.round(exact); // uPlot's lie up to a ms beside
    const shown = day.format(split);
    const isNew = shown !== before;
    before = shown;
    if (stepMs >= 86_400_000) return time.format(split);
    return isNew ? `${time.format(split)}\n${shown}` : time.format(split);
  });
}
