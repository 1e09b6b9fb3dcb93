import { describe, expect, test } from "vitest";
import { suggestName } from "./names";
import { boundsOf, parseScore, playerError } from "./validation";

const bounds = { minimum: 1, maximum: 1000 };

describe("validation, as the server's", () => {
  test.each(["ann", "A.b_c:d-9", "x".repeat(64)])("%s may play", id => expect(playerError(id)).toBeNull());

  test.each(["", "a b", "ä", "x".repeat(65)])("%j may not", id => expect(playerError(id)).not.toBeNull());

  test("a score is a whole number within the bounds", () => {
    expect(parseScore(" 42 ", bounds)).toEqual({ score: 42 });
    for (const wrong of ["", "1.5", "1e3", "1,000", "0", "1001", "-3"])
      expect(parseScore(wrong, bounds)).toHaveProperty("error");
    expect(parseScore("9007199254740993", { minimum: 1, maximum: Number.MAX_SAFE_INTEGER })).toHaveProperty("error");
  });

  test("bounds are those of the most generous board", () => {
    const boards = [{ definition: { minimum: 5, maximum: 10 } }, { definition: { minimum: 1, maximum: 8 } }];
    expect(boundsOf(boards)).toEqual({ minimum: 1, maximum: 10 });
  });

  test("every suggested name may play", () => {
    for (const random of [0, 0.5, 0.999]) expect(playerError(suggestName(() => random))).toBeNull();
  });
});
