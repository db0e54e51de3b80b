import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { timeTicks, valueTicks } from "../../src/plot/ticks.ts";

process.env.TZ = "Europe/Berlin";
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const at = (text: string) => new Date(text).getTime();
const shown = (times: number[]) => times.map((time) => new Date(time).toLocaleString("sv"));

describe("ticks of values", () => {
  it("are round numbers within the axis, as far apart as there is room for", () => {
    assert.deepEqual(valueTicks(0, 1, 0.2), { step: 0.2, at: [0, 0.2, 0.4, 0.6, 0.8, 1] });
    assert.deepEqual(valueTicks(-12, 31, 11), { step: 20, at: [0, 20] });
    assert.deepEqual(valueTicks(99.9998, 100.0004, 0.00021), { step: 0.00025, at: [100, 100.00025] });
  });
  it("are none where an axis reaches nowhere", () => {
    assert.deepEqual(valueTicks(1, 1, 0).at, []);
    assert.ok(valueTicks(1e16, 1e16 + 2, 0.1).at.length < 100); // and it ends
    assert.deepEqual(valueTicks(Number.NaN, 1, 0.1).at, []);
  });
});

describe("ticks of times", () => {
  it("are at round times of the clock", () => {
    const { step, at: ticks } = timeTicks(at("2026-11-23T10:01:10"), at("2026-11-23T10:30:00"), 4 * MINUTE);
    assert.equal(step, 5 * MINUTE);
    assert.deepEqual(shown(ticks).slice(0, 2), ["2026-11-23 10:05:00", "2026-11-23 10:10:00"]);
    assert.equal(ticks.length, 6);
  });
  it("stay at the same hours over a night in which the clock is put back", () => {
    const { at: ticks } = timeTicks(at("2026-10-25T00:00:00"), at("2026-10-25T23:59:00"), 6 * HOUR);
    assert.deepEqual(
      shown(ticks).map((one) => one.slice(11, 16)),
      ["00:00", "06:00", "12:00", "18:00"],
    );
  });
  it("are at midnight of every so many days, and at the first of a month", () => {
    const days = timeTicks(at("2026-03-27T12:00:00"), at("2026-04-02T12:00:00"), 0.9 * DAY);
    assert.deepEqual(
      shown(days.at),
      ["28", "29", "30", "31"]
        .map((day) => `2026-03-${day} 00:00:00`)
        .concat(["2026-04-01 00:00:00", "2026-04-02 00:00:00"]),
    );
    const months = timeTicks(at("2026-02-15T00:00:00"), at("2026-12-31T00:00:00"), 50 * DAY);
    assert.deepEqual(
      shown(months.at).map((one) => one.slice(5, 10)),
      ["03-01", "05-01", "07-01", "09-01", "11-01"],
    );
  });
  it("are at round times of every clock, also of one a quarter of an hour aside", () => {
    for (const zone of ["Asia/Kathmandu", "America/New_York"]) {
      process.env.TZ = zone;
      const ticks = timeTicks(at("2026-11-23T10:01:00"), at("2026-11-23T11:10:00"), 20 * MINUTE).at;
      const times = shown(ticks).map((one) => one.slice(11, 16));
      assert.deepEqual(times, ["10:30", "11:00"], zone);
    }
    process.env.TZ = "Europe/Berlin";
  });
  it("come in milliseconds and in centuries", () => {
    assert.deepEqual(timeTicks(1000, 1010, 4).at, [1000, 1005, 1010]);
    assert.equal(timeTicks(at("1900-06-01"), at("2400-06-01"), 99 * 365 * DAY).at.length, 5);
  });
});
