import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLive, type TopState } from "@/lib/live";
import type { Entry } from "@/lib/live/protocol";
import { FakeBoard } from "@/testing/fake-board";
import { type FakeSocket, stubSocket } from "@/testing/fake-socket";

const PLAYERS = Array.from({ length: 14 }, (_, at) => `p${at}`);
const FRAME_MS = 20;

type Step =
  | { do: "change"; player: string; value: number | null }
  | { do: "tick" | "read" | "lose" | "double" | "delay" | "ping" | "season" | "forget" | "cut" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      player: fc.constantFrom(...PLAYERS),
      value: fc.option(fc.integer({ min: 1, max: 6 })),
    }),
  },
  { weight: 6, arbitrary: fc.constantFrom({ do: "tick" as const }) },
  { weight: 6, arbitrary: fc.constantFrom({ do: "read" as const }) },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      ...(["lose", "double", "delay", "ping", "season", "forget", "cut"] as const).map(each => ({ do: each })),
    ),
  },
);

/** A server with one board and one socket, and what is on its way to the client. */
class Run {
  readonly board = new FakeBoard();
  readonly store = live.top("classic", 10).store;
  #clock = 0;
  #onTheWay: object[][] = [];
  #socket: FakeSocket | null = null;
  #heard = 0;
  #sent: string | undefined;

  take(step: Step): void {
    switch (step.do) {
      case "change":
        this.change(step.player, step.value);
        break;
      case "tick":
        this.tick();
        break;
      case "read":
        this.deliver(this.#onTheWay.shift());
        break;
      case "lose":
        this.deliver(this.#onTheWay.shift()?.filter(frame => !isState(frame)));
        break;
      case "double": {
        const message = this.#onTheWay.shift();
        this.deliver(message);
        this.deliver(message?.filter(isState));
        break;
      }
      case "delay":
        this.#onTheWay.splice(1, 0, ...this.#onTheWay.splice(0, 1));
        break;
      case "ping":
        this.ping();
        break;
      case "season":
        this.board.season += 1;
        this.board.players.clear();
        break;
      case "forget":
        this.board.forget();
        break;
      case "cut":
        this.#socket?.end(1006);
        while (sockets() === this.#socket) vi.advanceTimersByTime(100);
        this.pass(0);
    }
  }

  change(player: string, value: number | null): void {
    this.#clock += 1;
    const entry: Entry = [player, value ?? 0, this.#clock, value === 5 ? "Ann Ö" : null];
    if (value === null) this.board.players.delete(player);
    else this.board.players.set(player, entry);
    if (this.#clock % 2 === 0) this.board.advance(); // some ticks of the board pass without one of this socket
  }

  tick(): void {
    this.board.advance();
    if (this.#sent === undefined || this.#sent === this.board.label) return;
    this.send(this.board.since(this.#sent));
  }

  ping(): void {
    if (this.#socket === null) return;
    this.#onTheWay.push([
      { t: "p", now: Date.now(), off: this.#sent === undefined ? {} : { "top:10:classic": this.#sent } },
    ]);
  }

  send(frames: object[]): void {
    this.#onTheWay.push(frames);
    if (frames.some(isState)) this.#sent = this.board.label;
  }

  deliver(message: object[] | undefined): void {
    if (message !== undefined && message.length > 0) this.#socket?.say(...message);
    this.pass(FRAME_MS);
  }

  /** Time goes by; the server accepts who connects, and answers. */
  pass(ms: number): void {
    vi.advanceTimersByTime(ms);
    const socket = sockets();
    if (socket !== this.#socket) {
      [this.#socket, this.#onTheWay, this.#heard, this.#sent] = [socket, [], 0, undefined];
      socket.onopen?.();
    }
    const asked = socket.sent.slice(this.#heard);
    this.#heard = socket.sent.length;
    for (const op of asked) {
      const frames = this.board.answer(op);
      if (op.op === "sub") this.#sent = this.board.label;
      if (frames.length > 0) this.#onTheWay.push(frames);
    }
  }

  /** Everything that is on the way comes. */
  drain(): void {
    while (this.#onTheWay.length > 0) this.deliver(this.#onTheWay.shift());
  }
}

let sockets: () => FakeSocket;
let live: ReturnType<typeof createLive>;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_795_000_000_000 });
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => setTimeout(run, 16));
  sockets = stubSocket();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("whatever is lost, doubled or late on the way, the rows end as the server's, and are never any that it had not", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), steps => {
      live = createLive("ws://test/ws/v1", never);
      const run = new Run();
      const close = live.top("classic", 10).open();
      const stop = live.start();
      const had = () => [...run.board.states.values()].map(key);
      run.pass(0);
      for (const each of steps) {
        run.take(each);
        const shown = run.store.getState();
        if (shown.source !== null) expect(had()).toContain(key(entriesOf(shown)));
      }
      for (let round = 0; round < 4; round++) {
        run.tick();
        run.drain();
        run.ping();
        run.drain();
      }
      expect(key(entriesOf(run.store.getState()))).toEqual(key(run.board.states.get(run.board.label) ?? []));
      expect(run.store.getState().season).toBe(String(run.board.season));
      expect(live.status.getState().kind).toBe("live");
      expect(live.counts.mismatches).toBe(0);
      close();
      stop();
    }),
    { numRuns: 300 },
  );
});

const never = () => new Promise<never>(() => undefined);
const key = (entries: readonly Entry[]) => JSON.stringify(entries);
const isState = (frame: object) => "t" in frame && (frame.t === "d" || frame.t === "snap");
const entriesOf = ({ ids, rows }: TopState): Entry[] =>
  ids.flatMap((id): Entry[] => {
    const row = rows.get(id);
    return row === undefined || row.reached === null ? [] : [[row.id, row.value, row.reached, row.name]];
  });
