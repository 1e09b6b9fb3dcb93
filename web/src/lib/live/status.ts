/** How the connection is, for people. Pure. */

export type Kind =
  /** For the first time; nothing has come yet. */
  | "connecting"
  | "live"
  /** Connected, but what comes is `behindMs` old. */
  | "delayed"
  /** No socket to be had: asked for every few seconds instead. */
  | "polling"
  /** Lost; what is shown is of `heardAt`. The next attempt is at `retryAt`, or is being made. */
  | "stale"
  /** As stale, and the browser says that there is no network. */
  | "offline"
  /** Disconnected on purpose, as nobody was looking. */
  | "paused"
  /** Ended for good: `reason` says why, `advice` what to do. */
  | "stopped";

/** Why it has ended for good, and what a person can do. */
export interface End {
  readonly reason: string;
  readonly advice: "reload" | "connect";
}

export interface Status {
  readonly kind: Kind;
  /** When it became so; all times are ms by our own clock. */
  readonly since: number;
  /** When anything was heard from the server; null: never. While live, a second or so late. */
  readonly heardAt: number | null;
  /** How old the newest of what is shown was as it came; null: not known. */
  readonly behindMs: number | null;
  readonly retryAt: number | null;
  readonly end: End | null;
}

export interface Facts {
  readonly end: End | null;
  readonly isPaused: boolean;
  readonly isGreeted: boolean;
  readonly isOffline: boolean;
  readonly isPolling: boolean;
  readonly heardAt: number | null;
  readonly retryAt: number | null;
  readonly behindMs: number | null;
}

export const START: Status = {
  kind: "connecting",
  since: 0,
  heardAt: null,
  behindMs: null,
  retryAt: null,
  end: null,
};

/** From here on it is not live any more. */
const DELAYED_FROM_MS = 2_000;
/** Figures that change with every message are told no more often. */
const FIGURES_MS = 1_000;

/** The status now; the one before, where that still says it. */
export function statusOf(facts: Facts, before: Status, now: number): Status {
  const kind = kindOf(facts);
  const { end, retryAt, heardAt, behindMs } = facts;
  if (kind !== before.kind) return { kind, since: now, heardAt, behindMs, retryAt, end };
  const isOld = heardAt !== null && heardAt - (before.heardAt ?? 0) >= FIGURES_MS;
  if (!isOld && retryAt === before.retryAt && end === before.end) return before;
  return { ...before, heardAt, behindMs, retryAt, end };
}

/** What to say of an end for good. */
export function endOf(stop: "left" | "fault", code: number | null, reason: string): End {
  const said = reason || (stop === "left" ? "the server has taken leave" : "the server refuses what this page sends");
  return { reason: code === null ? said : `${said} (${code})`, advice: stop === "left" ? "connect" : "reload" };
}

function kindOf(facts: Facts): Kind {
  if (facts.end !== null) return "stopped";
  if (facts.isPaused) return "paused";
  if (facts.isOffline) return "offline";
  if (facts.isGreeted) return (facts.behindMs ?? 0) >= DELAYED_FROM_MS ? "delayed" : "live";
  if (facts.isPolling) return "polling";
  return facts.heardAt === null ? "connecting" : "stale";
}
