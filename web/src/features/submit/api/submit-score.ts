import { api } from "@/lib/api";
import type { PendingScore } from "@/lib/pending";
import type { Send } from "../submitting";

/** Attempts at one score, all with one key. */
export function sender({ playerId, mode, score }: PendingScore, key: string): Send {
  const body = { user_id: playerId, game_mode: mode, score };
  const params = { header: { "Idempotency-Key": key } };
  return async () => {
    const { data } = await api.POST("/api/leaderboard/submit", { body, params });
    return data !== undefined && "new_rank" in data ? data : null;
  };
}

/** A key that no other submission has; pages that are not served by https have no randomUUID. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `web-${[...bytes].map(byte => byte.toString(16).padStart(2, "0")).join("")}`;
}
