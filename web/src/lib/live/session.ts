/** The protocol: what to send, and what is known, given what was received. Pure: no socket, no clock. */
import { Held } from "./held";
import { Lag } from "./lag";
import type { Polled } from "./polling";
import {
  type Around,
  type Delta,
  decode,
  type Err,
  type Frame,
  type Hi,
  type Me,
  type Ok,
  type Op,
  type Snap,
  type Sub,
} from "./protocol";

/** What is watched, and what is known of it; kept while nobody watches, so that watching again resumes. */
export class Watched {
  readonly sub: Sub;
  readonly key: string;
  /** Of a `top`. */
  readonly held = new Held();
  /** Of the others: the last one. */
  latest: Me | Around | null = null;
  /** What was asked for while there was no socket; newer than the others where it is there. */
  polled: Polled | null = null;
  /** Why the server does not send it. */
  refused: Err | null = null;
  /** What has to happen before a delta counts. */
  awaiting: "asking" | "ok" | "snap" | null = "asking";
  /** Whether the next frame is news, not what was missed before. */
  isCaughtUp = false;

  constructor(sub: Sub) {
    this.sub = sub;
    this.key = keyOf(sub);
  }
}

/** Equal for subscriptions that are the same channel. */
export function keyOf(sub: Sub): string {
  return Object.values(sub).join(" ");
}

/** The watched over any number of connections. */
export class Session {
  readonly counts = { connections: 0, snaps: 0, deltas: 0, resumed: 0, gaps: 0, mismatches: 0 };
  readonly lag = new Lag();
  /** What the server has said hello with, on this connection. */
  greeting: Hi | null = null;
  /** When to come back, as the server has said before it stops. */
  retryMs: number | null = null;
  readonly #watched = new Map<string, Watched>();
  readonly #asked = new Map<number, Watched>();
  readonly #channels = new Map<string, Watched>();
  readonly #left = new Set<string>();
  #owesHello = false;
  #owesPong = false;
  #lastId = 0;

  get watched(): Iterable<Watched> {
    return this.#watched.values();
  }

  add(watched: Watched): void {
    watched.awaiting = "asking";
    this.#watched.set(watched.key, watched);
  }

  drop(watched: Watched): void {
    this.#watched.delete(watched.key);
    for (const [channel, other] of this.#channels) {
      if (other !== watched) continue;
      this.#channels.delete(channel);
      this.#left.add(channel);
    }
  }

  /** The connection is gone. */
  shut(): void {
    this.greeting = this.retryMs = null;
    this.lag.reset();
  }

