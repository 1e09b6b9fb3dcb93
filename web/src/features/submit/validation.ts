import { number } from "@/lib/format";
import { isPlayerId } from "@/lib/identity";

/** Bounds of a single score, as the boards of its mode have them. */
export interface Bounds {
  minimum: number;
  maximum: number;
}

/** Why a player id will not do; null when it will. */
export function playerError(text: string): string | null {
  if (text === "") return "Choose a name to play as";
  if (text.length > 64) return "At most 64 characters";
  return isPlayerId(text) ? null : "Letters, digits and . _ : - only, no spaces";
}

/** A score from what was typed, or why it is none. */
export function parseScore(text: string, { minimum, maximum }: Bounds): { score: number } | { error: string } {
  if (text.trim() === "") return { error: "Enter a score" };
  if (!/^\s*[+-]?[0-9]+\s*$/.test(text)) return { error: "A whole number, without separators" };
  const score = Number(text);
  if (!Number.isSafeInteger(score)) return { error: "Beyond what can be counted exactly" };
  if (score < minimum) return { error: `At least ${number(minimum)}` };
  if (score > maximum) return { error: `At most ${number(maximum)}` };
  return { score };
}

/** What at least one of the boards takes. */
export function boundsOf(boards: readonly { definition: { minimum?: number; maximum?: number } }[]): Bounds {
  const of = boards.map(board => board.definition);
  return {
    minimum: Math.min(...of.map(each => each.minimum ?? 1)),
    maximum: Math.max(...of.map(each => each.maximum ?? Number.MAX_SAFE_INTEGER)),
  };
}
