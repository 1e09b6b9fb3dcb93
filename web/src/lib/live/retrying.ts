/** What the end of a connection tells a client to do, see "How a socket ends" in docs/live.md. Pure, but for chance. */

export const ABNORMAL = 1006;
const LEFT = new Set([1000, 1001]);
const RESTART = 1012;
const OVERLOADED = 1013;
/** Of the transport, which the same page would cause again. */
const FAULTS = new Set([1002, 1003, 1007, 1008, 1009, 1010]);
/** A connection that lasted so long was a good one: the back-off begins anew. */
export const STABLE_MS = 30_000;
const LEAST_MS = 500;
const MOST_MS = 20_000;
const OVERLOADED_MS = 5_000;
/** Whoever is only sent elsewhere (4200 to 4299) comes back within this. */
const AT_ONCE_MS = 500;
/** No server keeps a page waiting for longer. */
const LONGEST_MS = 120_000;

/** How a connection, or the attempt at one, has ended. */
export interface Ended {
  readonly code: number;
  readonly reason: string;
  /** How long it was open, ms. */
  readonly lasted: number;
}

export type Verdict =
  /** `asked`: by the server, so that no impatience shortens it. */
  { readonly wait: number; readonly asked: boolean } | { readonly stop: "left" | "fault" };

/** Full jitter: a wait between half a second and a limit that doubles with each attempt, up to 20 s. */
export class Backoff {
  #attempts = 0;

  /** What to do; `retryMs` is what a `bye` said before. */
  after(ended: Ended, retryMs: number | null): Verdict {
    if (ended.lasted >= STABLE_MS) this.#attempts = 0;
    const { code } = ended;
    if (LEFT.has(code)) return { stop: "left" };
    if (FAULTS.has(code) || (code >= 4000 && code < 4100)) return { stop: "fault" };
    const said = retryOf(ended.reason) ?? retryMs;
    if (code === RESTART && said !== null) return { wait: Math.min(Math.max(said, 0), LONGEST_MS), asked: true };
    if (code >= 4200 && code < 4300) return { wait: Math.random() * AT_ONCE_MS, asked: true };
    return { wait: this.#next(code === OVERLOADED ? OVERLOADED_MS : LEAST_MS), asked: false };
  }

  /** Somebody has asked to try again at once. */
  reset(): void {
    this.#attempts = 0;
  }

  #next(least: number): number {
    const limit = Math.max(2 * least, Math.min(MOST_MS, 2 * LEAST_MS * 2 ** this.#attempts));
    this.#attempts = Math.min(this.#attempts + 1, 16);
    return least + Math.random() * (limit - least);
  }
}

function retryOf(reason: string): number | null {
  try {
    const said: unknown = (JSON.parse(reason) as { retry_ms?: unknown } | null)?.retry_ms;
    return typeof said === "number" ? said : null;
  } catch {
    return null;
  }
}
