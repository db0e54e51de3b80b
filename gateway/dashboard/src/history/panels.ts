// Charts one above the other over one time: as many as there are panels, with their plots exactly below each other.

import { Chart } from "../plot/chart.ts";
import type { Colours } from "../plot/colours.ts";
import type { Gap } from "../plot/gaps.ts";
import type { Panel } from "./overlay.ts";
import type { Times } from "./range.ts";

export interface Area {
  left: number;
  width: number;
  top: number;
  height: number;
}

/** How a panel is drawn: its place among the colours by a series' id. */
export interface Looks {
  colours: Colours;
  style: (id: string) => number;
  words: () => { yes: string; no: string };
}

interface Row {
  host: HTMLElement;
  chart: Chart;
  width: number;
}

const TIMES_PX = 40;
const [ALONE_PX, BELOW_EACH_OTHER_PX, OWN_PX, BOOLEAN_PX] = [400, 250, 150, 90];

export class Panels {
  private readonly host: HTMLElement;
  private looks: Looks;
  private rows: Row[] = [];
  private layout = "";

  constructor(host: HTMLElement, looks: Looks) {
    this.host = host;
    this.looks = looks;
  }

  restyle(looks: Looks): void {
    this.looks = looks;
    this.layout = "";
  }

  /** Draw all, within so many pixels; `gaps` where they are everybody's. Returns where the plots are. */
  draw(panels: readonly Panel[], times: Times, gaps: Gap[], width: number, isOwn: boolean): Area {
    const heights = panels.map((panel) => heightOf(panel, panels.length, isOwn));
    const layout = JSON.stringify([heights, width]);
    if (layout !== this.layout) this.build(heights, width);
    this.layout = layout;
    const draw = (row: Row, at: number) => {
      const lines = panels[at]?.series ?? [];
      row.chart.draw({ from: times.from, to: times.to, lines, gaps });
    };
    this.rows.forEach(draw);
    this.align(width, heights, draw);
    return this.area;
  }

  /** Where values are, from the first panel's to the last one's. */
  get area(): Area {
    const [first, last] = [this.rows[0], this.rows.at(-1)];
    if (first === undefined || last === undefined) return { left: 0, top: 0, width: 1, height: 1 };
    const [begin, end] = [first.chart.area, last.chart.area];
    const top = first.host.offsetTop + begin.top;
    const left = first.host.offsetLeft + begin.left;
    return { left, width: begin.width, top, height: last.host.offsetTop + end.top + end.height - top };
  }

  get canvases(): { canvas: HTMLCanvasElement; left: number; top: number }[] {
    return this.rows.flatMap(({ host, chart }) => {
      const { canvas } = chart;
      return canvas === null ? [] : [{ canvas, left: host.offsetLeft, top: host.offsetTop }];
    });
  }

  destroy(): void {
    for (const { chart, host } of this.rows) {
      chart.destroy();
      host.remove();
    }
    this.rows = [];
  }

  private build(heights: readonly number[], width: number): void {
    this.destroy();
    this.rows = heights.map((height, at) => {
      const host = document.createElement("div");
      host.className = "panel-host";
      host.style.height = `${height}px`;
      this.host.append(host);
      const { colours, style, words } = this.looks;
      const chart = new Chart(host, { width, height }, colours, style, words);
      chart.hasTimes = at === heights.length - 1;
      return { host, chart, width };
    });
  }

  /** Axes take more or less room: those with less begin later. */
  private align(width: number, heights: readonly number[], draw: (row: Row, at: number) => void): void {
    const margins = this.rows.map(({ chart, width: own }) => {
      const { area } = chart;
      return { left: area.left, right: own - area.left - area.width };
    });
    const left = Math.max(...margins.map((margin) => margin.left));
    const right = Math.max(...margins.map((margin) => margin.right));
    for (const [at, row] of this.rows.entries()) {
      const margin = margins[at] as { left: number; right: number };
      const fitting = width - (left - margin.left) - (right - margin.right);
      row.host.style.marginLeft = `${left - margin.left}px`;
      if (fitting === row.width) continue;
      row.width = fitting;
      row.chart.resize({ width: fitting, height: heights[at] as number });
      draw(row, at);
    }
  }
}

function heightOf({ isBoolean }: Panel, count: number, isOwn: boolean): number {
  if (isBoolean) return BOOLEAN_PX + TIMES_PX;
  return count === 1 ? ALONE_PX : isOwn ? OWN_PX + TIMES_PX : BELOW_EACH_OTHER_PX + TIMES_PX;
}
