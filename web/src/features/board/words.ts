import type { BoardInfo } from "./choice";

type Definition = BoardInfo["definition"];

const OPERATORS: Record<Definition["operator"], string> = {
  best: "Best score",
  sum: "Sum of scores",
  latest: "Latest score",
  count: "Games counted",
};
const TIES: Record<NonNullable<Definition["ties"]>, string> = {
  first_to_reach: "equals: first to reach ranks first",
  shared: "equals share a rank (1, 2, 2, 4)",
  dense: "equals share a rank (1, 2, 2, 3)",
};

/** How a board ranks, in a line. */
export function describe(board: Definition): string {
  const order = board.order === "desc" ? "most first" : "least first";
  return `${OPERATORS[board.operator]}, ${order} · ${TIES[board.ties ?? "first_to_reach"]}`;
}

/** A season's name for people. */
export const seasonTitle = (season: string): string => (season === "all" ? "All time" : season);
