import { expect, test } from "vitest";
import { ageAt, summaryOf } from "./figures";

const counts = [
  { up_to_ms: 5, writes: 0 },
  { up_to_ms: 10, writes: 50 },
  { up_to_ms: 25, writes: 48 },
  { up_to_ms: null, writes: 2 },
];

test("the age that a share of writes is at most", () => {
  expect(ageAt(counts, 0.5)).toBe(10);
  expect(ageAt(counts, 0.98)).toBe(25);
  expect(ageAt(counts, 0.99)).toBeNull();
  expect(ageAt([], 0.5)).toBeNull();
});

test("a fact is told by what it has", () => {
  const blank = {
    event_id: null,
    actor: null,
    player_id: "ann",
    board_id: null,
    season: null,
    target: null,
    entries: null,
  };
  const fact = {
    ...blank,
    partition: 0,
    offset: 7,
    type: "ScoreSubmitted",
    at: "",
    game_mode: "classic",
    score: 5,
    reason: null,
  };
  expect(summaryOf(fact, String)).toBe("5 points · in classic");
});
