import { expect, test } from "vitest";
import { START } from "@/lib/live/status";
import { explained, wordsOf } from "./words";

test("a live page says how far it is behind, when it knows", () => {
  expect(wordsOf({ ...START, kind: "live" })).toEqual({ tone: "good", text: "live" });
  expect(wordsOf({ ...START, kind: "live", behindMs: 240 }).more).toBe("0.2 s behind");
  expect(wordsOf({ ...START, kind: "delayed", behindMs: 4000 }).text).toBe("4 s behind");
});

test("what has ended says why; what is fine explains nothing", () => {
  const end = { reason: "a bug (4000)", advice: "reload" } as const;
  expect(explained({ ...START, kind: "stopped", end })).toBe("The live connection has ended: a bug (4000).");
  expect(explained({ ...START, kind: "live" })).toBeNull();
});
