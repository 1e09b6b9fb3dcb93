import { create } from "zustand";

/** A score that was sent and is not known to be on the board yet. */
export interface PendingScore {
  playerId: string;
  mode: string;
  score: number;
}

/** At most one: the form waits for it. */
export const usePending = create<{ score: PendingScore | null }>()(() => ({ score: null }));
