import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { useStore } from "zustand";
import { env } from "@/config/env";
import {
  type AroundState,
  type Channel,
  createLive,
  type Live,
  type MeState,
  type Status,
  type TopState,
} from "@/lib/live";

const LiveContext = createContext<Live | null>(null);

/** One stream for all that is below, connected for as long as it is on the page. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [live] = useState(() => createLive(env.socketUrl));
  useEffect(() => live.start(), [live]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === null) throw new Error("useLive needs a LiveProvider above");
  return live;
}

/** What a component needs of the connection; it renders again only when that changes. */
export function useLiveStatus<T>(select: (status: Status) => T): T {
  return useStore(useLive().status, select);
}

/** The first rows of a board: watched while the component is there, and for a channel to select rows from. */
export function useTop(board: string, n: number): Channel<TopState> {
  return useOpened(useLive().top(board, n));
}

/** The rank of a player. */
export function useMe(board: string, player: string): Channel<MeState> {
  return useOpened(useLive().me(board, player));
}

/** A player's row with `k` rows above and below. */
export function useAround(board: string, player: string, k: number): Channel<AroundState> {
  return useOpened(useLive().around(board, player, k));
}

/** What a component needs of a channel, such as one row: `useChannel(top, state => state.rows.get(id))`. */
export function useChannel<S, T>(channel: Channel<S>, select: (state: S) => T): T {
  return useStore(channel.store, select);
}

function useOpened<S>(channel: Channel<S>): Channel<S> {
  useEffect(() => channel.open(), [channel]);
  return channel;
}

export type { AroundState, Channel, MeState, Row, Status, TopState } from "@/lib/live";
