import { ArrowDown, ArrowUp, Plus } from "lucide-react";
import { counted, number } from "@/lib/format";
import type { Mark } from "../moves";

/** Which way a row went, and how far: an arrow, a number and words. */
export function Move({ by }: { by: Mark["by"] | undefined }) {
  if (by === undefined || by === 0)
    return (
      <span aria-hidden className="text-edge">
        ·
      </span>
    );
  if (by === "new")
    return (
      <span className="flex items-center justify-center gap-0.5 font-semibold text-cyan text-micro">
        <Plus aria-hidden className="size-3" />
        new
      </span>
    );
  const up = by > 0;
  const Arrow = up ? ArrowUp : ArrowDown;
  return (
    <span
      className={`tabular flex items-center justify-center gap-0.5 font-semibold text-micro ${up ? "text-lime" : "text-magenta"}`}
    >
      <Arrow aria-hidden className="size-3.5" />
      <span aria-hidden>{number(Math.abs(by))}</span>
      <span className="sr-only">{`${up ? "up" : "down"} ${counted(Math.abs(by), "place")}`}</span>
    </span>
  );
}
