/** What is asked for every few seconds where no socket is to be had. */
import type { Row } from "./rows";
import type { Session, Watched } from "./session";

/** What REST says of a subscription. */
export interface Polled {
  readonly season: string;
  readonly total: number;
  /** Of a `top` and an `around`. */
  readonly rows: readonly Row[];
  /** Of a `me` and an `around`; null: not ranked. */
  readonly rank: number | null;
  readonly score: number | null;
}

export type Read = (sub: Watched["sub"], signal: AbortSignal) => Promise<Polled>;

const EVERY_MS = 5_000;
const MOST_MS = 30_000;
const PATIENCE_MS = 10_000;

export class Poller {
  /** When an answer came last, while polling; null: none has. */
  heardAt: number | null = null;
  readonly #read: Read;
  readonly #session: Session;
  readonly #told: (changed: Set<Watched>) => void;
  #wait = EVERY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #polling: AbortController | null = null;

  constructor(read: Read, session: Session, told: (changed: Set<Watched>) => void) {
    this.#read = read;
    this.#session = session;
    this.#told = told;
  }

  start(): void {
    if (this.#polling !== null) return;
    this.#polling = new AbortController();
    this.#wait = EVERY_MS;
    void this.#round(this.#polling.signal);
  }

  stop(): void {
    this.#polling?.abort();
    this.#polling = this.heardAt = null;
    clearTimeout(this.#timer);
  }

  async #round(stopped: AbortSignal): Promise<void> {
    const watched = [...this.#session.watched];
    const bounded = AbortSignal.any([stopped, AbortSignal.timeout(PATIENCE_MS)]);
    const found = await Promise.allSettled(watched.map(each => this.#read(each.sub, bounded)));
    if (stopped.aborted) return;
    const changed = new Set<Watched>();
    found.forEach((one, at) => {
      const each = watched[at];
      if (one.status !== "fulfilled" || each === undefined) return;
      this.#session.poll(each, one.value);
      changed.add(each);
    });
    const isFine = changed.size > 0 || watched.length === 0;
    if (isFine) this.heardAt = Date.now();
    this.#wait = isFine ? EVERY_MS : Math.min(MOST_MS, this.#wait * 2);
    // Apart from each other, or all the pages that a full node refuses ask at once.
    this.#timer = setTimeout(() => void this.#round(stopped), this.#wait * (0.8 + 0.4 * Math.random()));
    this.#told(changed);
  }
}
