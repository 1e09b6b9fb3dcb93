import fc from "fast-check";
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
    const { marks, flights } = advance(firstShown(before, 0), { ...before, rows }, 1, everywhere);
    expect([...marks]).toEqual([["a", { by: 0, scored: true, at: 1 }]]);
    expect(flights).toEqual([]);
  });

  test("a mark stays for a while", () => {
    const moved = advance(firstShown(standing("ab"), 0), standing("ba"), 1000, everywhere);
    expect(advance(moved, standing("ba"), 999 + MARKED, everywhere).marks.size).toBe(2);
    expect(advance(moved, standing("ba"), 1000 + MARKED, everywhere).marks.size).toBe(0);
    expect([settle(moved, 999 + MARKED).marks.size, settle(moved, 1000 + MARKED).marks.size]).toEqual([2, 0]);
  });

  test("rows that look as before are the same objects", () => {
    const before = standing("abcd");
    const { rows } = advance(firstShown(before, 0), standing("abdc"), 1, everywhere).standing;
    expect(rows.map((row, place) => row === before.rows[place])).toEqual([true, true, false, false]);
  });

  test("a flight says where the row was; the farthest first", () => {
    const { flights } = advance(firstShown(standing("abcd"), 0), standing("dabc"), 1, everywhere);
    expect(flights[0]).toEqual({ id: "d", place: 0, from: 3 });
    expect(flights.slice(1).map(flight => flight.from)).toEqual([-1, -1, -1]);
    expect(settle(advance(firstShown(standing("ab"), 0), standing("ba"), 1, everywhere), 2).flights).toEqual([]);
  });

  const letters = Array.from({ length: 40 }, (_, index) => String.fromCharCode(0x100 + index));
  const orders = fc.shuffledSubarray(letters, { minLength: 1 });

  test("whatever changes, few rows fly, each is seen at one end at least, and comes from where it was", () => {
    fc.assert(
      fc.property(orders, orders, fc.nat(40), fc.nat(40), (old, now, first, length) => {
        const visible = (place: number) => place >= first && place < first + length;
        const before = firstShown(standing(old.join("")), 0);
        const { flights, standing: after } = advance(before, standing(now.join("")), 1, visible);
        expect(flights.length).toBeLessThanOrEqual(MOST_MOVING);
        for (const { id, place, from } of flights) {
          expect([after.rows[place]?.id, before.standing.rows[place + from]?.id]).toEqual([id, id]);
          expect(from !== 0 && (visible(place) || visible(place + from))).toBe(true);
        }
      }),
    );
  });

  test("where more scores change than can be followed nothing is animated, and moves are marked all the same", () => {
    const letters = "abcdefgh";
    const scored = (count: number): Standing => {
      const { rows, ...rest } = standing(`b${letters.replace("b", "")}`);
      return { ...rest, rows: rows.map((row, index) => (index < count ? { ...row, value: row.value + 1000 } : row)) };
    };
    const before = firstShown(standing(letters), 0);
    const calm = advance(before, scored(MOST_SCORING + 1), 1, everywhere);
    expect(calm.flights).toEqual([]);
    expect(calm.marks.get("b")).toEqual({ by: 1, scored: false, at: 1 });
    const elsewhere = advance(before, scored(MOST_SCORING + 1), 1, index => index >= MOST_SCORING);
    const flashing = [...elsewhere.marks].filter(([, mark]) => mark.scored).map(([id]) => id);
    expect(flashing).toEqual(["f"]);
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
