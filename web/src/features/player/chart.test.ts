import fc from "fast-check";
import { expect, test } from "vitest";
import { chartOf, nearest, ticksOf } from "./chart";

const at = (ms: number) => new Date(ms).toISOString();
const point = (ms: number, score: number | null) => ({ at: at(ms), score, event_id: null });

test("a score holds until the next, and to now", () => {
  const chart = chartOf([point(0, 0), point(80, 10)], 100);
  expect(chart?.line).toBe("M0 94H80V6H100");
  expect(chart?.spots.map(({ x, y }) => [x, y])).toEqual([
    [0, 94],
    [80, 6],
  ]);
});

test("a long rest leaves most of the width to what has changed", () => {
  expect(chartOf([point(0, 0), point(100, 10)], 100_000)).toMatchObject({ to: 125, isToNow: false });
  expect(chartOf([point(0, 0)], 100_000)).toMatchObject({ to: 100_000, isToNow: true });
});

test("where there was no row there is no line", () => {
  expect(chartOf([point(0, 10), point(25, null), point(50, 10)], 100)?.line.match(/M/g)).toHaveLength(2);
  expect(chartOf([point(0, null)], 100)).toBeNull();
  expect(chartOf([], 100)).toBeNull();
});

test("ticks are round, few, apart and around the values", () => {
  const score = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });
  fc.assert(
    fc.property(score, score, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const ticks = ticksOf(low, high);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(6);
      expect(ticks[0]).toBeLessThanOrEqual(low);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
      expect(new Set(ticks).size).toBe(ticks.length);
    }),
  );
});

test("the nearest spot", () => {
  const spots = [10, 40, 90].map(x => ({ x, y: 0, at: 0, score: 0 }));
  expect([0, 24, 26, 66, 100].map(x => nearest(spots, x))).toEqual([0, 0, 1, 2, 2]);
});
