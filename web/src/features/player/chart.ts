import type { Point } from "./api/player";

/** A point of a chart: where it is, in percent of the width and height, from the upper start corner. */
export interface Spot {
  x: number;
  y: number;
  at: number;
  score: number;
}

export interface Chart {
  /** SVG paths in a box of 100 by 100: a line in steps, and the area below it. */
  line: string;
  area: string;
  spots: readonly Spot[];
  ticks: readonly { y: number; value: number }[];
  from: number;
  to: number;
  /** Whether it goes up to the present. */
  isToNow: boolean;
}

const HEAD_ROOM = 6;
/** What has long not changed leaves most of the width to what has. */
const LONGEST_REST = 0.25;

/** The chart of a row's changes; a score holds until the next one, the last towards `now`. Null without any score. */
export function chartOf(points: readonly Point[], now: number): Chart | null {
  const scored = points.flatMap(({ score }) => (score === null ? [] : [score]));
  if (scored.length === 0) return null;
  const times = points.map(({ at }) => Date.parse(at));
  const from = Math.min(...times);
  const last = Math.max(...times);
  const to = last === from ? Math.max(now, last) : Math.max(last, Math.min(now, last + (last - from) * LONGEST_REST));
  const ticks = ticksOf(Math.min(...scored), Math.max(...scored));
  const low = ticks[0] ?? 0;
  const high = ticks.at(-1) ?? 1;
  const x = (at: number) => (to === from ? 0 : ((at - from) / (to - from)) * 100);
  const y = (value: number) => HEAD_ROOM + (1 - (value - low) / (high - low)) * (100 - 2 * HEAD_ROOM);
  const spots = points.map(({ score }, nth) => {
    const at = times[nth] ?? from;
    return score === null ? null : { x: x(at), y: y(score), at, score };
  });
  return {
    ...paths(spots),
    spots: spots.filter(spot => spot !== null),
    ticks: ticks.map(value => ({ y: y(value), value })),
    from,
    to,
    isToNow: to >= now,
  };

  /** Steps; where there was no row, there is no line. */
  function paths(all: readonly (Spot | null)[]): { line: string; area: string } {
    let line = "";
    let area = "";
    all.forEach((spot, nth) => {
      if (spot === null) return;
      const at = times[nth + 1];
      const end = at === undefined ? 100 : x(at);
      const before = nth > 0 ? all[nth - 1] : null;
      line += before ? `V${round(spot.y)}H${round(end)}` : `M${round(spot.x)} ${round(spot.y)}H${round(end)}`;
      area += `M${round(spot.x)} 100V${round(spot.y)}H${round(end)}V100Z`;
    });
    return { line, area };
  }
}

/** Three to six round numbers of which the first is at most `low` and the last at least `high`. */
export function ticksOf(low: number, high: number): number[] {
  const span = high - low || Math.max(1, Math.abs(high) / 5);
  const rough = span / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find(each => each * power >= rough) ?? 10) * power);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: last - first + 1 }, (_, nth) => (first + nth) * step);
}

/** The spot that is nearest to a place from start to end, in percent. */
export function nearest(spots: readonly Spot[], x: number): number {
  return spots.reduce(
    (best, spot, nth) => (Math.abs(spot.x - x) < Math.abs((spots[best]?.x ?? 0) - x) ? nth : best),
    0,
  );
}

const round = (value: number): number => Math.round(value * 100) / 100;
