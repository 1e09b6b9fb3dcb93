import type { Schema } from "@/lib/api";
import { Problem } from "@/lib/problem";

export type Counted = Schema<"SubmitAnswer">;

/** How far a submission is. */
export type Progress =
  | { kind: "sending"; attempt: number }
  /** The next attempt is made in `wait` milliseconds, with the same key. */
  | { kind: "waiting"; wait: number; why: string }
  | { kind: "counted"; answer: Counted }
  | { kind: "failed"; problem: Problem };

/** One attempt; null: in the log, and not known yet what it did. Throws Problem. */
export type Send = () => Promise<Counted | null>;

export interface Chance {
  /** Resolves after so many milliseconds. */
  sleep: (wait: number) => Promise<void>;
  /** 0 to 1. */
  random: () => number;
}

export const MOST_ATTEMPTS = 8;
const SHORTEST = 400;
const LONGEST = 10_000;

/** Attempts until it is known what became of the score. Each is the same to the server, which knows it by its key. */
export async function submit(send: Send, tell: (progress: Progress) => void, chance: Chance): Promise<Progress> {
  for (let attempt = 1; ; attempt++) {
    tell({ kind: "sending", attempt });
    const result = await send().catch((error: unknown) => asProblem(error));
    if (result !== null && !(result instanceof Problem)) return told(tell, { kind: "counted", answer: result });
    const problem = result ?? new Problem(202, "accepted", "In the log, not counted yet");
    if (!(problem.passing || problem.status === 202) || attempt === MOST_ATTEMPTS)
      return told(tell, { kind: "failed", problem });
    const wait = waitAfter(problem, attempt, chance.random());
    tell({ kind: "waiting", wait, why: problem.message });
    await chance.sleep(wait);
  }
}

/** Milliseconds until the next attempt: as the server asks, else doubled each time, anywhere below that. */
export function waitAfter(problem: Problem, attempt: number, random: number): number {
  const wait = problem.retryAfter ?? random * Math.min(LONGEST, SHORTEST * 2 ** attempt);
  return Math.min(60_000, Math.max(100, wait));
}

function told(tell: (progress: Progress) => void, progress: Progress): Progress {
  tell(progress);
  return progress;
}

function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(500, "page", "An error of this page");
}
