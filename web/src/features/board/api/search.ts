import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { answer, api } from "@/lib/api";
import { isPlayerId } from "@/lib/identity";
import { unreachable } from "@/lib/problem";

export interface Found {
  id: string;
  name: string;
}

/** Players whose id or name begins with a text; the one with exactly this id where the search does not answer. */
export const searchQuery = (text: string) =>
  queryOptions({
    queryKey: ["players", "search", text],
    queryFn: async ({ signal }): Promise<Found[]> => {
      try {
        const params = { query: { search: text, limit: 8 } };
        const { players } = await answer(api.GET("/api/v1/players", { params, signal }));
        return players.map(player => ({ id: player.user_id, name: player.display_name }));
      } catch (error) {
        if (signal.aborted || unreachable(error).passing) throw error;
        return isPlayerId(text) ? await exactly(text, signal) : [];
      }
    },
    enabled: text !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });

async function exactly(id: string, signal: AbortSignal): Promise<Found[]> {
  try {
    const params = { path: { user_id: id } };
    const player = await answer(api.GET("/api/v1/players/{user_id}", { params, signal }));
    return [{ id: player.user_id, name: player.username }];
  } catch (error) {
    if (unreachable(error).status === 404) return [];
    throw error;
  }
}
