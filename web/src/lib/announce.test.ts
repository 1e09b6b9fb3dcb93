import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeAnnouncer, PAUSE } from "@/lib/announce";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the first sentence is spoken at once, of the following only the last", () => {
  const announcer = makeAnnouncer();
  const { say } = announcer.getState();
  say("one");
  expect(announcer.getState().text).toBe("one");
  say("two");
  say("three");
  vi.advanceTimersByTime(PAUSE - 1);
  expect(announcer.getState().text).toBe("one");
  vi.advanceTimersByTime(1);
  expect(announcer.getState().text).toBe("three");
});
