/** The server's clock, and how far what is shown is behind it. */

/** How long a late message counts as the state of things. */
export const LAG_HOLDS_MS = 5_000;

export class Lag {
  #ms: number | null = null;
  #at = 0;
  #ahead: number | null = null;

  /** A new connection, perhaps to another node. */
  reset(): void {
    this.#ms = this.#ahead = null;
  }

  /** The server has said what time it is; of what came late, the least late is the truest. */
  sync(serverNow: number, now: number): void {
    this.#ahead = Math.max(this.#ahead ?? Number.NEGATIVE_INFINITY, serverNow - now);
  }

  /** A frame reflects the log up to `ts`. */
  measure(ts: number, now: number): void {
    if (this.#ahead === null) return;
    this.#ms = Math.max(0, now + this.#ahead - ts);
    this.#at = now;
  }

  /** Ms that the last message was behind; null where there was none of late, or none that could tell. */
  recent(now: number): number | null {
    return now - this.#at < LAG_HOLDS_MS ? this.#ms : null;
  }

  /** The time of the server, ms since 1970. */
  serverNow(now: number): number {
    return now + (this.#ahead ?? 0);
  }
}
