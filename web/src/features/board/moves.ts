import type { Standing } from "./rows";

/** How a row came to where it is. */
export interface Mark {
  /** Places gained (or lost, below 0); "new" for who was not shown before. */
  by: number | "new";
  /** The value is another than before. */
  scored: boolean;
  at: number;
}

/** What the table shows, and how it got there. */
export interface Shown {
  standing: Standing;
  marks: ReadonlyMap<string, Mark>;
  /** Player → a number that changes when the row's move is to be animated. */
  flips: ReadonlyMap<string, number>;
  at: number;
}

/** Milliseconds for which a move stays marked. */
export const MARKED = 8000;
/** Rows that move before the reader's eyes at once; the others are just there. */
export const MOST_MOVING = 20;
/** Scores that change before the reader's eyes at once. Where more do, nobody could follow, and nothing is animated. */
export const MOST_SCORING = 5;

export const firstShown = (standing: Standing, at: number): Shown => ({
  standing,
  marks: new Map(),
  flips: new Map(),
  at,
});

/** The next state of the table. `visible` tells whether a place in the list is on the screen. */
export function advance(shown: Shown, next: Standing, at: number, visible: (index: number) => boolean): Shown {
  if (!isSameList(shown.standing, next)) return firstShown(next, at);
  const before = new Map(shown.standing.rows.map((row, index) => [row.id, { row, index }]));
  const marks = new Map(settle(shown, at).marks);
  const moved: { id: string; distance: number }[] = [];
  let scoring = 0;
  next.rows.forEach((row, index) => {
    const old = before.get(row.id);
    const by = old === undefined ? ("new" as const) : old.row.rank - row.rank;
    const scored = old !== undefined && old.row.value !== row.value;
    if (by !== 0 || scored) marks.set(row.id, { by, scored, at });
    if (scored && visible(index)) scoring += 1;
    if (old !== undefined && old.index !== index && (visible(old.index) || visible(index)))
      moved.push({ id: row.id, distance: Math.abs(old.index - index) });
  });
  if (scoring > MOST_SCORING) return { standing: next, marks: still(marks), flips: shown.flips, at };
  const moving = moved.toSorted((one, other) => other.distance - one.distance).slice(0, MOST_MOVING);
  const flips = new Map(shown.flips);
  for (const { id } of moving) flips.set(id, (flips.get(id) ?? 0) + 1);
  return { standing: next, marks, flips, at };
}

const still = (marks: ReadonlyMap<string, Mark>): ReadonlyMap<string, Mark> =>
  new Map([...marks].map(([id, mark]) => [id, { ...mark, scored: false }]));

/** The same rows without the marks that have had their time. */
export const settle = (shown: Shown, at: number): Shown => ({
  ...shown,
  marks: new Map([...shown.marks].filter(([, mark]) => at - mark.at < MARKED)),
});

/** Rows that would look different. */
export function countChanges(shown: Standing, latest: Standing): number {
  const before = new Map(shown.rows.map(row => [row.id, row]));
  return latest.rows.filter(row => {
    const old = before.get(row.id);
    return old === undefined || old.value !== row.value || old.rank !== row.rank || old.name !== row.name;
  }).length;
}

export const isSameList = (one: Standing, other: Standing): boolean =>
  one.board === other.board && one.season === other.season;
