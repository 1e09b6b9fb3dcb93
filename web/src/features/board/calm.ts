import { createStore } from "zustand/vanilla";
import { measureCost } from "./cost";
import { advance, countChanges, firstShown, isSameList, MARKED, type Shown, settle, type Visible } from "./moves";
import type { Source, Standing } from "./rows";

/** Milliseconds between two reorders at least: about two a second, however fast the scores come. */
export const PACE = 450;
/** And at most, however long a reorder takes. */
export const SLOWEST = 2000;
/** A reorder has so many times its own duration until the next one, so that the page stays free for its reader. */
export const REST = 8;

/** What there is to see. */
export interface Calmed {
  shown: Shown | null;
  /** Rows that would change if the table were not held. */
  waiting: number;
}

/** The latest rows, not faster than can be followed, and not at all while the table is held. Knows no React. */
export class Calm {
  readonly store = createStore<Calmed>(() => ({ shown: null, waiting: 0 }));
  readonly #look: () => Visible;
  readonly #measure: typeof measureCost;
  #source: Source | null = null;
  #isHeld = false;
  #due = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settling: ReturnType<typeof setTimeout> | undefined;

  /** `look` tells what is on the screen; it is asked once a reorder. */
  constructor(look: () => Visible, measure: typeof measureCost = measureCost) {
    this.#look = look;
    this.#measure = measure;
  }

  /** Show these rows, until the function that is returned is called. */
  follow(source: Source): () => void {
    this.#source = source;
    const deaf = source.subscribe(() => this.#hear());
    this.#hear();
    return () => {
      deaf();
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#source = null;
    };
  }

  /** Let nothing move, or let it move again. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (!isHeld && this.store.getState().waiting > 0) this.#hear();
  }

  /** Show the latest now, once, although it is held. */
  release(): void {
    const latest = this.#source?.latest();
    if (latest) this.#show(latest);
  }

  /** The first news after a while is shown at once; what follows is looked at when it is due, all together. */
  #hear(): void {
    if (this.#timer !== undefined) return;
    const wait = this.#due - performance.now();
    if (wait <= 0) this.#publish();
    else
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#hear();
      }, wait);
  }

  #publish(): void {
    const latest = this.#source?.latest();
    if (!latest) return;
    const { shown } = this.store.getState();
    if (shown === null || !this.#isHeld || !isSameList(shown.standing, latest)) {
      this.#show(latest);
    } else {
      this.#due = performance.now() + PACE;
      this.store.setState({ waiting: countChanges(shown.standing, latest) });
    }
  }

  #show(latest: Standing): void {
    const { shown } = this.store.getState();
    const began = performance.now();
    this.#due = began + PACE;
    if (shown !== null) this.#measure(cost => this.#rest(began, cost));
    const next = shown === null ? firstShown(latest, Date.now()) : advance(shown, latest, Date.now(), this.#look());
    this.store.setState({ shown: next, waiting: 0 });
    clearTimeout(this.#settling);
    if (next.marks.size > 0) this.#settling = setTimeout(() => this.#settle(), MARKED);
  }

  #rest(began: number, cost: number): void {
    this.#due = Math.max(this.#due, began + Math.min(SLOWEST, REST * cost));
  }

  #settle(): void {
    const { shown } = this.store.getState();
    if (shown !== null) this.store.setState({ shown: settle(shown, Date.now()) });
  }
}
