// Errors against points with their limits, as it fills: a picture of shapes, which the table beside it tells in words.

import { reach } from "../plot/axes.ts";
import { formatNumber } from "../words/numbers.ts";
import { isWithin } from "./limits.ts";
import type { Step, Test } from "./messages.ts";
import { calibrationWords } from "./words.ts";

const [WIDTH, HEIGHT, LEFT, BELOW] = [600, 240, 64, 28];

export function ErrorChart({ steps, tests }: { steps: readonly Step[]; tests: readonly Test[] }) {
  const names = [...new Set(tests.map(({ measurand }) => measurand))];
  return (
    <>
      {names.map((name) => {
        const own = tests.filter((test) => test.measurand === name);
        return <One key={name} title={names.length > 1 ? name : ""} steps={ofTests(steps, own)} />;
      })}
    </>
  );
}

function ofTests(steps: readonly Step[], tests: readonly Test[]): Step[] {
  const names = new Set(tests.map(({ test }) => test));
  return steps.filter(({ test, what, point }) => names.has(test) && what === "reading" && point !== null);
}

function One({ title, steps }: { title: string; steps: readonly Step[] }) {
  const words = calibrationWords.value;
  const [first] = steps;
  if (first === undefined || steps.every(({ error }) => error === null)) return null;
  const limits = steps.flatMap(({ lower, upper }) => [lower, upper]);
  const values = [0, ...steps.map(({ error }) => error), ...limits].filter((one) => one !== null);
  const [low, high] = reach([[Math.min(...values), Math.max(...values)]]);
  const points = steps.map(({ point }) => point as number);
  const [from, to] = reach([[Math.min(...points), Math.max(...points)]]);
  const x = (point: number) => LEFT + ((point - from) / (to - from)) * (WIDTH - LEFT - 8);
  const y = (error: number) => 8 + ((high - error) / (high - low)) * (HEIGHT - BELOW - 8);
  const byPoint = [...new Map(steps.map((step) => [step.point, step])).values()].sort(byPlace);
  const line = (side: "lower" | "upper") => {
    const known = byPoint.filter((step) => step[side] !== null);
    return known.map((step) => `${x(step.point as number)},${y(step[side] as number)}`).join(" ");
  };
  const ticks = [...new Set([Math.min(...values), 0, Math.max(...values)])];
  const mid = (LEFT + WIDTH) / 2;
  return (
    <figure class="panel error-chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words.chart}>
        {ticks.map((tick) => (
          <g key={tick}>
            <path class="grid" d={`M${LEFT} ${y(tick)}H${WIDTH - 8}`} />
            <text x={LEFT - 6} y={y(tick) + 4} text-anchor="end">
              {formatNumber(Number(tick.toPrecision(2)))}
            </text>
          </g>
        ))}
        <polyline class="limit" points={line("lower")} />
        <polyline class="limit" points={line("upper")} />
        {ends(points).map((point) => (
          <text key={point} x={x(point)} y={HEIGHT - 8} text-anchor="middle">
            {formatNumber(point)}
          </text>
        ))}
        <text x={mid} y={HEIGHT - 8} text-anchor="middle">
          {first.unit}
        </text>
        {steps.map(
          ({ step, point, error, direction, lower, upper }) =>
            error !== null && (
              <path
                key={step}
                class={isWithin(error, lower, upper) ? "dot" : "dot is-alarm"}
                d={shapeAt(x(point as number), y(error), direction)}
              />
            ),
        )}
      </svg>
      <figcaption class="muted">
        {title} {words.chartOf(first.error_unit)}
      </figcaption>
    </figure>
  );
}

function byPlace(one: Step, other: Step): number {
  return (one.point ?? 0) - (other.point ?? 0);
}

function ends(points: readonly number[]): number[] {
  return [...new Set([Math.min(...points), Math.max(...points)])];
}

/** Upwards a triangle that points up, downwards one that points down. */
function shapeAt(x: number, y: number, direction: string): string {
  const tip = direction === "down" ? 7 : -7;
  return `M${x - 6} ${y - tip * 0.7}h12L${x} ${y + tip}z`;
}
