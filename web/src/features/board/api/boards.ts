import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "@/lib/api";

/** Every board, in the order in which they were defined. */
export const boardsQuery = () =>
  queryOptions({
    queryKey: ["boards"],
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/boards", { signal }))).boards,
    staleTime: 60_000,
    refetchInterval: query => (query.state.status === "error" ? 5_000 : 60_000),
  });

/** The newest seasons of a board that somebody has played in. */
export const seasonsQuery = (board: string) =>
  queryOptions({
    queryKey: ["boards", board, "seasons"],
    queryFn: async ({ signal }) => {
      const params = { path: { board_id: board }, query: { limit: 50 } };
      return (await answer(api.GET("/api/v1/boards/{board_id}/seasons", { params, signal }))).seasons;
    },
    staleTime: 60_000,
  });
