import { ArrowUp } from "lucide-react";
import * as m from "motion/react-m";
import type { CSSProperties } from "react";
import { counted, number } from "@/lib/format";

const SHARDS = ["bg-cyan", "bg-lime", "bg-magenta", "bg-gold"] as const;

interface ClimbProps {
  rank: number;
  /** Places gained. */
  by: number;
  best: boolean;
  id: string;
}

/** The rank that a score got. It is celebrated when it was earned: the more places, the more. */
export function Climb({ rank, by, best, id }: ClimbProps) {
  const shards = by <= 0 ? 0 : Math.min(28, 8 + Math.round(6 * Math.log2(by)));
  return (
    <div key={id} className="relative grid place-items-center py-3">
      {Array.from({ length: shards }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: shards never change places
        <Shard key={index} turn={index / shards} index={index} />
      ))}
      <m.p
        initial={by > 0 ? { y: 36, opacity: 0 } : { opacity: 0 }}
        animate={{ y: 0, opacity: 1 }}
        transition={{ type: "spring", stiffness: 320, damping: 18 }}
        className="font-bold font-display text-hero"
      >
        #{number(rank)}
      </m.p>
      <p className="flex h-6 items-center gap-1 font-semibold text-small">
        {by > 0 ? (
          <span className="flex items-center gap-1 text-lime">
            <ArrowUp aria-hidden className="size-4" /> up {counted(by, "place")}
          </span>
        ) : best ? (
          <span className="text-cyan">a personal best</span>
        ) : (
          <span className="text-muted">the rank stays</span>
        )}
      </p>
    </div>
  );
}

/** One piece of confetti, thrown from behind the rank. */
function Shard({ turn, index }: { turn: number; index: number }) {
  const angle = 2 * Math.PI * turn;
  const reach = 70 + 18 * (index % 4);
  const target = { "--x": `${reach * Math.cos(angle) * 1.4}px`, "--y": `${reach * Math.sin(angle) * 0.7}px` };
  return (
    <span
      aria-hidden
      style={target as CSSProperties}
      className={`shard absolute h-1 w-2.5 rounded-small ${SHARDS[index % SHARDS.length]}`}
    />
  );
}
