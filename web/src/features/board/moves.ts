import { type Row, type Standing, sameAs } from "./rows";

/** How a row came to where it is. */
export interface Mark {
  /** Places gained (or lost, below 0); "new" for who was not shown before. */
  by: number | "new";
  /** The value is another than before, and the reader can see it. */
  scored: boolean;
  at: number;
}

/** A row that comes to its place before the reader's eyes. */
export interface Flight {
  id: string;
  /** Where it is now, from 0. */
  place: number;
  /** Places below it (above, where less than 0) at which it was. */
  from: number;
}

/** What the table shows, and how it got there. */
export interface Shown {
  standing: Standing;
  marks: ReadonlyMap<string, Mark>;
  /** What is to be animated now. */
  flights: readonly Flight[];
  at: number;
}

/** Whether a place in the list is on the screen. */
export type Visible = (place: number) => boolean;

/** Milliseconds for which a move stays marked; where little happens, up to twice as long. */
export const MARKED = 8000;
/** Rows that move before the reader's eyes at once; the others are just there. */
export const MOST_MOVING = 20;
/** Scores that change before the reader's eyes at once. Where more do, nobody could follow, and nothing is animated. */
export const MOST_SCORING = 5;

export const firstShown = (standing: Standing, at: number): Shown => ({ standing, marks: new Map(), flights: [], at });

/** The next state of the table. Rows that look as before are the same objects. */
export function advance(shown: Shown, next: Standing, at: number, visible: Visible): Shown {
  if (!isSameList(shown.standing, next)) return firstShown(next, at);
  const before = new Map(shown.standing.rows.map((row, place) => [row.id, { row, place }]));
  const marks = new Map(settle(shown, at).marks);
  const moved: Flight[] = [];
  let scoring = 0;
  const rows = next.rows.map((row, place) => {
    const old = before.get(row.id);
    const scored = old !== undefined && old.row.value !== row.value && visible(place);
    const by = old === undefined ? "new" : old.row.rank - row.rank;
    if (by !== 0 || scored) marks.set(row.id, { by, scored, at });
    if (scored) scoring += 1;
    if (old === undefined) return row;
    if (old.place !== place && (visible(old.place) || visible(place)))
      moved.push({ id: row.id, place, from: old.place - place });
    return sameAs(old.row, row) ? old.row : row;
  });
  const standing = { ...next, rows };
  if (scoring > MOST_SCORING) return { standing, marks: still(marks), flights: [], at };
  return { standing, marks, flights: farthest(moved), at };
}

const farthest = (moved: readonly Flight[]): Flight[] =>
  moved.toSorted((one, other) => Math.abs(other.from) - Math.abs(one.from)).slice(0, MOST_MOVING);

const still = (marks: ReadonlyMap<string, Mark>): ReadonlyMap<string, Mark> =>
  new Map([...marks].map(([id, mark]) => [id, { ...mark, scored: false }]));

/** The same rows without the marks that have had their time. */
export const settle = (shown: Shown, at: number): Shown => ({
  ...shown,
  flights: [],
  marks: new Map([...shown.marks].filter(([, mark]) => at - mark.at < MARKED)),
});

/** Rows that would look different. */
export function countChanges(shown: Standing, latest: Standing): number {
  const before = new Map(shown.rows.map(row => [row.id, row]));
  const looks = (one: Row, other: Row) =>
    one.value === other.value && one.rank === other.rank && one.name === other.name;
  return latest.rows.filter(row => {
    const old = before.get(row.id);
    return old === undefined || !looks(old, row);
  }).length;
}

export const isSameList = (one: Standing, other: Standing): boolean =>
  one.board === other.board && one.season === other.season;
