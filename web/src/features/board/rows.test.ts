import { describe, expect, test } from "vitest";
import { shareOf, withNeighbours } from "./rows";

const ranked = (...ranks: [rank: number, value: number][]) =>
  ranks.map(([rank, value], index) => ({ id: `p${index}`, name: null, rank, value }));

describe("rows", () => {
  test("the gap is to the next better rank, not to the row above", () => {
    const rows = withNeighbours(ranked([1, 50], [2, 40], [2, 40], [4, 10]));
    expect(rows.map(row => row.gap)).toEqual([null, 10, 10, 30]);
    expect(rows.map(row => row.tied)).toEqual([false, true, true, false]);
  });

  test("where less is better a gap is no less than nothing", () => {
    expect(withNeighbours(ranked([1, 900], [2, 1000])).map(row => row.gap)).toEqual([null, 100]);
  });

  test("who has no name is shown by id", () => expect(withNeighbours(ranked([1, 5]))[0]?.name).toBe("p0"));

  test("shares of the leader, whichever way the board goes", () => {
    expect([shareOf(50, 100), shareOf(200, 100), shareOf(0, 0), shareOf(-5, 10)]).toEqual([0.5, 0.5, 1, 0]);
  });
});
