import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { answer, api } from "@/lib/api";
import { rowsOf, standingOf } from "../rows";

/** Rows that are shown at once, above the long tail. */
export const FIRST = 100;
const PAGE = 200;
/** Rows above and below the player whom the board is shown around. */
export const SIDE = 10;

/** A board in its present season (null) or a past one. */
export interface Of {
  board: string;
  season: string | null;
}

const keyOf = ({ board, season }: Of) => ["boards", board, "entries", season ?? "present"] as const;
const seasonOf = (season: string | null) => (season === null ? {} : { season });

/** The first rows. */
export const firstQuery = (of: Of) =>
  queryOptions({
    queryKey: [...keyOf(of), "first"],
    queryFn: async ({ signal }) => {
      const params = { path: { board_id: of.board }, query: { limit: FIRST, ...seasonOf(of.season) } };
      const page = await answer(api.GET("/api/v1/boards/{board_id}/entries", { params, signal }));
      return standingOf(page);
    },
  });

/** The rows around a player; a Problem of kind `not-ranked` when there is no such row. */
export const aroundQuery = (of: Of, player: string) =>
  queryOptions({
    queryKey: [...keyOf(of), "around", player],
    queryFn: async ({ signal }) => {
      const query = { around_player: player, above: SIDE, below: SIDE, ...seasonOf(of.season) };
      const params = { path: { board_id: of.board }, query };
      return standingOf(await answer(api.GET("/api/v1/boards/{board_id}/entries", { params, signal })));
    },
  });

/** Where the tail begins: below a row, or at a rank somebody jumped to; a cursor goes on from there. */
export type Start = { after: string } | { rank: number } | { cursor: string };

/** The rows from a point in the order on, page by page; of the moment each page was read. */
export const tailQuery = (of: Of, start: Start | null) =>
  infiniteQueryOptions({
    queryKey: [...keyOf(of), "tail", start],
    initialPageParam: start,
    queryFn: async ({ pageParam, signal }) => {
      const query = { ...seasonOf(of.season), ...(pageParam === null ? {} : pageOf(pageParam)) };
      const params = { path: { board_id: of.board }, query };
      const page = await answer(api.GET("/api/v1/boards/{board_id}/entries", { params, signal }));
      return { rows: rowsOf(page.entries), next: page.next, total: page.total_players };
    },
    getNextPageParam: (page): Start | null => (page.next === null ? null : { cursor: page.next }),
    enabled: start !== null,
    placeholderData: keepPreviousData,
    // Pages of different moments do not fit each other: the reader asks for a new look.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnReconnect: false,
    refetchOnWindowFocus: false,
  });

const pageOf = (start: Start) =>
  "after" in start ? { around_player: start.after, above: 0, below: PAGE } : { limit: PAGE, ...start };
