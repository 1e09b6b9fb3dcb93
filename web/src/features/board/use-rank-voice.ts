import { useEffect } from "react";
import { announce } from "@/lib/announce";
import { counted, number } from "@/lib/format";
import { useLive } from "@/lib/use-live";

/** Says to who listens how my rank changes; nothing else of the board is spoken. */
export function useRankVoice(board: string, player: string | null) {
  const live = useLive();
  useEffect(() => {
    if (player === null) return;
    const channel = live.me(board, player);
    const close = channel.open();
    const deaf = channel.store.subscribe(({ rank }, { rank: before }) => {
      if (rank !== null && before !== null && rank !== before) announce(spoken(rank, before));
    });
    return () => {
      deaf();
      close();
    };
  }, [live, board, player]);
}

export function spoken(rank: number, before: number): string {
  const way = rank < before ? "up" : "down";
  return `Your rank is ${number(rank)}, ${way} ${counted(Math.abs(rank - before), "place")}`;
}
