import fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry } from "./protocol";
import { checksum, inOrder, ranked } from "./rows";

test("ties are ranked as the board defines them", () => {
  const values = [9, 7, 7, 3];
  expect(ranked(values, "first_to_reach")).toEqual([1, 2, 3, 4]);
  expect(ranked(values, "shared")).toEqual([1, 2, 2, 4]);
  expect(ranked(values, "dense")).toEqual([1, 2, 2, 3]);
});

test("rows are in order of value, then of when it was reached, then of id", () => {
  const rows: Entry[] = [
    ["b", 5, 20, null],
    ["a", 5, 20, null],
    ["late", 5, 30, null],
    ["more", 6, 99, null],
    ["Z", 5, 20, null],
  ];
  expect(inOrder(rows, "desc").map(row => row[0])).toEqual(["more", "Z", "a", "b", "late"]);
  expect(inOrder(rows, "asc").map(row => row[0])).toEqual(["Z", "a", "b", "late", "more"]);
});

test("the checksum is the server's", () => {
  const rows: Entry[] = [
    ["bob", 1000, 1795000001200, null],
    ["cyd", 950, 1795000030000, "Zoë 🚀"],
    ["ann", 900, 1794999990000, "Ann Ö"],
  ];
  expect(checksum(rows)).toBe("4eeea6da"); // zlib.crc32 of the same rows in Python
  expect(checksum([])).toBe("00000000");
});

test("the order of the input does not matter", () => {
  const entry = fc.tuple(
    fc.stringMatching(/^[a-z]{1,3}$/),
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 0, max: 3 }),
  );
  const entries = fc.uniqueArray(entry, { selector: row => row[0] });
  fc.assert(
    fc.property(entries, fc.func(fc.integer()), (found, shuffle) => {
      const rows = found.map(([id, value, at]): Entry => [id, value, at, null]);
      const shuffled = [...rows].sort((a, b) => shuffle(a[0]) - shuffle(b[0]));
      expect(inOrder(shuffled, "desc")).toEqual(inOrder(rows, "desc"));
    }),
  );
});
