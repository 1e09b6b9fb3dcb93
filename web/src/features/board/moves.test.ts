import { describe, expect, test } from "vitest";
import { advance, countChanges, firstShown, MARKED, MOST_MOVING, MOST_SCORING, settle } from "./moves";
import { type Standing, withNeighbours } from "./rows";

const standing = (ids: string, season = "all"): Standing => ({
  board: "classic",
  season,
  total: ids.length,
  rows: withNeighbours([...ids].map((id, index) => ({ id, name: null, value: 100 - index, rank: index + 1 }))),
});
const everywhere = () => true;

describe("moves", () => {
  test("who climbed, who fell, who is new", () => {
    const { marks } = advance(firstShown(standing("abc"), 0), standing("cabd"), 1, everywhere);
    expect([...marks].map(([id, mark]) => [id, mark.by])).toEqual([
      ["c", 2],
      ["a", -1],
      ["b", -1],
      ["d", "new"],
    ]);
  });

  test("a value may change where no rank does", () => {
    const before = standing("ab");
    const rows = before.rows.map(row => (row.id === "a" ? { ...row, value: 200 } : row));
    const { marks, flips } = advance(firstShown(before, 0), { ...before, rows }, 1, everywhere);
    expect([...marks]).toEqual([["a", { by: 0, scored: true, at: 1 }]]);
    expect(flips.size).toBe(0);
  });

  test("a mark stays for a while", () => {
    const moved = advance(firstShown(standing("ab"), 0), standing("ba"), 1000, everywhere);
    expect(advance(moved, standing("ba"), 999 + MARKED, everywhere).marks.size).toBe(2);
    expect(advance(moved, standing("ba"), 1000 + MARKED, everywhere).marks.size).toBe(0);
    expect([settle(moved, 999 + MARKED).marks.size, settle(moved, 1000 + MARKED).marks.size]).toEqual([2, 0]);
  });

  test("only moves that can be seen are animated, and not more than can be followed", () => {
    const letters = Array.from({ length: 60 }, (_, index) => String.fromCharCode(0x100 + index)).join("");
    const before = firstShown(standing(letters), 0);
    const [first, ...others] = before.standing.rows;
    const rows = [...others, ...(first ? [first] : [])].map((row, index) => ({ ...row, rank: index + 1 }));
    const after = { ...before.standing, rows };
    expect(advance(before, after, 1, () => false).flips.size).toBe(0);
    const { flips } = advance(before, after, 1, everywhere);
    expect(flips.size).toBe(MOST_MOVING);
    expect(flips.has(letters[0] ?? "")).toBe(true);
  });

  test("where more scores change than can be followed nothing is animated, and moves are marked all the same", () => {
    const letters = "abcdefgh";
    const scored = (count: number): Standing => {
      const { rows, ...rest } = standing(`b${letters.replace("b", "")}`);
      return { ...rest, rows: rows.map((row, index) => (index < count ? { ...row, value: row.value + 1000 } : row)) };
    };
    const before = firstShown(standing(letters), 0);
    const calm = advance(before, scored(MOST_SCORING + 1), 1, everywhere);
    expect(calm.flips.size).toBe(0);
    expect(calm.marks.get("b")).toEqual({ by: 1, scored: false, at: 1 });
    const elsewhere = advance(before, scored(MOST_SCORING + 1), 1, index => index > MOST_SCORING - 2);
    expect(elsewhere.marks.get("b")?.scored).toBe(true);
  });

  test("another season is another list", () => {
    const moved = advance(firstShown(standing("ab"), 0), standing("ba"), 1, everywhere);
    expect(advance(moved, standing("ab", "2026-W48"), 2, everywhere).marks.size).toBe(0);
  });

  test("changes that wait are rows that would look different", () => {
    expect(countChanges(standing("abc"), standing("abc"))).toBe(0);
    expect(countChanges(standing("abc"), standing("bacd"))).toBe(3);
  });
});
