import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { announce } from "@/lib/announce";
import { entryQuery } from "@/lib/entry";
import { counted, number } from "@/lib/format";
import { type PendingScore, usePending } from "@/lib/pending";
import { newKey, sender } from "./api/submit-score";
import { type Counted, type Progress, submit } from "./submitting";

const chance = {
  sleep: (wait: number) => new Promise<void>(resolve => setTimeout(resolve, wait)),
  random: Math.random,
};

/** A submission: how far it is, and how to begin one or to try the same one again. */
export function useSubmit(board: string) {
  const client = useQueryClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const [score, setScore] = useState<PendingScore | null>(null);
  const key = useRef("");

  const run = useCallback(
    async (wanted: PendingScore) => {
      usePending.setState({ score: wanted });
      const end = await submit(sender(wanted, key.current), setProgress, chance);
      usePending.setState({ score: null });
      announce(spoken(end));
      if (end.kind !== "counted") return;
      // Settled by position: what is read now contains the score, whichever process answers.
      const row = entryQuery(board, wanted.playerId, end.answer.position);
      await client.fetchQuery({ ...row, staleTime: 0 }).catch(() => undefined);
    },
    [client, board],
  );

  const send = (wanted: PendingScore) => {
    key.current = newKey();
    setScore(wanted);
    return run(wanted);
  };
  const again = () => score !== null && run(score);
  const busy = progress?.kind === "sending" || progress?.kind === "waiting";
  return { progress, score, busy, send, again };
}

function spoken(end: Progress): string {
  if (end.kind === "counted") return `Counted: ${rankOf(end.answer)}`;
  return end.kind === "failed" ? `Not counted: ${end.problem.message}` : "";
}

function rankOf({ new_rank, rank_change }: Counted): string {
  const moved = rank_change > 0 ? `, up ${counted(rank_change, "place")}` : "";
  return `rank ${number(new_rank)}${moved}`;
}
