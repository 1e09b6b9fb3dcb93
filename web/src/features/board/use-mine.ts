import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { entryQuery } from "@/lib/entry";
import { unreachable } from "@/lib/problem";
import { useChannel, useMe } from "@/lib/use-live";
import type { Standing } from "./rows";

/** Where I stand. */
export interface Mine {
  id: string;
  name: string;
  rank: number;
  value: number;
  gap: number | null;
  percentile: number;
  total: number;
}

/** My row on the present season of a board: its rank from the stream, what the stream does not say from REST. */
export function useMine(board: string, player: string, shown: Standing | null): Mine | null {
  const me = useChannel(useMe(board, player), state => state);
  const query = useQuery(entryQuery(board, player));
  const { refetch } = query;
  const isStale = me.source !== null && query.data !== undefined && me.score !== query.data.entry.score;
  useEffect(() => {
    if (isStale) refetch();
  }, [isStale, refetch]);
  const row = shown?.rows.find(each => each.id === player);
  const entry = query.data?.entry;
  if (me.source !== null && me.rank === null) return null;
  if (query.error !== null && unreachable(query.error).kind === "not-ranked" && me.rank === null) return null;
  const rank = me.rank ?? entry?.rank;
  const total = me.source === null ? query.data?.total_players : me.total;
  if (rank === undefined || total === undefined) return null;
  return {
    id: player,
    name: row?.name ?? entry?.username ?? player,
    rank,
    value: me.score ?? entry?.score ?? 0,
    gap: row !== undefined && row.rank === rank ? row.gap : (entry?.gap ?? null),
    percentile: (100 * (total - rank + 1)) / total,
    total,
  };
}
