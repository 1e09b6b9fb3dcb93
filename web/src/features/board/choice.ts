import type { BoardFilters } from "@/config/paths";
import type { Schema } from "@/lib/api";

export type BoardInfo = Schema<"BoardAnswer">;

/** What an address means, given the boards that there are. */
export interface Choice {
  board: BoardInfo;
  mode: string;
  modes: readonly string[];
  /** The boards that the mode feeds. */
  boards: readonly BoardInfo[];
}

/** The board that is meant; what is unknown gives way to what is near. Null without any board. */
export function choose(all: readonly BoardInfo[], filters: Partial<BoardFilters>): Choice | null {
  const modes = [...new Set(all.flatMap(board => board.definition.game_modes))];
  const named = all.find(board => board.board_id === filters.board);
  const wanted = modes.find(mode => mode === filters.mode);
  const first = named ?? (wanted === undefined ? (all.find(board => !board.retired) ?? all[0]) : primary(all, wanted));
  if (first === undefined) return null;
  const mode = wanted !== undefined && feeds(wanted, first) ? wanted : (first.definition.game_modes[0] ?? "");
  return { board: first, mode, modes, boards: all.filter(board => feeds(mode, board)) };
}

/** The board of a mode's name, else the first that takes its scores. */
export function primary(all: readonly BoardInfo[], mode: string): BoardInfo | undefined {
  const fed = all.filter(board => feeds(mode, board));
  return fed.find(board => board.board_id === mode) ?? fed.find(board => !board.retired) ?? fed[0];
}

const feeds = (mode: string, board: BoardInfo) => board.definition.game_modes.includes(mode);
