import { create } from "zustand";

interface Identity {
  /** The player whom this browser plays as; null until somebody chose. */
  playerId: string | null;
  playAs: (playerId: string | null) => void;
}

const KEY = "player";

/** "Play as": whose row is mine. There are no accounts, so a name kept in this browser has to do. */
export const useIdentity = create<Identity>()(set => ({
  playerId: recall(),
  playAs: playerId => {
    set({ playerId });
    keep(playerId);
  },
}));

function recall(): string | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept !== null && isPlayerId(kept) ? kept : null;
  } catch {
    return null;
  }
}

function keep(playerId: string | null) {
  try {
    if (playerId === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, playerId);
  } catch {
    // A browser that keeps nothing: it holds for this page.
  }
}

/** As the server's PlayerId. */
export function isPlayerId(text: string): boolean {
  return /^[A-Za-z0-9_.:-]{1,64}$/.test(text);
}
