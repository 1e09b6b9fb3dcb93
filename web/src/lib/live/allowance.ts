/** How many objects may be sent now, so that the server never closes for too many (4129). */

/** What the server allows is 20 at once and 10 a second. */
const BURST = 16;
const A_SECOND = 8;

export class Allowance {
  #left = BURST;
  #at = 0;

  /** How many at this time. */
  at(now: number): number {
    this.#left = Math.min(BURST, this.#left + (Math.max(0, now - this.#at) * A_SECOND) / 1000);
    this.#at = now;
    return Math.floor(this.#left);
  }

  /** So many were sent. */
  spend(objects: number): void {
    this.#left -= objects;
  }
}

/** Until there is one more at the latest, ms. */
export const NEXT_MS = 1000 / A_SECOND;
