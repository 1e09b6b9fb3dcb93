/** A WebSocket whose other end is the test. */
import { vi } from "vitest";
import type { Op } from "@/lib/live/protocol";

export class FakeSocket {
  static made: FakeSocket[] = [];
  readonly url: string;
  readonly sent: Op[] = [];
  isClosed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(url: string) {
    this.url = url;
    FakeSocket.made.push(this);
  }

  send(message: string): void {
    this.sent.push(...message.split("\n").map(line => JSON.parse(line) as Op));
  }

  close(): void {
    this.isClosed = true;
  }

  /** The server's side: objects in one message. */
  say(...frames: object[]): void {
    this.onmessage?.({ data: frames.map(frame => JSON.stringify(frame)).join("\n") });
  }

  end(code: number, reason = ""): void {
    this.isClosed = true;
    this.onclose?.({ code, reason });
  }
}

/** Put it in the place of WebSocket; the newest one that was made. */
export function stubSocket(): () => FakeSocket {
  FakeSocket.made = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  return () => {
    const last = FakeSocket.made.at(-1);
    if (last === undefined) throw new Error("no socket was made");
    return last;
  };
}
