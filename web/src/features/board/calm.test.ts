import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import { Calm, PACE, REST, SLOWEST } from "./calm";
import { MARKED } from "./moves";
import { type Standing, withNeighbours } from "./rows";

const standing = (ids: string, season = "all"): Standing => ({
  board: "classic",
  season,
  total: ids.length,
  rows: withNeighbours([...ids].map((id, index) => ({ id, name: null, value: 100 - index, rank: index + 1 }))),
});

/** A board whose newest rows the test says, and what is seen of it. */
class Board {
  readonly commits: string[] = [];
  readonly calm = new Calm(
    () => () => true,
    told => this.cost > 0 && setTimeout(() => told(this.cost), this.cost),
  );
  /** Milliseconds that a reorder takes. */
  cost = 0;
  readonly #newest = createStore<{ rows: Standing | null }>(() => ({ rows: null }));
  readonly source = { latest: () => this.#newest.getState().rows, subscribe: this.#newest.subscribe };

  constructor() {
    this.calm.store.subscribe(({ shown }, before) => {
      if (shown !== before.shown) this.commits.push(shown?.standing.rows.map(row => row.id).join("") ?? "");
    });
    this.calm.follow(this.source);
  }

  say(...orders: (string | Standing)[]) {
    for (const order of orders) this.#newest.setState({ rows: typeof order === "string" ? standing(order) : order });
  }

  get waiting() {
    return this.calm.store.getState().waiting;
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the calm board", () => {
  test("the first change is shown at once, further ones at a pace, the last one always", () => {
    const board = new Board();
    board.say("abc");
    vi.advanceTimersByTime(PACE);
    board.say("bac");
    expect(board.commits).toEqual(["abc", "bac"]);
    board.say("bca", "cba", "cab");
    vi.advanceTimersByTime(PACE - 1);
    expect(board.commits).toEqual(["abc", "bac"]);
    vi.advanceTimersByTime(1);
    expect(board.commits).toEqual(["abc", "bac", "cab"]);
    vi.advanceTimersByTime(PACE);
    board.say("abc");
    expect(board.commits.at(-1)).toBe("abc");
  });

  test("ten ticks a second are at most one commit a pace", () => {
    const board = new Board();
    for (let tick = 0; tick < 100; tick++) {
      board.say(tick % 2 ? "abc" : "bca");
      vi.advanceTimersByTime(100);
    }
    expect(board.commits.length).toBeLessThanOrEqual(10_000 / PACE + 1);
  });

  test("a page for which a reorder is dear has fewer of them, but never none", () => {
    const commitsIn = (cost: number, time: number) => {
      const board = new Board();
      board.cost = cost;
      for (let tick = 0; tick < time / 50; tick++) {
        board.say(tick % 2 ? "abc" : "bca");
        vi.advanceTimersByTime(50);
      }
      return board.commits.length;
    };
    const time = 10 * SLOWEST;
    expect(commitsIn(PACE / REST / 2, time)).toBeGreaterThan(time / (PACE + 100));
    expect(commitsIn(100, time)).toBeLessThanOrEqual(time / (REST * 100) + 2);
    expect(commitsIn(1000, time)).toBeGreaterThanOrEqual(time / (SLOWEST + 100));
  });

  test("nothing moves while it is held; what waits is counted, and comes when it is let go or asked for", () => {
    const board = new Board();
    board.say("abc");
    board.calm.hold(true);
    board.say("bac");
    vi.advanceTimersByTime(10 * PACE);
    expect([board.commits, board.waiting]).toEqual([["abc"], 2]);
    board.calm.release();
    expect([board.commits.at(-1), board.waiting]).toEqual(["bac", 0]);
    board.say("cab");
    vi.advanceTimersByTime(PACE);
    expect([board.commits.at(-1), board.waiting]).toEqual(["bac", 2]);
    board.calm.hold(false);
    vi.advanceTimersByTime(PACE);
    expect([board.commits.at(-1), board.waiting]).toEqual(["cab", 0]);
  });

  test("another season is shown though it is held", () => {
    const board = new Board();
    board.say("abc");
    board.calm.hold(true);
    board.say(standing("xyz", "2026-W48"));
    vi.advanceTimersByTime(PACE);
    expect(board.commits.at(-1)).toBe("xyz");
  });

  test("marks go after a while, though nothing more comes", () => {
    const board = new Board();
    board.say("ab");
    vi.advanceTimersByTime(PACE);
    board.say("ba");
    expect(board.calm.store.getState().shown?.marks.size).toBe(2);
    vi.advanceTimersByTime(MARKED);
    expect(board.calm.store.getState().shown?.marks.size).toBe(0);
  });

  test("who follows another source hears of the first no more", () => {
    const board = new Board();
    const other = { latest: () => standing("xy"), subscribe: vi.fn(() => vi.fn()) };
    const calm = new Calm(() => () => true);
    calm.follow(board.source)();
    board.say("abc");
    expect(calm.store.getState().shown).toBeNull();
    calm.follow(other);
    expect(calm.store.getState().shown?.standing.rows.map(row => row.id)).toEqual(["x", "y"]);
  });
});
