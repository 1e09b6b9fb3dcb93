import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { playerKey } from "./api/player";

const LEAST_MS = 2_000;

/** Ask again for what REST says of a player when the stream tells of a move; not more often than every two seconds. */
export function useFollow(id: string, standing: string | null): void {
  const client = useQueryClient();
  const known = useRef<string | null>(null);
  const askedAt = useRef(0);
  useEffect(() => {
    if (standing === null) return;
    const isFirst = known.current === null;
    if (isFirst || known.current === standing) {
      known.current = standing;
      return;
    }
    const wait = Math.max(0, askedAt.current + LEAST_MS - Date.now());
    const timer = setTimeout(() => {
      known.current = standing;
      askedAt.current = Date.now();
      void client.invalidateQueries({ queryKey: playerKey(id) });
    }, wait);
    return () => clearTimeout(timer);
  }, [client, id, standing]);
}
