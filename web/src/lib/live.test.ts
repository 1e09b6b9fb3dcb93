import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLive, type Live } from "@/lib/live";
import type { Polled } from "@/lib/live/polling";
import { hi } from "@/testing/fake-board";
import { FakeSocket, stubSocket } from "@/testing/fake-socket";

const NOW = 1_795_000_000_000;
const CH = "top:10:classic";
const SNAP = {
  t: "snap",
  ch: CH,
  season: "all",
  order: "desc",
  ties: "first_to_reach",
  operator: "sum",
  base: 1,
  off: "one",
  ts: NOW - 60_000,
  total: 2,
  rows: [
    ["ann", 900, 10, "Ann Ö"],
    ["bob", 700, 20, null],
  ],
};
const DELTA = { t: "d", ch: CH, prev: "one", off: "two", ts: NOW, total: 2, up: [["bob", 1000, 30, null]], rm: [] };
const POLLED: Polled = {
  season: "all",
  total: 1,
  rows: [{ id: "cyd", rank: 1, value: 5, reached: null, name: null }],
  rank: 1,
  score: 5,
};

let socket: () => FakeSocket;
let live: Live;
let stop: () => void;
let answer: () => Promise<Polled>;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => setTimeout(run, 16));
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  socket = stubSocket();
  answer = () => Promise.reject(new Error("down"));
  live = createLive("ws://test/ws/v1", () => answer());
  stop = live.start();
});
afterEach(() => {
  stop();
  see("visible");
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const kind = () => live.status.getState().kind;
const ids = () => live.top("classic", 10).store.getState().ids;
const frame = () => vi.advanceTimersByTime(20);
const sent = () => socket().sent.splice(0);

/** The server accepts and greets; what was asked of it. */
function greet() {
  socket().onopen?.();
  const asked = sent();
  const hello = asked.find(op => op.op === "hello");
  socket().say(hi(hello && "id" in hello ? hello.id : 0));
  return asked;
}

/** Watch the first rows and get them. */
function watch() {
  const close = live.top("classic", 10).open();
  const [, sub] = greet();
  socket().say({ t: "ok", id: sub && "id" in sub ? sub.id : 0, ch: CH, n: 10, recovered: false }, SNAP);
  frame();
  return close;
}

function see(visibility: "visible" | "hidden") {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(visibility);
  document.dispatchEvent(new Event("visibilitychange"));
}

describe("a channel", () => {
  test("says hello and subscribes in one message, shows the snapshot, then what changes", () => {
    live.top("classic", 7).open();
    expect(greet()).toEqual([
      { op: "hello", id: 1 },
      { op: "sub", id: 2, ch: "top", board: "classic", n: 10 },
    ]);
    socket().say({ t: "ok", id: 2, ch: CH, n: 10, recovered: false }, SNAP);
    frame();
    const before = live.top("classic", 10).store.getState();
    expect(before).toMatchObject({ source: "stream", ids: ["ann", "bob"], total: 2, ties: "first_to_reach" });
    socket().say(DELTA);
    expect(ids()).toEqual(["ann", "bob"]); // not before the next animation frame
    frame();
    expect(ids()).toEqual(["bob", "ann"]);
    expect(before.rows.get("ann")).toMatchObject({ rank: 1 });
  });

  test("keeps the object of a row that has not changed", () => {
    watch();
    const { rows } = live.top("classic", 10).store.getState();
    socket().say({ ...DELTA, up: [["bob", 800, 30, null]] });
    frame();
    const after = live.top("classic", 10).store.getState().rows;
    expect(after.get("ann")).toBe(rows.get("ann"));
    expect(after.get("bob")).not.toBe(rows.get("bob"));
  });

  test("asks again from its label after a gap, and lets no delta pass until it is answered", () => {
    watch();
    sent();
    socket().say({ ...DELTA, prev: "other", off: "three" });
    expect(sent()).toEqual([{ op: "sub", id: 3, ch: "top", board: "classic", n: 10, off: "one" }]);
    socket().say(DELTA);
    frame();
    expect(ids()).toEqual(["ann", "bob"]);
    socket().say({ t: "ok", id: 3, ch: CH, n: 10, recovered: true }, { ...DELTA, off: "three" });
    frame();
    expect(ids()).toEqual(["bob", "ann"]);
    expect(live.counts).toMatchObject({ gaps: 1, resumed: 1 });
  });

  test("takes a merged delta whose checksum is right, and asks for everything where it is not", () => {
    watch();
    sent();
    socket().say({ ...DELTA, h: "00000000" });
    frame();
    expect(ids()).toEqual(["ann", "bob"]); // rows that nobody vouches for are not shown
    expect(sent()).toEqual([{ op: "sub", id: 3, ch: "top", board: "classic", n: 10 }]);
    expect(live.counts.mismatches).toBe(1);
  });

  test("shows a new season at once, and doubled frames change nothing", () => {
    watch();
    socket().say(DELTA);
    socket().say(DELTA);
    socket().say({ ...SNAP, season: "2026-W49", off: "new", rows: [], total: 0 });
    frame();
    expect(live.top("classic", 10).store.getState()).toMatchObject({ season: "2026-W49", ids: [], total: 0 });
    expect(live.counts.gaps).toBe(0);
  });

  test("of another log the label leads nowhere: a snapshot comes", () => {
    watch();
    socket().end(1006);
    vi.advanceTimersByTime(2000);
    const [, sub] = greet();
    expect(sub).toMatchObject({ off: "one" });
    socket().say(
      { t: "ok", id: 4, ch: CH, n: 10, recovered: false },
      { ...SNAP, off: "x", rows: [["zoe", 1, 1, null]] },
    );
    frame();
    expect(ids()).toEqual(["zoe"]);
  });

  test("a ping is answered, and one with another label makes it ask", () => {
    watch();
    sent();
    socket().say({ t: "p", now: NOW, off: { [CH]: "one" } });
    expect(sent()).toEqual([{ op: "pong" }]);
    socket().say({ t: "p", now: NOW, off: { [CH]: "two" } });
    expect(sent()).toEqual([{ op: "pong" }, { op: "sub", id: 3, ch: "top", board: "classic", n: 10, off: "one" }]);
  });
});

describe("watching", () => {
  test("is shared, lingers for whoever comes back, then is left; later it resumes from what it has", () => {
    const close = watch();
    const other = live.top("classic", 10).open();
    sent();
    close();
    close();
    vi.advanceTimersByTime(5000);
    expect(sent()).toEqual([]);
    other();
    vi.advanceTimersByTime(1000);
    live.top("classic", 10).open()();
    vi.advanceTimersByTime(1999);
    expect(sent()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(sent()).toEqual([{ op: "unsub", id: 3, ch: CH }]);
    live.top("classic", 10).open();
    expect(ids()).toEqual(["ann", "bob"]);
    expect(sent()).toEqual([{ op: "sub", id: 4, ch: "top", board: "classic", n: 10, off: "one" }]);
  });

  test("left before it was answered is unsubscribed when it is", () => {
    live.top("classic", 10).open()();
    greet();
    vi.advanceTimersByTime(2000);
    socket().say({ t: "ok", id: 2, ch: CH, n: 10, recovered: false }, SNAP);
    expect(sent()).toEqual([{ op: "unsub", id: 3, ch: CH }]);
  });

  test("that is refused says so; the others go on", () => {
    live.top("nope", 10).open();
    live.top("classic", 10).open();
    greet();
    socket().say({ t: "ok", id: 3, ch: CH, n: 10, recovered: false }, SNAP);
    socket().say({ t: "err", id: 2, code: "unknown_board", detail: "there is no board nope" });
    frame();
    expect(live.top("nope", 10).store.getState().refused).toMatchObject({ code: "unknown_board" });
    expect(ids()).toEqual(["ann", "bob"]);
    expect(kind()).toBe("live");
  });

  test("me and around are states: the last one counts", () => {
    live.me("classic", "bob").open();
    live.around("classic", "bob", 2).open();
    greet();
    const me = { t: "me", ch: "me:classic:bob", season: "all", ts: NOW, rank: 2, old: null, score: 7, total: 2 };
    const rows = [["bob", 7, 20, null, 2]];
    const around = { t: "around", ch: "around:2:classic:bob", season: "all", ts: NOW, rank: 2, total: 2, rows };
    socket().say({ t: "ok", id: 2, ch: me.ch }, me, { t: "ok", id: 3, ch: around.ch }, around);
    socket().say({ ...me, rank: 1, old: 2, score: 8 });
    frame();
    expect(live.me("classic", "bob").store.getState()).toMatchObject({ rank: 1, old: 2, score: 8 });
    expect(live.around("classic", "bob", 2).store.getState().rows).toMatchObject([{ id: "bob", rank: 2, reached: 20 }]);
  });

  test("many of them at once are asked for no faster than the server allows", () => {
    greet();
    for (let round = 0; round < 20; round++) {
      const close = live.me("classic", `p${round}`).open();
      vi.advanceTimersByTime(20);
      close();
    }
    expect(socket().sent.length).toBeLessThanOrEqual(20);
    vi.advanceTimersByTime(10_000);
    expect(socket().sent.length).toBeGreaterThan(16);
  });
});

describe("the connection", () => {
  test("is connecting, then live with its age by the server's clock, then delayed, then live again", () => {
    expect(kind()).toBe("connecting");
    watch();
    expect(kind()).toBe("live");
    expect(live.status.getState().behindMs).toBeNull(); // a snapshot tells nothing of delays
    vi.advanceTimersByTime(980);
    socket().say({ ...DELTA, ts: NOW + 900 });
    expect(kind()).toBe("live");
    socket().say({ ...DELTA, prev: "two", off: "three", ts: NOW - 3000 });
    expect(live.status.getState()).toMatchObject({ kind: "delayed", behindMs: 4000 });
    vi.advanceTimersByTime(5000);
    expect(kind()).toBe("live");
  });

  test.each([1006, 1011, 4108, 4109, 4129])("comes back after %i, and says since when it is stale", code => {
    watch();
    vi.advanceTimersByTime(500);
    socket().end(code);
    expect(live.status.getState()).toMatchObject({ kind: "stale", heardAt: NOW, retryAt: NOW + 520 + 750 });
    expect(ids()).toEqual(["ann", "bob"]);
    vi.advanceTimersByTime(750);
    expect(FakeSocket.made.length).toBe(2);
    expect(greet()).toMatchObject([{ op: "hello" }, { op: "sub", off: "one" }]);
    expect(kind()).toBe("live");
  });

  test.each([1009, 4000])("does not come back after %i, but when a person asks", code => {
    watch();
    socket().end(code, "why");
    expect(live.status.getState()).toMatchObject({
      kind: "stopped",
      end: { reason: `why (${code})`, advice: "reload" },
    });
    vi.advanceTimersByTime(3_600_000);
    window.dispatchEvent(new Event("online"));
    see("visible");
    expect(FakeSocket.made.length).toBe(1);
    live.retry();
    expect(FakeSocket.made.length).toBe(2);
  });

  test.each([1000, 1001])("stays away after %i", code => {
    watch();
    socket().end(code);
    expect(live.status.getState()).toMatchObject({ kind: "stopped", end: { advice: "connect" } });
  });

  test("obeys retry_ms of 1012, which no event shortens", () => {
    watch();
    socket().say({ t: "bye", retry_ms: 9000 });
    socket().end(1012, '{"retry_ms":7312}');
    window.dispatchEvent(new Event("online"));
    see("visible");
    vi.advanceTimersByTime(7311);
    expect(FakeSocket.made.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.made.length).toBe(2);
  });

  test("of a server that says what is not lb.v1 stops", () => {
    watch();
    socket().say({ t: "d", ch: CH });
    expect(live.status.getState()).toMatchObject({ kind: "stopped", end: { advice: "reload" } });
    expect(ids()).toEqual(["ann", "bob"]);
  });

  test("that is silent is dead after a ping and 10 s more; so is one that never answers", () => {
    watch();
    vi.advanceTimersByTime(37_480);
    expect(kind()).toBe("stale");
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.made.length).toBe(2);
    vi.advanceTimersByTime(12_000);
    expect(FakeSocket.made.length).toBe(3);
  });

  test("on which nothing is watched is live from ping to ping", () => {
    greet();
    vi.advanceTimersByTime(37_000);
    expect(kind()).toBe("live");
    vi.advanceTimersByTime(1000);
    expect(kind()).toBe("stale");
  });

  test("is tried again at once when the network is back or somebody looks", () => {
    for (let attempt = 0; attempt < 8; attempt++) {
      socket().end(1006);
      window.dispatchEvent(new Event("online"));
      see("visible");
    }
    expect(FakeSocket.made.length).toBe(9);
  });

  test("says offline; what is heard then proves the contrary, else it is made anew with the network", () => {
    watch();
    window.dispatchEvent(new Event("offline"));
    expect(kind()).toBe("offline");
    socket().say({ t: "p", now: NOW, off: {} });
    expect(kind()).toBe("live");
    window.dispatchEvent(new Event("offline"));
    window.dispatchEvent(new Event("online"));
    expect(FakeSocket.made.length).toBe(2);
  });

  test("is given back after half an hour of nobody looking, and resumed when somebody does", () => {
    watch();
    see("hidden");
    const pings = setInterval(() => socket().say({ t: "p", now: Date.now(), off: {} }), 25_000);
    vi.advanceTimersByTime(30 * 60_000);
    clearInterval(pings);
    expect(kind()).toBe("paused");
    expect(socket().isClosed).toBe(true);
    see("visible");
    expect(greet()).toMatchObject([{ op: "hello" }, { op: "sub", off: "one" }]);
  });
});

describe("polling", () => {
  async function failThrice() {
    for (let attempt = 0; attempt < 3; attempt++) {
      socket().end(1006);
      await vi.advanceTimersByTimeAsync(8000);
    }
  }

  test("takes the place of sockets that cannot be had, and gives it back", async () => {
    live.top("classic", 10).open();
    answer = () => Promise.resolve(POLLED);
    await failThrice();
    expect(kind()).toBe("polling");
    expect(live.top("classic", 10).store.getState()).toMatchObject({ source: "polled", ids: ["cyd"], total: 1 });
    const [, sub] = greet();
    expect(kind()).toBe("live");
    expect(sub).not.toHaveProperty("off");
    socket().say({ t: "ok", id: sub && "id" in sub ? sub.id : 0, ch: CH, n: 10, recovered: false }, SNAP);
    frame();
    expect(live.top("classic", 10).store.getState()).toMatchObject({ source: "stream", ids: ["ann", "bob"] });
    const reads = vi.fn(answer);
    answer = reads;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(reads).not.toHaveBeenCalled();
  });

  test("that fails, too, leaves what is shown, and says since when", async () => {
    watch();
    await failThrice();
    expect(live.status.getState()).toMatchObject({ kind: "stale", heardAt: NOW });
    expect(ids()).toEqual(["ann", "bob"]);
  });
});
