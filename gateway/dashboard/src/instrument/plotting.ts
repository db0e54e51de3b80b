// One instrument's plot as it runs: what comes and what is logged, which time is looked at, and when it is drawn.
// At most one picture for each of the screen's, and only where it would be another.

import { type Signal, signal } from "@preact/signals";
import { type Change, onlyChanges } from "../plot/changes.ts";
import { Chart } from "../plot/chart.ts";
import { type Colours, themeColours } from "../plot/colours.ts";
import { Edge } from "../plot/edge.ts";
import { type Gap, gapAt, merge } from "../plot/gaps.ts";
import { Composer, type Drawn, type Picture } from "../plot/picture.ts";
import { Store } from "../plot/store.ts";
import { follow, pause, rangeOf, type View } from "../plot/view.ts";
import type { Session } from "../sign_in/session.ts";
import { formatValue } from "../words/numbers.ts";
import { Archive } from "./archive.ts";
import { Feed } from "./feed.ts";
import { Holes } from "./holes.ts";

const TOLD_MS = 500; // how often lists below the plot follow it
const LONGEST_STEP_US = 1_000_000; // what came is drawn by then; also for who wants no motion

export type Channel = Omit<Drawn, "line">;

/** What is under the crosshair. */
export interface Readout {
  time: number;
  values: { id: string; min: number; max: number; mean: number; count: number; time: number }[];
  gap: Gap | null;
}

/** What the page tells in words of what is drawn. */
export interface Told {
  from: number;
  to: number;
  gaps: Gap[];
  changes: Change[];
  /** Whether there are texts in a time that was asked for in buckets, which hold none. */
  lacksTexts: boolean;
  ranges: { id: string; range: [number, number] | null }[];
  isEmpty: boolean;
}

export class Plotting {
  readonly view: Signal<View> = signal({ isLive: true, span: 60_000_000 });
  readonly hidden: Signal<ReadonlySet<string>> = signal(new Set());
  readonly channels: Signal<Channel[]> = signal([]);
  readonly readout: Signal<Readout | null> = signal(null);
  readonly told: Signal<Told | null> = signal(null);
  readonly store = new Store();
  readonly archive: Archive;
  picture: Picture | null = null;
  /** What is to be moved with each picture, such as marks. */
  onDraw: (picture: Picture, area: Chart["area"]) => void = () => undefined;
  private readonly session: Session;
  private readonly feed: Feed;
  private readonly holes: Holes;
  private readonly edge = new Edge();
  private readonly composer = new Composer();
  private readonly places = new Map<string, number>();
  private chart: Chart | null = null;
  private isDirty = true;
  private hasNews = false;
  private drawnAt = 0;
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private toldAt = 0;
  private telling: ReturnType<typeof setTimeout> | undefined;
  private gapNow: Gap | null = null;
  private pointed: number | null = null; // a share of the plot's width
  private isEnded = false;

  constructor(session: Session, name: string) {
    this.session = session;
    this.archive = new Archive(session, name, () => this.redraw());
    this.feed = new Feed(session, name, this.store, () => this.hear());
    this.holes = new Holes(session, name, this.store, () => this.archive.refresh());
  }

  end(): void {
    this.isEnded = true;
    clearTimeout(this.telling);
    this.feed.end();
    this.holes.end();
    this.archive.end();
    this.detach();
  }

  attach(host: HTMLElement): void {
    const size = { width: host.clientWidth, height: host.clientHeight };
    this.chart = new Chart(host, size, themeColours(), (id) => this.placeOf(id), boolWords);
    this.redraw();
  }

  detach(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.timer = undefined;
    this.frame = 0;
    this.chart?.destroy();
    this.chart = null;
  }

  recolour(): void {
    this.chart?.recolour(themeColours());
    this.redraw();
  }

  resize(width: number, height: number): void {
    if (width === 0 || height === 0) return;
    this.chart?.resize({ width, height });
    this.redraw();
  }

  get area(): Chart["area"] {
    return this.chart?.area ?? { left: 0, top: 0, width: 1, height: 1 };
  }

  /** The right edge of what is live (µs): an agent's clock may be ahead of the server's. */
  now(): number {
    return this.edge.at(Math.round(this.session.connection.now() * 1000), this.store.end);
  }

  look(view: View): void {
    if (view === this.view.value) return;
    this.view.value = view;
    this.redraw();
  }

  pause(): void {
    this.look(pause(this.view.value, this.now()));
  }

  follow(): void {
    if (!this.view.value.isLive) this.look(follow(this.view.value));
  }

  togglePause(): void {
    if (this.view.value.isLive) this.pause();
    else this.follow();
  }

  toggle(id: string): void {
    const hidden = new Set(this.hidden.value);
    if (!hidden.delete(id)) hidden.add(id);
    this.hidden.value = hidden;
    this.redraw();
  }

  /** What the instrument's state means for the plot's right end. */
  tellGapNow(gap: Gap | null): void {
    this.gapNow = gap;
    this.redraw();
  }

  /** `share` of the plot's width, from its left; null: nowhere. */
  point(share: number | null): void {
    this.pointed = share;
    this.read();
  }

  get pointedAt(): number | null {
    return this.pointed;
  }

