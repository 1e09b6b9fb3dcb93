import { useEffect, useState } from "react";

const LENGTH = 60;

/** The last values that something had, oldest first; `at` says when there is a new one. */
export function useTrail(value: number, at: string): readonly number[] {
  const [trail, setTrail] = useState<readonly number[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same value at another time is one more
  useEffect(() => setTrail(before => [...before, value].slice(-LENGTH)), [at]);
  return trail;
}
