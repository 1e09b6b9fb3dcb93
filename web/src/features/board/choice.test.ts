import { describe, expect, test } from "vitest";
import { type BoardInfo, choose } from "./choice";

const board = (board_id: string, game_modes: string[], retired = false) =>
  ({ board_id, retired, definition: { game_modes } }) as unknown as BoardInfo;
const all = [board("old", ["classic"], true), board("week", ["classic", "duel"]), board("classic", ["classic"])];
const chosen = (filters: Parameters<typeof choose>[1]) => {
  const choice = choose(all, filters);
  return choice && [choice.board.board_id, choice.mode];
};

describe("which board an address means", () => {
  test("the board that it names, in the mode that it names", () => {
    expect(chosen({ board: "week", mode: "duel" })).toEqual(["week", "duel"]);
    expect(chosen({ board: "week", mode: "nonsense" })).toEqual(["week", "classic"]);
  });

  test("of a mode alone: the board of its name, else one that lives", () => {
    expect(chosen({ mode: "classic" })).toEqual(["classic", "classic"]);
    expect(chosen({ mode: "duel" })).toEqual(["week", "duel"]);
  });

  test("of nothing that is known: the first that lives", () => {
    expect(chosen({})).toEqual(["week", "classic"]);
    expect(chosen({ board: "gone" })).toEqual(["week", "classic"]);
    expect(choose([], {})).toBeNull();
  });
});