  /** Which colour and which dashes: by the order in which channels were seen first. */
  placeOf(id: string): number {
    const known = this.places.get(id);
    if (known !== undefined) return known;
    this.places.set(id, this.places.size);
    return this.places.size - 1;
  }

  /** The same picture elsewhere, as on paper. */
  drawInto(host: HTMLElement, size: { width: number; height: number }, colours: Colours): Chart | null {
    if (this.picture === null) return null;
    const chart = new Chart(host, size, colours, (id) => this.placeOf(id), boolWords);
    chart.draw(this.picture);
    return chart;
  }

  redraw(): void {
    this.isDirty = true;
    this.wake();
  }

  /** Something came: it is seen with the next picture that moves by a pixel, or soon. */
  private hear(): void {
    this.hasNews = true;
    if (this.timer === undefined) this.wake();
  }

  private wake(): void {
    if (this.frame !== 0 || this.chart === null || this.isEnded) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.tick();
    });
  }

  private tick(): void {
    const view = this.view.value;
    const now = this.now();
    const pixelUs = this.pixelUs;
    const stepUs = Math.min(Math.max(pixelUs, prefersCalm() ? LONGEST_STEP_US : 0), LONGEST_STEP_US);
    const isDue = now - this.drawnAt >= stepUs || now < this.drawnAt;
    const hasMoved = view.isLive && now - this.drawnAt >= Math.max(stepUs, pixelUs);
    if (this.isDirty || hasMoved || (this.hasNews && isDue)) this.draw(now, pixelUs);
    if (!view.isLive && !this.hasNews) return;
    const waitMs = (this.drawnAt + stepUs - this.now()) / 1000;
    if (waitMs <= 17) this.wake();
    else
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.wake();
      }, waitMs);
  }

  /** Time of one of the screen's own pixels. */
  private get pixelUs(): number {
    const { from, to } = rangeOf(this.view.value, this.now());
    return (to - from) / Math.max(this.area.width * (globalThis.devicePixelRatio || 1), 1);
  }

  private draw(now: number, pixelUs: number): void {
    const { chart, store } = this;
    if (chart === null) return;
    this.isDirty = this.hasNews = false;
    const { from, to } = rangeOf(this.view.value, now);
    this.drawnAt = now;
    this.archive.want(from, Math.min(to, store.since), pixelUs);
    const { pasts } = this.archive;
    const gaps = this.gapNow === null ? [] : [this.gapNow];
    this.picture = this.composer.compose({ store, pasts, gaps, from, to, pixelUs, hidden: this.hidden.value });
    this.learnChannels();
    chart.draw(this.picture);
    this.onDraw(this.picture, chart.area);
    this.read();
    this.tell();
  }

  private learnChannels(): void {
    const known = this.composer.channels;
    const isSame =
      known.length === this.channels.value.length && known.every(({ id }, at) => id === this.channels.value[at]?.id);
    if (isSame) return;
    for (const { id } of known) this.placeOf(id);
    this.channels.value = known;
  }

  private read(): void {
    const { picture, pointed } = this;
    if (picture === null || pointed === null) {
      if (this.readout.value !== null) this.readout.value = null;
      return;
    }
    const time = picture.from + (picture.to - picture.from) * pointed;
    const near = ((picture.to - picture.from) / this.area.width) * 24;
    const values = picture.lines.flatMap(({ id, line }) => {
      const at = line.nearest(time);
      if (at < 0) return [];
      const [point, half] = [line.time[at] as number, line.half[at] as number];
      const isBetween = at > 0 && at < line.length - 1 && line.broken[point < time ? at + 1 : at] === 0;
      if (Math.abs(point - time) > Math.max(near, half) && !isBetween) return [];
      const [min, max, mean] = [line.min[at] as number, line.max[at] as number, line.mean[at] as number];
      return [{ id, min, max, mean, count: line.count[at] as number, time: point }];
    });
    this.readout.value = { time, values, gap: gapAt(picture.gaps, time, this.now()) };
  }

  private tell(): void {
    const { picture } = this;
    const waitMs = this.toldAt + TOLD_MS - performance.now();
    if (picture === null || this.telling !== undefined) return;
    if (waitMs > 0) {
      this.telling = setTimeout(() => {
        this.telling = undefined;
        this.tell();
      }, waitMs + 1);
      return;
    }
    this.toldAt = performance.now();
    const { from, to } = picture;
    const past = this.archive.pasts.flatMap(({ changes }) => changes.filter(({ time }) => time < this.store.since));
    const changes = onlyChanges([...past, ...this.store.changes]).filter(({ time }) => time >= from && time <= to);
    const ranges = picture.lines.map(({ id, line }) => ({ id, range: line.range(from, to) }));
    const isThinned = this.archive.pasts.some((one) => one.widthUs > 0 && one.from < to && one.to > from);
    const lacksTexts = isThinned && from < this.store.since && this.store.changes.length > 0;
    const isEmpty = ranges.every(({ range }) => range === null);
    this.told.value = {
      from,
      to,
      gaps: merge(picture.gaps).reverse(),
      changes: changes.slice(-100).reverse(),
      lacksTexts,
      ranges,
      isEmpty,
    };
  }
}

function prefersCalm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function boolWords(): { yes: string; no: string } {
  return { yes: formatValue(true), no: formatValue(false) };
}
