import type { MeState } from "@/lib/live";
import type { BoardRank } from "./api/player";

/** Where a player stands on a board: what the stream says, and of REST what the stream does not. */
export interface Standing {
  rank: number;
  score: number;
  total: number;
  /** In percent; null: not known yet. */
  percentile: number | null;
  /** To the next better rank; null at the top, or not known yet. */
  gap: number | null;
  games: number | null;
  /** When a score last counted. */
  at: string | null;
  /** Places won since the rank before; null: it has not moved while we watched. */
  moved: number | null;
}

/** The newest that is known; null: not ranked. */
export function standingOf(me: MeState, asked: BoardRank | undefined): Standing | null {
  if (me.source === null) return asked === undefined ? null : askedStanding(asked);
  if (me.rank === null || me.score === null) return null;
  const isSame = asked?.entry.rank === me.rank && asked.entry.score === me.score;
  const rest = asked === undefined ? null : askedStanding(asked);
  return {
    rank: me.rank,
    score: me.score,
    total: me.total,
    percentile: rest?.percentile ?? null,
    // A gap of another score would not fit.
    gap: isSame ? (rest?.gap ?? null) : null,
    games: rest?.games ?? null,
    at: rest?.at ?? null,
    moved: me.old === null || me.old === me.rank ? null : me.old - me.rank,
  };
}

function askedStanding({ entry, total_players }: BoardRank): Standing {
  return {
    rank: entry.rank,
    score: entry.score,
    total: total_players,
    percentile: entry.percentile,
    gap: entry.gap,
    games: entry.games_played,
    at: entry.updated_at,
    moved: null,
  };
}
