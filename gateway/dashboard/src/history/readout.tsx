// The values under the crosshair: for each series its minimum, mean and maximum there, or the gap that is there.

import type { Signal } from "@preact/signals";
import { nowMs } from "../clock.ts";
import { reasonInWords } from "../instrument/gap_words.ts";
import { px } from "../plot/px.ts";
import { decimalsOf, formatNumber, formatTime } from "../words/numbers.ts";
import { decimalsIn, pointAt, type Series } from "./overlay.ts";
import type { Area } from "./panels.ts";
import { channelLabel, gapOf, labelOf, type Shown, timeAt } from "./shown.ts";
import { Swatch } from "./swatch.tsx";
import { historyWords } from "./words.ts";

const MOST_READ = 14;
const NEAR_PX = 12;

interface Given {
  shown: Shown;
  area: Signal<Area | null>;
  pointed: Signal<number | null>;
}

export function Readout({ shown, area, pointed }: Given) {
  const [place, share] = [area.value, pointed.value];
  if (place === null || share === null) return null;
  const { drawing, series } = shown;
  const time = timeAt(drawing.times, share);
  const near = ((drawing.times.to - drawing.times.from) / place.width) * NEAR_PX;
  const isLeft = share > 0.5;
  const x: Record<string, number> = isLeft
    ? { right: (1 - share) * place.width + 14 }
    : { left: share * place.width + 14 };
  const isPrecise = drawing.times.to - drawing.times.from < 120_000_000;
  return (
    <div class="readout-place" style={px({ left: place.left, width: place.width, top: place.top })}>
      <div class="history-readout" role="status" aria-live="off" style={px(x)}>
        <p class="at">
          <time>{formatTime(time, nowMs.value, isPrecise)}</time>
        </p>
        <ul>
          {series.slice(0, MOST_READ).map((one) => (
            <li key={one.id}>
              <Value shown={shown} series={one} time={time} near={near} />
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Value({ shown, series, time, near }: { shown: Shown; series: Series; time: number; near: number }) {
  const words = historyWords.value;
  const point = pointAt(series.line, time, near);
  const gap = point === null ? gapOf(shown.drawing, series.instrument, time) : null;
  const isSeveral = shown.instruments.length > 1;
  return (
    <>
      <Swatch place={shown.placeOf(series.id)} />
      <span class="name">
        {isSeveral && <bdi class="clip muted">{labelOf(shown.session, series.instrument)}</bdi>}
        <bdi class="clip">{channelLabel(shown.session, series.instrument, series.name)}</bdi>
      </span>
      <span class="value number">
        {point === null ? (
          <span class="muted">{gap === null ? words.noValue : `${words.gap}: ${reasonInWords(gap)}`}</span>
        ) : (
          <Extremes series={series} point={point} />
        )}
      </span>
    </>
  );
}

function Extremes({ series, point }: { series: Series; point: { min: number; max: number; mean: number } }) {
  if (series.kind === "boolean") return <strong>{historyWords.value.isTrue(percent(point.mean))}</strong>;
  const decimals = decimalsIn(series.line, decimalsOf);
  const text = (value: number) => formatNumber(value, decimals);
  return (
    <>
      {point.min === point.max ? (
        <strong>{text(point.mean)}</strong>
      ) : (
        <>
          <span class="muted">{text(point.min)} …</span> <strong>{text(point.mean)}</strong>{" "}
          <span class="muted">… {text(point.max)}</span>
        </>
      )}{" "}
      <bdi class="unit">{series.unit}</bdi>
    </>
  );
}

export function percent(share: number): string {
  const hundredths = share * 100;
  return `${formatNumber(hundredths, hundredths > 0 && hundredths < 10 ? 1 : 0)}\u00a0%`;
}