  /** A connection is to be made; it resumes what is held. */
  open(): void {
    this.counts.connections += 1;
    this.shut();
    this.#channels.clear();
    this.#asked.clear();
    this.#left.clear();
    this.#owesHello = true;
    this.#owesPong = false;
    for (const each of this.#watched.values()) each.awaiting = "asking";
  }

  /** What there is to say, in order, up to a number of objects. */
  say(most: number): Op[] {
    const ops: Op[] = [];
    if (this.#owesHello && ops.length < most) {
      this.#owesHello = false;
      ops.push({ op: "hello", id: this.#nextId() });
    }
    if (this.#owesPong && ops.length < most) {
      this.#owesPong = false;
      ops.push({ op: "pong" });
    }
    for (const ch of this.#left) {
      if (ops.length >= most) return ops;
      this.#left.delete(ch);
      ops.push({ op: "unsub", id: this.#nextId(), ch });
    }
    for (const each of this.#watched.values()) {
      if (ops.length >= most) return ops;
      if (each.awaiting === "asking") ops.push(this.#ask(each));
    }
    return ops;
  }

  /** Whether there is anything to say. */
  get hasMore(): boolean {
    if (this.#owesHello || this.#owesPong || this.#left.size > 0) return true;
    return [...this.#watched.values()].some(each => each.awaiting === "asking");
  }

  /** Take a message in; what has changed by it. Throws NotTheProtocol. */
  take(message: unknown, now: number): Set<Watched> {
    const changed = new Set<Watched>();
    for (const frame of decode(message)) this.#take(frame, now, changed);
    return changed;
  }

  /** Take in what REST says meanwhile. */
  poll(watched: Watched, polled: Polled): void {
    watched.polled = polled;
    watched.refused = null;
    // From here a label would lead back: what it names is older than what is shown.
    watched.held.off = null;
  }

  #take(frame: Frame, now: number, changed: Set<Watched>): void {
    switch (frame.t) {
      case "hi":
        this.greeting = frame;
        this.lag.sync(frame.now, now);
        break;
      case "ok":
        this.#answered(frame, changed);
        break;
      case "err":
        this.#refused(frame, changed);
        break;
      case "bye":
        this.retryMs = frame.retry_ms;
        break;
      case "p":
        this.#owesPong = true;
        this.lag.sync(frame.now, now);
        this.#compare(frame.off);
        break;
      default:
        this.#news(frame, now, changed);
    }
  }

  #answered(ok: Ok, changed: Set<Watched>): void {
    const watched = this.#asked.get(ok.id);
    if (watched === undefined) return;
    this.#asked.delete(ok.id);
    if (this.#watched.get(watched.key) !== watched) {
      // Left before it was answered; another one with this key may have asked for the same channel since.
      if (!this.#watched.has(watched.key)) this.#left.add(ok.ch);
      return;
    }
    this.#channels.set(ok.ch, watched);
    if (watched.refused !== null) changed.add(watched);
    watched.refused = null;
    watched.isCaughtUp = false;
    watched.awaiting = ok.recovered === false ? "snap" : null;
    if (ok.recovered === true) this.counts.resumed += 1;
  }

  #refused(err: Err, changed: Set<Watched>): void {
    const watched = err.id === null ? undefined : this.#asked.get(err.id);
    if (err.id === null || watched === undefined) return;
    this.#asked.delete(err.id);
    watched.awaiting = null;
    watched.refused = err;
    changed.add(watched);
  }

  #news(frame: Snap | Delta | Me | Around, now: number, changed: Set<Watched>): void {
    const watched = this.#channels.get(frame.ch);
    if (watched === undefined || !this.#holds(watched, frame)) return;
    if (watched.isCaughtUp && frame.t !== "snap") this.lag.measure(frame.ts, now);
    watched.isCaughtUp = true;
    watched.polled = null;
    changed.add(watched);
  }

  /** Take a state in; whether it counts. */
  #holds(watched: Watched, frame: Snap | Delta | Me | Around): boolean {
    switch (frame.t) {
      case "snap":
        this.counts.snaps += 1;
        watched.held.replace(frame);
        if (watched.awaiting === "snap") watched.awaiting = null;
        return true;
      case "d":
        return this.#applies(watched, frame);
      default:
        watched.latest = frame;
        return true;
    }
  }

  #applies(watched: Watched, delta: Delta): boolean {
    const { held } = watched;
    if (watched.awaiting !== null || delta.off === held.off) return false;
    if (delta.prev !== held.off) {
      this.counts.gaps += 1;
      watched.awaiting = "asking";
      return false;
    }
    this.counts.deltas += 1;
    if (held.apply(delta)) return true;
    this.counts.mismatches += 1;
    held.off = null;
    watched.awaiting = "asking";
    return false;
  }

  /** Ask for the boards of which another state was sent than the one held. */
  #compare(labels: Record<string, string>): void {
    for (const [channel, off] of Object.entries(labels)) {
      const watched = this.#channels.get(channel);
      const isAsked = watched?.awaiting === "asking" || watched?.awaiting === "ok";
      if (watched === undefined || isAsked || watched.held.off === off) continue;
      this.counts.gaps += 1;
      watched.awaiting = "asking";
    }
  }

  #ask(watched: Watched): Op {
    const id = this.#nextId();
    this.#asked.set(id, watched);
    watched.awaiting = "ok";
    const { off } = watched.held;
    return { op: "sub", id, ...watched.sub, ...(off === null ? {} : { off }) };
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}
