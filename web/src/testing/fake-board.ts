/** The first rows of a board as notifier/streams.py keeps and sends them: labels, a ring of ticks, merged deltas. */
import type { Delta, Entry, Op, Snap } from "@/lib/live/protocol";
import { checksum, inOrder } from "@/lib/live/rows";

const SIZE = 10;
const RING = 6;

export class FakeBoard {
  season = 1;
  readonly players = new Map<string, Entry>();
  /** Every state that there was, by its label. */
  readonly states = new Map<string, Entry[]>();
  label = "";
  /** What each tick of late has touched, and the label before it. */
  #ring: { before: string; touched: Set<string> }[] = [];
  #top: Entry[] = [];

  constructor() {
    this.advance();
  }

  /** Take in what has changed; as a tick does. */
  advance(): void {
    const top = inOrder(this.players.values(), "desc").slice(0, SIZE);
    const label = `${this.season} ${this.players.size} ${JSON.stringify(top)}`;
    if (label === this.label) return;
    const isSameSeason = this.label.split(" ")[0] === String(this.season);
    this.#ring = isSameSeason
      ? [...this.#ring, { before: this.label, touched: touched(this.#top, top) }].slice(-RING)
      : [];
    this.#top = top;
    this.label = label;
    this.states.set(label, top);
  }

  /** Another node, or this one started anew: it knows no past. */
  forget(): void {
    this.#ring = [];
  }

  knows(off: string | undefined): boolean {
    return off === this.label || this.#ring.some(step => step.before === off);
  }

  /** What leads from a label to the present; nothing where it is the present. */
  since(off: string | undefined): (Snap | Delta)[] {
    if (off === this.label) return [];
    const from = this.#ring.findIndex(step => step.before === off);
    const head = { ch: CHANNEL, off: this.label, ts: Date.now(), total: this.players.size };
    if (from < 0 || off === undefined) {
      const about = { season: String(this.season), order: "desc", ties: "shared", operator: "sum", base: 1 } as const;
      return [{ t: "snap", ...head, ...about, rows: this.#top }];
    }
    const steps = this.#ring.slice(from);
    const all = new Set(steps.flatMap(step => [...step.touched]));
    const up = this.#top.filter(([id]) => all.has(id));
    const rm = [...all].filter(id => !this.#top.some(entry => entry[0] === id));
    return [{ t: "d", prev: off, ...head, up, rm, ...(steps.length > 1 ? { h: checksum(this.#top) } : {}) }];
  }

  /** The answers to what a client has sent. */
  answer(op: Op): object[] {
    if (op.op === "hello") return [hi(op.id)];
    if (op.op !== "sub") return [];
    const recovered = op.off !== undefined && this.knows(op.off);
    return [{ t: "ok", id: op.id, ch: CHANNEL, n: SIZE, recovered }, ...this.since(recovered ? op.off : undefined)];
  }
}

export const CHANNEL = "top:10:classic";

/** A greeting. */
export function hi(id: number, now = Date.now()): object {
  return { t: "hi", id, v: "lb.v1", sid: "5f3c9a01", ping: 25, tick: 100, now, lim: {} };
}

function touched(before: Entry[], after: Entry[]): Set<string> {
  const old = new Map(before.map(entry => [entry[0], JSON.stringify(entry)]));
  const changed = after.filter(entry => old.get(entry[0]) !== JSON.stringify(entry)).map(entry => entry[0]);
  const left = before.map(entry => entry[0]).filter(id => !after.some(entry => entry[0] === id));
  return new Set([...changed, ...left]);
}
