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
  if (by === "new") return <span className="font-semibold text-cyan text-micro">new</span>;
  const up = by > 0;
  return (
    <span
      className={`tabular flex items-center justify-center gap-1 font-semibold text-micro ${up ? "text-lime" : "text-magenta"}`}
    >
      <span aria-hidden className={up ? "arrow-up" : "arrow-down"} />
      <span aria-hidden>{number(Math.abs(by))}</span>
      <span className="sr-only">{`${up ? "up" : "down"} ${counted(Math.abs(by), "place")}`}</span>
    </span>
  );
}
