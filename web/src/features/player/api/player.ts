import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { answer, api, type Schema } from "@/lib/api";

export type BoardRank = Schema<"BoardRank">;
export type Submission = Schema<"SubmissionAnswer">;
export type Point = Schema<"PointAnswer">;

const PAGE = 20;
/** Changes of a row that the chart shows. */
const POINTS = 200;
/** What no socket tells, such as a refused submission, is found this often. */
const EVERY_MS = 30_000;

/** Everything of a player, to be asked again after a move. */
export const playerKey = (id: string) => ["players", id] as const;

/** Name and attributes; a Problem of kind `unknown-player` for a stranger. */
export const profileQuery = (id: string) =>
  queryOptions({
    queryKey: [...playerKey(id), "profile"],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/players/{user_id}", { params: { path: { user_id: id } }, signal })),
  });

/** The rows of a player on all boards, in their present seasons. */
export const ranksQuery = (id: string) =>
  queryOptions({
    queryKey: [...playerKey(id), "ranks"],
    queryFn: async ({ signal }) =>
      (await answer(api.GET("/api/v1/players/{user_id}/ranks", { params: { path: { user_id: id } }, signal }))).ranks,
    refetchInterval: EVERY_MS,
  });

/** How a row came about, oldest first. */
export const historyQuery = (id: string, board: string) =>
  queryOptions({
    queryKey: [...playerKey(id), "history", board],
    queryFn: ({ signal }) => {
      const params = { path: { user_id: id }, query: { board, limit: POINTS } };
      return answer(api.GET("/api/v1/players/{user_id}/history", { params, signal }));
    },
  });

/** What a player has submitted, newest first, page by page. */
export const submissionsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: [...playerKey(id), "submissions"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: PAGE, ...(pageParam === null ? {} : { before: pageParam }) };
      const params = { path: { user_id: id }, query };
      return answer(api.GET("/api/v1/players/{user_id}/submissions", { params, signal }));
    },
    getNextPageParam: page => page.next,
    maxPages: 25,
    refetchInterval: EVERY_MS,
  });
