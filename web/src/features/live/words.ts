import type { Tone } from "@/components/ui/badge";
import { number, time } from "@/lib/format";
import type { Status } from "@/lib/live";

/** What the header says of the connection. */
export interface Words {
  tone: Tone;
  text: string;
  /** What follows where there is room. */
  more?: string;
}

export function wordsOf({ kind, behindMs, heardAt }: Status): Words {
  switch (kind) {
    case "connecting":
      return { tone: "plain", text: "connecting" };
    case "live":
      return behindMs === null
        ? { tone: "good", text: "live" }
        : { tone: "good", text: "live", more: `${seconds(behindMs)} behind` };
    case "delayed":
      return { tone: "warn", text: `${seconds(behindMs ?? 0)} behind` };
    case "polling":
      return { tone: "info", text: "not live", more: "asked for every few seconds" };
    case "stale":
      return { tone: "warn", text: "stale", ...(heardAt === null ? {} : { more: `since ${time(heardAt)}` }) };
    case "offline":
      return { tone: "bad", text: "offline" };
    case "paused":
      return { tone: "plain", text: "paused" };
    case "stopped":
      return { tone: "bad", text: "stopped" };
  }
}

/** What is spoken when it becomes so; null: nothing. */
export function spoken({ kind }: Status): string | null {
  switch (kind) {
    case "live":
      return "Live: the board is up to date";
    case "stale":
    case "offline":
      return "The connection is lost; the board is not up to date";
    case "polling":
      return "No live connection; what you see is asked for every few seconds";
    case "stopped":
      return "The live connection has ended";
    default:
      return null;
  }
}

/** Why the page is not live, in a sentence for a person; null: there is nothing to explain. */
export function explained({ kind, heardAt, end }: Status): string | null {
  const since = heardAt === null ? "" : ` What you see is of ${time(heardAt)}.`;
  switch (kind) {
    case "stale":
      return `The connection is lost and is being made again.${since}`;
    case "offline":
      return `There is no network.${since}`;
    case "stopped":
      return `The live connection has ended: ${end?.reason}.${since}`;
    default:
      return null;
  }
}

const seconds = (ms: number) => `${number(Math.round(ms / 100) / 10)} s`;
