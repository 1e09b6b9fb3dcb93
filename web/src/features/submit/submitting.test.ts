import { describe, expect, test, vi } from "vitest";
import { Problem } from "@/lib/problem";
import { type Counted, MOST_ATTEMPTS, type Progress, type Send, submit, waitAfter } from "./submitting";

const answer = { new_rank: 3, event_id: "e", position: "p" } as Counted;
const busy = new Problem(503, "unavailable", "later", [], 2000);

async function run(send: Send) {
  const told: Progress[] = [];
  const sleep = vi.fn(async () => undefined);
  const end = await submit(send, progress => void told.push(progress), { sleep, random: () => 0.5 });
  return { end, kinds: told.map(progress => progress.kind), sleep };
}

describe("submit", () => {
  test("an answer ends it", async () => {
    expect(await run(async () => answer)).toMatchObject({
      end: { kind: "counted", answer },
      kinds: ["sending", "counted"],
    });
  });

  test("what may pass is tried again, when the server asks for it", async () => {
    const send = vi.fn<Send>().mockRejectedValueOnce(busy).mockResolvedValueOnce(null).mockResolvedValue(answer);
    const { end, kinds, sleep } = await run(send);
    expect(end.kind).toBe("counted");
    expect(kinds).toEqual(["sending", "waiting", "sending", "waiting", "sending", "counted"]);
    expect(sleep.mock.calls).toEqual([[2000], [800]]);
  });

  test("what will not pass ends it at once", async () => {
    const refused = new Problem(422, "invalid-request", "score: too large");
    expect(await run(() => Promise.reject(refused))).toMatchObject({ end: { kind: "failed", problem: refused } });
  });

  test("it gives up at last", async () => {
    const send = vi.fn<Send>().mockRejectedValue(new Problem(0, "network", "unreachable"));
    const { end } = await run(send);
    expect(end.kind).toBe("failed");
    expect(send).toHaveBeenCalledTimes(MOST_ATTEMPTS);
  });

  test("waits grow up to a bound and are never none", () => {
    const network = new Problem(0, "network", "");
    expect([1, 2, 10].map(attempt => waitAfter(network, attempt, 1))).toEqual([800, 1600, 10_000]);
    expect(waitAfter(network, 1, 0)).toBe(100);
    expect(waitAfter(new Problem(429, "", "", [], 3_600_000), 1, 0)).toBe(60_000);
  });
});
