import { describe, expect, test } from "vitest";
import { ago, counted, percent, signed } from "@/lib/format";

describe("format", () => {
  test("a distance in time is told in its greatest unit", () => {
    expect(ago(0, 61_000)).toBe("1 minute ago");
    expect(ago(3 * 86_400_000, 0)).toBe("in 3 days");
  });

  test("percentages come as 0 to 100", () => expect(percent(99.84)).toBe("99.8%"));

  test("a gain has a sign, nothing has none", () => expect([signed(3), signed(0)]).toEqual(["+3", "0"]));

  test("words agree with their number", () =>
    expect([counted(1, "row"), counted(1200, "row")]).toEqual(["1 row", "1,200 rows"]));
});
