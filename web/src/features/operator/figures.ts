import type { Freshness, LoggedEvent } from "./api/operations";

type Counts = Freshness["board"];

/** The bound, in ms, that a share of writes is at most; null: there are none, or it is above all bounds. */
export function ageAt(counts: Counts, share: number): number | null {
  const all = counts.reduce((sum, { writes }) => sum + writes, 0);
  let below = 0;
  for (const { up_to_ms, writes } of counts) {
    below += writes;
    if (writes > 0 && below >= all * share) return up_to_ms;
  }
  return null;
}

/** What a fact says, in words. */
export function summaryOf(event: LoggedEvent, number: (value: number) => string): string {
  const { score, game_mode, board_id, season, reason, target, entries } = event;
  const said = [
    score !== null && `${number(score)} points`,
    game_mode !== null && `in ${game_mode}`,
    board_id !== null && `board ${board_id}`,
    season !== null && `season ${season}`,
    reason !== null && `for ${reason}`,
    target !== null && `of ${target}`,
    entries !== null && `rows ${entries}`,
  ];
  return said.filter(Boolean).join(" · ");
}
