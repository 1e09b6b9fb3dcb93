import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Backoff, type Ended, STABLE_MS } from "./retrying";

const ended = (code: number, reason = "", lasted = 0): Ended => ({ code, reason, lasted });

test.each([1002, 1003, 1007, 1008, 1009, 1010, 4000, 4001, 4003, 4099])("%i is a fault and ends it", code => {
  expect(new Backoff().after(ended(code), null)).toEqual({ stop: "fault" });
});

test.each([1000, 1001])("%i is a leave", code => {
  expect(new Backoff().after(ended(code), null)).toEqual({ stop: "left" });
});

test("1012 says when: in its reason, else in the bye before", () => {
  const backoff = new Backoff();
  expect(backoff.after(ended(1012, '{"retry_ms":7312}'), 1)).toEqual({ wait: 7312, asked: true });
  expect(backoff.after(ended(1012, "restart"), 900)).toEqual({ wait: 900, asked: true });
  expect(backoff.after(ended(1012, '{"retry_ms":1e12}'), null)).toEqual({ wait: 120_000, asked: true });
  expect(backoff.after(ended(1012, "null"), null)).toMatchObject({ asked: false });
});

test.each([1005, 1006, 1011, 1014, 4108, 4109, 4129, 4100])(
  "%i backs off, doubled up to 20 s, with full jitter",
  code => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }), chances => {
        const backoff = new Backoff();
        const limits = [1000, 2000, 4000, 8000, 16_000, 20_000, 20_000, 20_000];
        chances.forEach((chance, attempt) => {
          vi.spyOn(Math, "random").mockReturnValueOnce(chance);
          const verdict = backoff.after(ended(code), null);
          const limit = limits[attempt] ?? 0;
          expect(verdict).toEqual({ wait: 500 + chance * (limit - 500), asked: false });
        });
      }),
      { numRuns: 20 },
    );
  },
);

test("the back-off begins anew only after a connection that was stable", () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const backoff = new Backoff();
  const waits = [0, 0, 0, STABLE_MS - 1, STABLE_MS].map(lasted => backoff.after(ended(1006, "", lasted), null));
  expect(waits.map(each => "wait" in each && each.wait)).toEqual([1000, 2000, 4000, 8000, 1000]);
});

test("1013 waits 5 s at the least, 42xx half a second at most", () => {
  vi.spyOn(Math, "random").mockReturnValueOnce(0).mockReturnValueOnce(1);
  expect(new Backoff().after(ended(1013), null)).toEqual({ wait: 5000, asked: false });
  expect(new Backoff().after(ended(4201), null)).toEqual({ wait: 500, asked: true });
});
