import { useCallback } from "react";
import { useSearchParams } from "wouter";
import type { BoardFilters } from "@/config/paths";

const NAMES = ["mode", "board", "season", "player"] as const;

/** The filters in the address, and how to change some of them; "" takes one away. */
export function useFilters(): [Partial<BoardFilters>, (change: Partial<BoardFilters>) => void] {
  const [query, setQuery] = useSearchParams();
  const filters: Partial<BoardFilters> = {};
  for (const name of NAMES) {
    const value = query.get(name);
    if (value) filters[name] = value;
  }
  const change = useCallback(
    (wanted: Partial<BoardFilters>) =>
      setQuery(before => {
        const after = new URLSearchParams(before);
        for (const [name, value] of Object.entries(wanted)) {
          if (value) after.set(name, value);
          else after.delete(name);
        }
        return after;
      }),
    [setQuery],
  );
  return [filters, change];
}
