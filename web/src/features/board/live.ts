import { useMemo } from "react";
import type { AroundState, TopState } from "@/lib/live";
import { useAround, useChannel, useTop } from "@/lib/use-live";
import { FIRST, SIDE } from "./api/entries";
import { type Standing, withNeighbours } from "./rows";

/** The first rows of a board in its present season, kept up to date; null until they have come. */
export function useLiveTop(board: string): Standing | null {
  const state = useChannel(useTop(board, FIRST), whole);
  return useMemo(() => topStanding(board, state), [board, state]);
}

/** The rows around a player, kept up to date; null until they have come. */
export function useLiveAround(board: string, player: string): Standing | null {
  const state = useChannel(useAround(board, player, SIDE), whole);
  return useMemo(() => aroundStanding(board, state), [board, state]);
}

const whole = <S>(state: S): S => state;

export function topStanding(board: string, state: TopState): Standing | null {
  if (state.source === null) return null;
  const rows = withNeighbours(state.ids.flatMap(id => state.rows.get(id) ?? []));
  return { board, season: state.season, total: state.total, rows };
}

export function aroundStanding(board: string, state: AroundState): Standing | null {
  if (state.source === null) return null;
  return { board, season: state.season, total: state.total, rows: withNeighbours(state.rows) };
}
