/** The live stream: boards, ranks and windows on a screen, equal to the server's. See docs/live.md. Framework-free. */
import type { StoreApi } from "zustand/vanilla";
import { type Channel, Channels } from "./live/channels";
import { Link } from "./live/link";
import { listenToPage } from "./live/page";
import type { Read } from "./live/polling";
import { readRest } from "./live/rest";
import { Session } from "./live/session";
import {
  type AroundState,
  aroundOf,
  type MeState,
  meOf,
  NO_AROUND,
  NO_ME,
  NO_TOP,
  type TopState,
  topOf,
} from "./live/states";
import type { Status } from "./live/status";

export type { Channel } from "./live/channels";
export type { Row } from "./live/rows";
export type { AroundState, MeState, TopState } from "./live/states";
export type { Kind, Status } from "./live/status";

export interface Live {
  readonly status: StoreApi<Status>;
  /** What has happened so far. */
  readonly counts: Session["counts"];
  /** The first rows of a board, rounded up to 10, 50, 100 or 200. */
  top(board: string, n: number): Channel<TopState>;
  /** The rank of a player. */
  me(board: string, player: string): Channel<MeState>;
  /** A player's row and `k` (1 to 10) above and below. */
  around(board: string, player: string, k: number): Channel<AroundState>;
  /** Connect, and stay connected until the function that is returned is called. */
  start(): () => void;
  /** A person asks for another attempt. */
  retry(): void;
  /** The time of the server, ms since 1970. */
  serverNow(): number;
}

const SIZES = [10, 50, 100, 200] as const;
/** A tab that nobody has looked at for so long gives its socket back. */
const HIDDEN_MS = 30 * 60_000;

/** A stream from a URL; nothing happens before `start`. `read` asks REST where no socket is to be had. */
export function createLive(url: string, read: Read = readRest): Live {
  const session = new Session();
  const link = new Link(url, session, read, changed => channels.publish(changed));
  const channels = new Channels(session, () => link.flush());
  return {
    status: link.status,
    counts: session.counts,
    top: (board, n) => channels.channel({ ch: "top", board, n: sizeFor(n) }, NO_TOP, topOf),
    me: (board, player) => channels.channel({ ch: "me", board, player }, NO_ME, meOf),
    around: (board, player, k) => channels.channel({ ch: "around", board, player, k }, NO_AROUND, aroundOf),
    start: () => keep(link),
    retry: () => link.retry(),
    serverNow: () => session.lag.serverNow(Date.now()),
  };
}

function sizeFor(n: number): number {
  return SIZES.find(size => n <= size) ?? 200;
}

function keep(link: Link): () => void {
  link.connect();
  let hidden: ReturnType<typeof setTimeout> | undefined;
  const deaf = listenToPage({
    visible: () => {
      clearTimeout(hidden);
      link.hurry();
    },
    hidden: () => {
      clearTimeout(hidden);
      hidden = setTimeout(() => link.pause(), HIDDEN_MS);
    },
    online: () => link.regainNetwork(),
    offline: () => link.loseNetwork(),
  });
  return () => {
    deaf();
    clearTimeout(hidden);
    link.close();
  };
}
