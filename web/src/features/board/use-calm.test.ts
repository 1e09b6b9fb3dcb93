import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Standing, withNeighbours } from "./rows";
import { PACE, useCalm } from "./use-calm";

const standing = (ids: string, season = "all"): Standing => ({
  board: "classic",
  season,
  total: ids.length,
  rows: withNeighbours([...ids].map((id, index) => ({ id, name: null, value: 100 - index, rank: index + 1 }))),
});
const rows = { current: null };
const mount = (latest: Standing | null) =>
  renderHook(({ latest, held }) => useCalm(latest, held, rows), { initialProps: { latest, held: false } });
const order = (calm: ReturnType<typeof mount>) => calm.result.current.shown?.standing.rows.map(row => row.id).join("");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the first change is shown at once, further ones at a pace, the last one always", () => {
  const calm = mount(standing("abc"));
  expect(order(calm)).toBe("abc");
  act(() => void vi.advanceTimersByTime(PACE));
  calm.rerender({ latest: standing("bac"), held: false });
  expect(order(calm)).toBe("bac");
  for (const ids of ["bca", "cba", "cab"]) calm.rerender({ latest: standing(ids), held: false });
  expect(order(calm)).toBe("bac");
  act(() => void vi.advanceTimersByTime(PACE));
  expect(order(calm)).toBe("cab");
});

test("nothing moves while it is held; what waits is counted, and comes when it is let go or asked for", () => {
  const calm = mount(standing("abc"));
  const latest = standing("bac");
  calm.rerender({ latest, held: true });
  act(() => void vi.advanceTimersByTime(10 * PACE));
  expect([order(calm), calm.result.current.waiting]).toEqual(["abc", 2]);
  act(() => calm.result.current.release());
  expect([order(calm), calm.result.current.waiting]).toEqual(["bac", 0]);
  calm.rerender({ latest: standing("cab"), held: true });
  calm.rerender({ latest: standing("cab"), held: false });
  act(() => void vi.advanceTimersByTime(PACE));
  expect(order(calm)).toBe("cab");
});

test("another season is shown at once, held or not", () => {
  const calm = mount(standing("abc"));
  calm.rerender({ latest: standing("xyz", "2026-W48"), held: true });
  expect(order(calm)).toBe("xyz");
});

test("what was shown stays when nothing comes any more", () => {
  const calm = mount(standing("abc"));
  calm.rerender({ latest: null, held: false });
  expect(order(calm)).toBe("abc");
});
