/** What REST says of a subscription, where no socket is to be had. */
import { answer, api, type Schema } from "@/lib/api";
import { Problem } from "@/lib/problem";
import type { Polled } from "./polling";
import type { Sub } from "./protocol";
import type { Row } from "./rows";

const NOT_RANKED: Polled = { season: "", total: 0, rows: [], rank: null, score: null };

/** Ask once. Throws Problem. */
export async function readRest(sub: Sub, signal: AbortSignal): Promise<Polled> {
  try {
    const params = { path: { board_id: sub.board }, query: queryOf(sub) };
    return polledOf(sub, await answer(api.GET("/api/v1/boards/{board_id}/entries", { params, signal })));
  } catch (error) {
    if (error instanceof Problem && error.kind === "not-ranked") return NOT_RANKED;
    throw error;
  }
}

function queryOf(sub: Sub) {
  if (sub.ch === "top") return { limit: sub.n };
  const side = sub.ch === "around" ? sub.k : 0;
  return { around_player: sub.player, above: side, below: side };
}

function polledOf(sub: Sub, found: Schema<"EntriesAnswer">): Polled {
  const rows = found.entries.map(rowOf);
  const own = sub.ch === "top" ? undefined : rows.find(row => row.id === sub.player);
  return { season: found.season, total: found.total_players, rows, rank: own?.rank ?? null, score: own?.value ?? null };
}

function rowOf({ rank, user_id, username, score }: Schema<"EntriesAnswer">["entries"][number]): Row {
  return { id: user_id, rank, value: score, reached: null, name: username === user_id ? null : username };
}
