import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { env } from "@/config/env";
import { answer, api, type Schema } from "@/lib/api";
import { problemOf } from "@/lib/problem";

export type Operations = Schema<"OperationsAnswer">;
export type Health = Schema<"QueryHealth">;
export type Freshness = Schema<"LiveAnswer">;
export type LoggedEvent = Schema<"EventAnswer">;
export type BoardInfo = Schema<"BoardAnswer">;

const EVERY_MS = 2_000;
const PATIENCE_MS = 10_000;
const EVENTS = 25;

/** How the system runs. */
export const operationsQuery = () =>
  queryOptions({
    queryKey: ["operations"],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/operations", { signal })),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });

/** Which parts answer; a system with a part that does not is an answer, too. */
export const healthQuery = () =>
  queryOptions({
    queryKey: ["operations", "health"],
    queryFn: async ({ signal }): Promise<Health> => {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
      const response = await fetch(`${env.apiUrl}/api/leaderboard/health`, { signal: bounded });
      if (!response.ok && !isJson(response)) throw await problemOf(response);
      return (await response.json()) as Health;
    },
    refetchInterval: 2 * EVERY_MS,
  });

/** How old news is when it is written to sockets. */
export const freshnessQuery = () =>
  queryOptions({
    queryKey: ["operations", "live"],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/live", { signal })),
    refetchInterval: 2 * EVERY_MS,
  });

/** The newest facts of the log, and the ones before; only while nobody reads on in them, they are kept up to date. */
export const eventsQuery = (isHeld: boolean) =>
  infiniteQueryOptions({
    queryKey: ["operations", "events"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: EVENTS, ...(pageParam === null ? {} : { before: pageParam }) };
      return answer(api.GET("/api/v1/operations/events", { params: { query }, signal }));
    },
    getNextPageParam: page => page.next,
    maxPages: 20,
    refetchInterval: query => (isHeld || (query.state.data?.pages.length ?? 0) > 1 ? false : EVERY_MS),
  });

/** Every board, retired ones too. */
export const boardsQuery = () =>
  queryOptions({
    queryKey: ["boards"],
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/boards", { signal }))).boards,
    refetchInterval: 10 * EVERY_MS,
  });

/** Seasons of a board, newest first. */
export const seasonsQuery = (board: string) =>
  queryOptions({
    queryKey: ["operations", "seasons", board],
    queryFn: async ({ signal }) => {
      const params = { path: { board_id: board }, query: { limit: 20 } };
      return (await answer(api.GET("/api/v1/boards/{board_id}/seasons", { params, signal }))).seasons;
    },
    refetchInterval: 10 * EVERY_MS,
  });

function isJson(response: Response): boolean {
  return response.headers.get("Content-Type") === "application/json";
}
