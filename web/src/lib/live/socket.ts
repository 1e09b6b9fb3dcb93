/** One connection, from the attempt to its end. */
import { ABNORMAL, type Ended } from "./retrying";

export interface Listener {
  opened(): void;
  /** A message; throws what ends the connection. */
  heard(message: unknown): void;
  /** Once, and nothing after it. */
  ended(ended: Ended): void;
}

export interface Connection {
  send(message: string): void;
  /** Without a word to the listener. */
  close(): void;
}

/** Connect. `patience()` is how many ms a message may be awaited. */
export function connect(url: string, patience: () => number, listener: Listener): Connection {
  const socket = new WebSocket(url);
  let openedAt: number | null = null;
  let isOver = false;
  let silence = setTimeout(() => end(ABNORMAL, "the server does not answer"), patience());

  socket.onopen = () => {
    openedAt = Date.now();
    isHeard();
    listener.opened();
  };
  socket.onmessage = ({ data }) => {
    listener.heard(data);
    isHeard(); // after it: a greeting says how long the silence may be
  };
  socket.onclose = ({ code, reason }) => end(code, reason);

  function isHeard(): void {
    clearTimeout(silence);
    if (!isOver) silence = setTimeout(() => end(ABNORMAL, "the server is silent"), patience());
  }

  function end(code: number, reason: string): void {
    close();
    listener.ended({ code, reason, lasted: openedAt === null ? 0 : Date.now() - openedAt });
  }

  function close(): void {
    isOver = true;
    clearTimeout(silence);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  return { send: message => socket.send(message), close };
}
