// Where an axis has ticks: from where to where it reaches, and the least step that there is room for, in; places out.

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
const [MONTH, YEAR] = [30 * DAY, 365 * DAY]; // as steps: their ticks are where the calendar has them
const TIME_STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 4, 6, 8, 12].map((count) => count * HOUR),
  ...[1, 2, 3, 4, 5, 7, 10, 15].map((count) => count * DAY),
  ...[1, 2, 3, 4, 6].map((count) => count * MONTH),
  ...[1, 2, 5, 10, 25, 50, 100].map((count) => count * YEAR),
];

const MOST = 50; // of values: no plot is so high

export interface Ticks {
  step: number;
  at: number[];
}

/** Round numbers of 1, 2, 2.5 or 5. */
export function valueTicks(low: number, high: number, least: number): Ticks {
  if (!(least > 0) || !Number.isFinite(high - low)) return { step: 1, at: [] };
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 2.5, 5].find((mantissa) => mantissa * power >= least * (1 - 1e-9)) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const places = Array.from({ length: MOST }, (_, at) => Number(((first + at) * step).toPrecision(12)));
  const at = places.filter((place) => place <= high + step * 1e-9);
  return { step, at };
}

/** Times in ms, at round times of this place's clock and calendar. */
export function timeTicks(from: number, to: number, least: number): Ticks {
  const step = TIME_STEPS.find((one) => one >= least) ?? Math.ceil(least / (100 * YEAR)) * 100 * YEAR;
  const place = step < HOUR ? steady(from, step) : calendar(from, step);
  const at: number[] = [];
  for (let count = 0; place(count) <= to; count += 1) {
    const time = place(count);
    if (time >= from && time > (at.at(-1) ?? Number.NEGATIVE_INFINITY)) at.push(time);
  }
  return { step, at };
}

type Place = (count: number) => number;

function steady(from: number, step: number): Place {
  const ahead = new Date(from).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((from - ahead) / step) * step + ahead;
  return (count) => first + count * step;
}

/** Hours of a day that has 23 or 25, months of 28 to 31: Date counts them. */
function calendar(from: number, step: number): Place {
  const begin = new Date(from);
  const [year, month, day] = [begin.getFullYear(), begin.getMonth(), begin.getDate()];
  if (step >= YEAR) {
    const years = step / YEAR;
    return (count) => new Date(year - (year % years) + count * years, 0).getTime();
  }
  if (step >= MONTH) {
    const months = step / MONTH;
    return (count) => new Date(year, month - (month % months) + count * months).getTime();
  }
  if (step < DAY) return (count) => new Date(year, month, day, (count * step) / HOUR).getTime();
  const days = step / DAY;
  const since = Math.floor(Date.UTC(year, month, day) / DAY) % days;
  return (count) => new Date(year, month, day - since + count * days).getTime();
}
