/** The connection that is kept: made again, given up, paused, or replaced by polling. */
import { createStore, type StoreApi } from "zustand/vanilla";
import { Allowance, NEXT_MS } from "./allowance";
import { LAG_HOLDS_MS } from "./lag";
import { Poller, type Read } from "./polling";
import { encode } from "./protocol";
import { Backoff, type Ended } from "./retrying";
import type { Session, Watched } from "./session";
import { type Connection, connect } from "./socket";
import { type End, endOf, START, type Status, statusOf } from "./status";

/** To connect and to be greeted; and beyond the time of a ping until a silent connection counts as dead. */
const PATIENCE_MS = 10_000;
/** Attempts without a greeting until polling begins. */
const POLL_AFTER = 3;

type Timer = ReturnType<typeof setTimeout>;

export class Link {
  readonly status: StoreApi<Status> = createStore(() => START);
  readonly #url: string;
  readonly #session: Session;
  readonly #changed: (changed: Set<Watched>) => void;
  readonly #poller: Poller;
  readonly #backoff = new Backoff();
  #allowance = new Allowance();
  #connection: Connection | null = null;
  #isOpen = false;
  #isPaused = false;
  #isOffline = false;
  #end: End | null = null;
  #failures = 0;
  #heardAt: number | null = null;
  /** The next attempt, and whether the server has asked for the wait. */
  #next: { readonly at: number; readonly asked: boolean; readonly timer: Timer } | null = null;
  #more: Timer | undefined;
  #look: Timer | undefined;

  constructor(url: string, session: Session, read: Read, changed: (changed: Set<Watched>) => void) {
    this.#url = url;
    this.#session = session;
    this.#changed = changed;
    this.#poller = new Poller(read, session, polled => {
      this.#heardAt = this.#poller.heardAt ?? this.#heardAt;
      changed(polled);
      this.#tell();
    });
  }

  /** Connect now, whatever was before. */
  connect(): void {
    this.#disconnect();
    this.#end = null;
    this.#isPaused = false;
    this.#session.open();
    this.#allowance = new Allowance();
    this.#connection = connect(this.#url, () => this.#patience(), {
      opened: () => {
        this.#isOpen = true;
        this.flush();
      },
      heard: message => this.#heard(message),
      ended: ended => this.#ended(ended),
    });
    this.#tell();
  }

  /** A person asks for another attempt. */
  retry(): void {
    this.#backoff.reset();
    this.connect();
  }

  /** It is worth trying now, unless the server has said when, or that never. */
  hurry(): void {
    if (this.#isPaused || this.#next?.asked === false) this.connect();
  }

  /** The network is gone, or so it is said: until something is heard, it is. */
  loseNetwork(): void {
    this.#isOffline = true;
    this.#tell();
  }

  /** The network is back; a connection from before may never say that it is dead. */
  regainNetwork(): void {
    const isDoubtful = this.#isOffline && this.#connection !== null;
    this.#isOffline = false;
    if (isDoubtful) this.connect();
    else this.hurry();
    this.#tell();
  }

  /** Nobody looks: give the socket back until `hurry`. */
  pause(): void {
    if (this.#end !== null) return;
    this.#disconnect();
    this.#poller.stop();
    this.#isPaused = true;
    this.#tell();
  }

  /** For ever. */
  close(): void {
    this.#disconnect();
    this.#poller.stop();
    clearTimeout(this.#look);
  }

  /** Say what there is to say. */
  flush(): void {
    if (!this.#isOpen) return;
    clearTimeout(this.#more);
    const ops = this.#session.say(this.#allowance.at(Date.now()));
    this.#allowance.spend(ops.length);
    if (ops.length > 0) this.#connection?.send(encode(ops));
    if (this.#session.hasMore) this.#more = setTimeout(() => this.flush(), NEXT_MS);
  }

  #heard(message: unknown): void {
    const now = Date.now();
    let changed: Set<Watched>;
    try {
      changed = this.#session.take(message, now);
    } catch (error) {
      this.#stop(endOf("fault", null, `what the server sent is not lb.v1: ${error}`));
      return;
    }
    this.#heardAt = now;
    this.#isOffline = false;
    if (this.#session.greeting !== null) {
      this.#failures = 0;
      this.#poller.stop();
    }
    this.flush();
    if (changed.size > 0) this.#changed(changed);
    this.#tell();
  }

  #ended(ended: Ended): void {
    const { retryMs, greeting } = this.#session;
    this.#disconnect();
    const verdict = this.#backoff.after(ended, retryMs);
    if ("stop" in verdict) {
      this.#stop(endOf(verdict.stop, ended.code, ended.reason));
      return;
    }
    if (greeting === null) this.#failures += 1;
    if (this.#failures >= POLL_AFTER) this.#poller.start();
    const timer = setTimeout(() => this.connect(), verdict.wait);
    this.#next = { at: Date.now() + verdict.wait, asked: verdict.asked, timer };
    this.#tell();
  }

  #stop(end: End): void {
    this.#disconnect();
    this.#poller.stop();
    this.#end = end;
    this.#tell();
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = null;
    this.#isOpen = false;
    this.#session.shut();
    clearTimeout(this.#next?.timer);
    clearTimeout(this.#more);
    this.#next = null;
  }

  #patience(): number {
    return PATIENCE_MS + (this.#session.greeting?.ping ?? 0) * 1100;
  }

  #tell(): void {
    const now = Date.now();
    const { lag, greeting } = this.#session;
    const facts = {
      end: this.#end,
      isPaused: this.#isPaused,
      isGreeted: greeting !== null,
      isOffline: this.#isOffline,
      isPolling: this.#poller.heardAt !== null,
      heardAt: this.#heardAt,
      retryAt: this.#next?.at ?? null,
      behindMs: lag.recent(now),
    };
    const before = this.status.getState();
    const after = statusOf(facts, before, now);
    if (after !== before) this.status.setState(after, true);
    clearTimeout(this.#look);
    // Nothing more may come, so that nobody else would say that the delay is over.
    if (after.kind === "delayed") this.#look = setTimeout(() => this.#tell(), LAG_HOLDS_MS);
  }
}
