/** What components see of a subscription. Each state is whole, as it really was on the server at one moment. */
import type { Order, Ties } from "./protocol";
import { type Row, ranked } from "./rows";
import type { Watched } from "./session";

interface State {
  /** Where it is from; null: nothing has come yet. */
  readonly source: "stream" | "polled" | null;
  readonly season: string;
  /** Players on the whole board. */
  readonly total: number;
  /** The clock of the newest event in it, ms since 1970; null: not known. */
  readonly ts: number | null;
  /** Why the server does not send it. */
  readonly refused: { readonly code: string; readonly detail: string } | null;
}

export interface TopState extends State {
  /** Best first. */
  readonly ids: readonly string[];
  readonly rows: ReadonlyMap<string, Row>;
  /** Of the board; null while only polled. */
  readonly order: Order | null;
  readonly ties: Ties | null;
  readonly operator: string | null;
}

export interface MeState extends State {
  /** Null: not ranked, as the others. */
  readonly rank: number | null;
  /** The rank before. */
  readonly old: number | null;
  readonly score: number | null;
}

export interface AroundState extends State {
  readonly rank: number | null;
  readonly rows: readonly Row[];
}

const NOTHING = { source: null, season: "", total: 0, ts: null, refused: null } as const;
export const NO_TOP: TopState = { ...NOTHING, ids: [], rows: new Map(), order: null, ties: null, operator: null };
export const NO_ME: MeState = { ...NOTHING, rank: null, old: null, score: null };
export const NO_AROUND: AroundState = { ...NOTHING, rank: null, rows: [] };

/** The first rows; rows that are as before are the same objects. */
export function topOf(watched: Watched, before: TopState): TopState {
  const { polled, refused, held } = watched;
  const { about } = held;
  if (polled !== null) {
    const rows = kept(polled.rows, before.rows);
    return { ...before, ...polledHead(watched), ids: rows.map(row => row.id), rows: byId(rows) };
  }
  if (about === null) return { ...before, refused };
  const entries = held.ordered();
  const ranks = ranked(
    entries.map(entry => entry[1]),
    about.ties,
    about.base,
  );
  const found = entries.map(([id, value, reached, name], at) => ({ id, rank: ranks[at] ?? 0, value, reached, name }));
  const rows = kept(found, before.rows);
  const { season, order, ties, operator } = about;
  const head = { source: "stream" as const, season, total: held.total, ts: held.ts, refused };
  return { ...head, ids: rows.map(row => row.id), rows: byId(rows), order, ties, operator };
}

/** The rank of a player. */
export function meOf(watched: Watched, before: MeState): MeState {
  const { polled, latest, refused } = watched;
  if (polled !== null) {
    return { ...before, ...polledHead(watched), rank: polled.rank, old: before.rank, score: polled.score };
  }
  if (latest?.t !== "me") return { ...before, refused };
  const { season, total, ts, rank, old, score } = latest;
  return { source: "stream", season, total, ts, refused, rank, old, score };
}

/** The rows around a player; rows that are as before are the same objects. */
export function aroundOf(watched: Watched, before: AroundState): AroundState {
  const { polled, latest, refused } = watched;
  const known = byId(before.rows);
  if (polled !== null) return { ...polledHead(watched), rank: polled.rank, rows: kept(polled.rows, known) };
  if (latest?.t !== "around") return { ...before, refused };
  const { season, total, ts, rank } = latest;
  const found = latest.rows.map(([id, value, reached, name, at]) => ({ id, rank: at, value, reached, name }));
  return { source: "stream", season, total, ts, refused, rank, rows: kept(found, known) };
}

function polledHead({ polled, refused }: Watched): State {
  return { source: "polled", season: polled?.season ?? "", total: polled?.total ?? 0, ts: null, refused };
}

function byId(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map(row => [row.id, row]));
}

function kept(rows: readonly Row[], known: ReadonlyMap<string, Row>): Row[] {
  return rows.map(row => {
    const old = known.get(row.id);
    return old !== undefined && isSame(old, row) ? old : row;
  });
}

function isSame(a: Row, b: Row): boolean {
  return a.rank === b.rank && a.value === b.value && a.reached === b.reached && a.name === b.name;
}
