import type { Schema } from "@/lib/api";

/** A row as it is shown. */
export interface Row {
  id: string;
  name: string;
  value: number;
  rank: number;
  /** Others stand on the same rank. */
  tied: boolean;
  /** How far the value is from that of the next better rank; null at the top. */
  gap: number | null;
}

/** Rows that follow each other, of one moment. */
export interface Standing {
  board: string;
  season: string;
  total: number;
  rows: readonly Row[];
}

/** Where rows come from. */
export interface Source {
  /** The newest rows; null: none have come yet. */
  latest: () => Standing | null;
  /** Be told that there are newer ones, until the function that is returned is called. */
  subscribe: (news: () => void) => () => void;
}

/** Rows that nothing changes any more. */
export const settled = (rows: Standing | null): Source => ({ latest: () => rows, subscribe: () => () => undefined });

interface Ranked {
  id: string;
  name: string | null;
  value: number;
  rank: number;
}

/** Rows in the order of the board, with what only their neighbours tell. The gap of the first is not known. */
export function withNeighbours(ranked: readonly Ranked[]): Row[] {
  let better: number | null = null;
  let last: Ranked | undefined;
  return ranked.map((row, index) => {
    if (last !== undefined && last.rank !== row.rank) better = last.value;
    last = row;
    const tied = ranked[index - 1]?.rank === row.rank || ranked[index + 1]?.rank === row.rank;
    return {
      id: row.id,
      name: row.name ?? row.id,
      value: row.value,
      rank: row.rank,
      tied,
      gap: better === null ? null : Math.abs(better - row.value),
    };
  });
}

/** A page of the API as rows. */
export function rowsOf(entries: readonly Schema<"RowAnswer">[]): Row[] {
  const ranked = entries.map(entry => ({
    id: entry.user_id,
    name: entry.username,
    value: entry.score,
    rank: entry.rank,
  }));
  return withNeighbours(ranked).map((row, index) => ({ ...row, gap: entries[index]?.gap ?? null }));
}

export function standingOf(answer: Schema<"EntriesAnswer">): Standing {
  return { board: answer.board_id, season: answer.season, total: answer.total_players, rows: rowsOf(answer.entries) };
}

/** Whether two rows look the same. */
export const sameAs = (one: Row, other: Row): boolean =>
  one.value === other.value &&
  one.rank === other.rank &&
  one.gap === other.gap &&
  one.tied === other.tied &&
  one.name === other.name &&
  one.id === other.id;

/** Steps of a share: finer ones are not seen, and each would be another picture of the row. */
const STEPS = 60;

/** How much of the leader's value a row has, 0 to 1; on boards where less is better, the leader's of the row's. */
export function shareOf(value: number, leader: number): number {
  const [part, whole] = Math.abs(value) < Math.abs(leader) ? [value, leader] : [leader, value];
  const share = whole === 0 ? 1 : Math.min(1, Math.max(0, part / whole));
  return Math.round(STEPS * share) / STEPS;
}
