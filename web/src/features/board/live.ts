import { useMemo } from "react";
import type { AroundState, Channel, TopState } from "@/lib/live";
import { type Source, type Standing, withNeighbours } from "./rows";

/** What a channel says of a board, as rows; null: nothing yet. */
type StandingOf<S> = (board: string, state: S) => Standing | null;

/** A channel as a source: no component hears of its ticks. `before` fills the time until the stream has spoken. */
export function useSource<S>(
  { store }: Channel<S>,
  standingOf: StandingOf<S>,
  board: string,
  before: Standing | undefined,
): Source {
  return useMemo(
    () => ({ latest: () => standingOf(board, store.getState()) ?? before ?? null, subscribe: store.subscribe }),
    [store, standingOf, board, before],
  );
}

export function topStanding(board: string, state: TopState): Standing | null {
  if (state.source === null) return null;
  const rows = withNeighbours(state.ids.flatMap(id => state.rows.get(id) ?? []));
  return { board, season: state.season, total: state.total, rows };
}

export function aroundStanding(board: string, state: AroundState): Standing | null {
  if (state.source === null) return null;
  return { board, season: state.season, total: state.total, rows: withNeighbours(state.rows) };
}
