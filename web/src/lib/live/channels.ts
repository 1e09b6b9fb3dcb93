/** Stores of what is watched, shared by whoever watches the same, and filled once an animation frame. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Sub } from "./protocol";
import { keyOf, type Session, Watched } from "./session";

/** A subscription. Its store keeps what it had while nobody watches. */
export interface Channel<S> {
  readonly store: StoreApi<S>;
  /** Watch it, until the function that is returned is called. */
  open(): () => void;
}

/** As many as the server allows a socket. */
const MOST_WATCHED = 8;
/** Who leaves a page for the next often watches the same there. */
const LINGER_MS = 2_000;
/** Kept though nobody watches. */
const MOST_KEPT = 32;

interface Kept {
  readonly watched: Watched;
  readonly channel: Channel<unknown>;
  readonly publish: () => void;
  watchers: number;
  lingering: ReturnType<typeof setTimeout> | undefined;
}

export class Channels {
  readonly #session: Session;
  readonly #flush: () => void;
  readonly #kept = new Map<string, Kept>();
  readonly #dirty = new Set<Watched>();
  #frame: number | null = null;

  constructor(session: Session, flush: () => void) {
    this.#session = session;
    this.#flush = flush;
  }

  /** The channel of a subscription; `stateOf` makes what its store shows. */
  channel<S>(sub: Sub, start: S, stateOf: (watched: Watched, before: S) => S): Channel<S> {
    const key = keyOf(sub);
    const known = this.#kept.get(key);
    if (known !== undefined) return known.channel as Channel<S>;
    this.#forget();
    const watched = new Watched(sub);
    const store = createStore<S>(() => start);
    const publish = () => store.setState(stateOf(watched, store.getState()), true);
    const channel: Channel<S> = { store, open: () => this.#open(kept) };
    const kept: Kept = { watched, channel, publish, watchers: 0, lingering: undefined };
    this.#kept.set(key, kept);
    return channel;
  }

  /** These have changed; who watches them sees it at the next frame. */
  publish(changed: Iterable<Watched>): void {
    for (const each of changed) this.#dirty.add(each);
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      for (const each of dirty) this.#kept.get(each.key)?.publish();
    });
  }

  #open(kept: Kept): () => void {
    kept.watchers += 1;
    if (kept.watchers === 1) this.#watch(kept);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      kept.watchers -= 1;
      if (kept.watchers === 0) kept.lingering = setTimeout(() => this.#leave(kept), LINGER_MS);
    };
  }

  #watch(kept: Kept): void {
    this.#kept.set(kept.watched.key, kept); // it may have been forgotten between being found and opened
    if (kept.lingering !== undefined) {
      clearTimeout(kept.lingering);
      kept.lingering = undefined;
      return;
    }
    if ([...this.#session.watched].length >= MOST_WATCHED) {
      for (const other of this.#kept.values()) if (other.lingering !== undefined) this.#leave(other);
    }
    this.#session.add(kept.watched);
    this.#flush();
  }

  #leave(kept: Kept): void {
    clearTimeout(kept.lingering);
    kept.lingering = undefined;
    this.#session.drop(kept.watched);
    this.#flush();
  }

  #forget(): void {
    for (const [key, kept] of this.#kept) {
      if (this.#kept.size < MOST_KEPT) return;
      if (kept.watchers === 0 && kept.lingering === undefined) this.#kept.delete(key);
    }
  }
}
