import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "@/lib/api";

/** One player's row in the present season of a board. `position`: of the log, which the answer has to contain. */
export const entryQuery = (board: string, player: string, position?: string) =>
  queryOptions({
    queryKey: ["boards", board, "entry", player],
    queryFn: async ({ signal }) => {
      const header = position === undefined ? {} : { "X-Min-Position": position };
      const params = { path: { board_id: board, user_id: player }, header };
      return await answer(api.GET("/api/v1/boards/{board_id}/entries/{user_id}", { params, signal }));
    },
    staleTime: 5000,
  });
