/** The messages of lb.v1, see docs/live.md. */

/** A row as it is sent: id, value, when the value was reached (ms), name. */
export type Entry = readonly [id: string, value: number, reached: number, name: string | null];
/** A row of a window, with its rank. */
export type WindowEntry = readonly [...Entry, rank: number];

export type Order = "asc" | "desc";
export type Ties = "first_to_reach" | "shared" | "dense";

export type Sub =
  | { readonly ch: "top"; readonly board: string; readonly n: number }
  | { readonly ch: "me"; readonly board: string; readonly player: string }
  | { readonly ch: "around"; readonly board: string; readonly player: string; readonly k: number };

export type Op =
  | { readonly op: "hello"; readonly id: number }
  | ({ readonly op: "sub"; readonly id: number; readonly off?: string } & Sub)
  | { readonly op: "unsub"; readonly id: number; readonly ch: string }
  | { readonly op: "pong" };

export type Hi = { t: "hi"; id: number; ping: number; tick: number; now: number };
export type Ok = { t: "ok"; id: number; ch: string; recovered?: boolean };
export type Snap = {
  t: "snap";
  ch: string;
  season: string;
  order: Order;
  ties: Ties;
  operator: string;
  base: number;
  off: string;
  ts: number;
  total: number;
  rows: Entry[];
};
export type Delta = {
  t: "d";
  ch: string;
  prev: string;
  off: string;
  ts: number;
  total: number;
  up: Entry[];
  rm: string[];
  h?: string;
};
export type Me = {
  t: "me";
  ch: string;
  season: string;
  ts: number;
  rank: number | null;
  old: number | null;
  score: number | null;
  total: number;
};
export type Around = {
  t: "around";
  ch: string;
  season: string;
  ts: number;
  rank: number | null;
  total: number;
  rows: WindowEntry[];
};
export type Ping = { t: "p"; now: number; off: Record<string, string> };
export type Err = { t: "err"; id: number | null; code: string; detail: string };
export type Bye = { t: "bye"; retry_ms: number };
export type Frame = Hi | Ok | Snap | Delta | Me | Around | Ping | Err | Bye;

/** What came is not lb.v1: a bug, here or there. */
export class NotTheProtocol extends Error {}

type Check = (value: unknown) => boolean;
const text: Check = value => typeof value === "string";
const number: Check = value => typeof value === "number";
const numberOrNull: Check = value => value === null || number(value);
const list: Check = Array.isArray;
const object: Check = value => typeof value === "object" && value !== null;

const FIELDS: Record<Frame["t"], Record<string, Check>> = {
  hi: { ping: number, tick: number, now: number },
  ok: { id: number, ch: text },
  snap: {
    ch: text,
    season: text,
    order: text,
    ties: text,
    base: number,
    off: text,
    ts: number,
    total: number,
    rows: list,
  },
  d: { ch: text, prev: text, off: text, ts: number, total: number, up: list, rm: list },
  me: { ch: text, season: text, ts: number, rank: numberOrNull, score: numberOrNull, total: number },
  around: { ch: text, season: text, ts: number, rank: numberOrNull, total: number, rows: list },
  p: { now: number, off: object },
  err: { code: text, detail: text },
  bye: { retry_ms: number },
};

/** The objects of a message; those of an unknown kind are left out. Throws NotTheProtocol. */
export function decode(message: unknown): Frame[] {
  if (typeof message !== "string") throw new NotTheProtocol("a binary message");
  return message.split("\n").flatMap(line => {
    const found = parsed(line);
    const fields = FIELDS[found.t as Frame["t"]];
    if (fields === undefined) return [];
    const wrong = Object.keys(fields).find(name => !fields[name]?.(found[name]));
    if (wrong !== undefined)
      throw new NotTheProtocol(`${wrong} of a message "${found.t}" is ${JSON.stringify(found[wrong])}`);
    return [found as Frame];
  });
}

/** One message of several objects. */
export function encode(ops: readonly Op[]): string {
  return ops.map(op => JSON.stringify(op)).join("\n");
}

function parsed(line: string): Record<string, unknown> & { t: string } {
  try {
    const found: unknown = JSON.parse(line);
    if (object(found) && text((found as { t?: unknown }).t)) return found as Record<string, unknown> & { t: string };
  } catch {
    // said below
  }
  throw new NotTheProtocol(`no object with a "t": ${line.slice(0, 80)}`);
}
