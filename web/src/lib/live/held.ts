/** The first rows of a board as the stream has them, in no order, with the label of their state. */
import type { Delta, Entry, Snap } from "./protocol";
import { checksum, inOrder } from "./rows";

export class Held {
  /** The label; null: there is none to go on from. */
  off: string | null = null;
  /** The last `snap`, for what no delta changes. */
  about: Omit<Snap, "rows"> | null = null;
  ts = 0;
  total = 0;
  #entries = new Map<string, Entry>();

  /** Take a whole state. */
  replace(snap: Snap): void {
    const { rows, ...about } = snap;
    this.about = about;
    this.#entries = new Map(rows.map(entry => [entry[0], entry]));
    this.#hold(snap);
  }

  /** Take what has changed since the label held; whether the checksum, where there is one, is right. */
  apply(delta: Delta): boolean {
    for (const id of delta.rm) this.#entries.delete(id);
    for (const entry of delta.up) this.#entries.set(entry[0], entry);
    this.#hold(delta);
    return delta.h === undefined || delta.h === checksum(this.ordered());
  }

  /** Best first. */
  ordered(): Entry[] {
    return inOrder(this.#entries.values(), this.about?.order ?? "desc");
  }

  #hold({ off, ts, total }: Snap | Delta): void {
    this.off = off;
    this.ts = ts;
    this.total = total;
  }
}
