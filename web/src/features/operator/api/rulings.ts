import { answer, api, type Schema } from "@/lib/api";

/** What an operator wants; `id` is what has to be typed to have it. */
export type Wish =
  | { readonly kind: "ban" | "reinstate"; readonly id: string; readonly reason: string }
  | { readonly kind: "revoke" | "restore"; readonly id: string; readonly player: string; readonly reason: string }
  | { readonly kind: "retire"; readonly id: string; readonly revision: number };

export type Change = Schema<"ChangeAnswer">;

export interface Rehearsal {
  changes: readonly Change[];
  /** Game modes whose scores no board would take any more. */
  modesLeft: readonly string[];
}

/** What a wish would change; nothing is changed. Throws Problem. */
export async function rehearse(wish: Wish, adminKey: string, signal: AbortSignal): Promise<Rehearsal> {
  const init = { headers: by(adminKey), signal };
  const found = wish.kind === "retire" ? await retire(wish, init, true) : await rule(wish, init, true);
  if (!("changes" in found)) throw new Error("the server did not take this as a rehearsal");
  return { changes: found.changes, modesLeft: "modes_without_board" in found ? found.modes_without_board : [] };
}

/** Have it, once for a key however often it is sent. Throws Problem. */
export async function perform(wish: Wish, adminKey: string, key: string): Promise<void> {
  const init = { headers: { ...by(adminKey), "Idempotency-Key": key } };
  await (wish.kind === "retire" ? retire(wish, init, false) : rule(wish, init, false));
}

interface Init {
  headers: Record<string, string>;
  signal?: AbortSignal;
}

function retire(wish: Extract<Wish, { kind: "retire" }>, init: Init, isRehearsal: boolean) {
  const params = { path: { board_id: wish.id }, query: isRehearsal ? { dry_run: true } : {} };
  const body = { expected_revision: wish.revision };
  return answer(api.POST("/api/v1/boards/{board_id}/retire", { params, body, ...init }));
}

type Ruling = Exclude<Wish, { kind: "retire" }>;

function rule(wish: Ruling, init: Init, isRehearsal: boolean) {
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
