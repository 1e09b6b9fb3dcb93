import { answer, api, type Schema } from "@/lib/api";

/** What an operator wants; `id` is what has to be typed to have it. */
export type Wish =
  | { readonly kind: "ban" | "reinstate"; readonly id: string; readonly reason: string }
  | { readonly kind: "revoke" | "restore"; readonly id: string; readonly player: string; readonly reason: string }
  | { readonly kind: "retire"; readonly id: string; readonly revision: number };

export type Change = Schema<"ChangeAnswer">;

/** What a wish would change; nothing is changed. Throws Problem. */
export async function rehearse(wish: Wish, adminKey: string, signal: AbortSignal): Promise<readonly Change[]> {
  // A retired board takes no scores any more; no row of it moves.
  if (wish.kind === "retire") return [];
  const found = await rule(wish, { headers: by(adminKey), signal }, true);
  if (!("changes" in found)) throw new Error("the server did not take this as a rehearsal");
  return found.changes;
}

/** Have it, once for a key however often it is sent. Throws Problem. */
export async function perform(wish: Wish, adminKey: string, key: string): Promise<void> {
  const headers = { ...by(adminKey), "Idempotency-Key": key };
  if (wish.kind !== "retire") {
    await rule(wish, { headers }, false);
    return;
  }
  const params = { path: { board_id: wish.id } };
  const body = { expected_revision: wish.revision };
  await answer(api.POST("/api/v1/boards/{board_id}/retire", { params, body, headers }));
}

type Ruling = Exclude<Wish, { kind: "retire" }>;

function rule(wish: Ruling, init: { headers: Record<string, string>; signal?: AbortSignal }, isRehearsal: boolean) {
  const query = isRehearsal ? { dry_run: true } : {};
  const body = { reason: wish.reason };
  if ("player" in wish) {
    const params = { path: { user_id: wish.player, event_id: wish.id }, query };
    return answer(api.POST(`/api/v1/scores/{user_id}/{event_id}/${wish.kind}`, { params, body, ...init }));
  }
  const params = { path: { user_id: wish.id }, query };
  return answer(api.POST(`/api/v1/players/{user_id}/${wish.kind}`, { params, body, ...init }));
}

const by = (adminKey: string) => ({ Authorization: `Bearer ${adminKey}` });
