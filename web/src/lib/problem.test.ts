import { describe, expect, test } from "vitest";
import { problemOf, retryAfterOf, unreachable } from "@/lib/problem";

describe("problem", () => {
  test("names the fields that are wrong", async () => {
    const errors = [{ field: "score", got: "'x'", expected: "an integer" }];
    const body = { type: "urn:leaderboard:problem:invalid-request", detail: "score: an integer", errors };
    const problem = await problemOf(
      new Response(JSON.stringify(body), { status: 422, headers: { "Retry-After": "2" } }),
    );
    expect(problem).toMatchObject({ status: 422, kind: "invalid-request", message: "score: an integer", errors });
    expect(problem.retryAfter).toBe(2000);
    expect(problem.passing).toBe(false);
  });

  test("an answer that is no problem is still an error", async () => {
    const problem = await problemOf(new Response("<html>", { status: 502 }));
    expect(problem).toMatchObject({ status: 502, kind: "http-error", passing: true });
  });

  test("Retry-After may be seconds or a date", () => {
    expect(retryAfterOf("1.5")).toBe(1500);
    expect(retryAfterOf("Sat, 28 Nov 2026 14:00:02 GMT", Date.parse("2026-11-28T14:00:00Z"))).toBe(2000);
    expect([retryAfterOf(null), retryAfterOf("soon"), retryAfterOf("")]).toEqual([null, null, null]);
  });

  test("no answer is a problem that may pass", () => {
    expect(unreachable(new TypeError("fetch failed"))).toMatchObject({ kind: "network", passing: true });
    expect(unreachable(new DOMException("late", "TimeoutError"))).toMatchObject({ kind: "timeout" });
  });
});
