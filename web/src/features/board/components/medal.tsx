import { cx } from "@/components/ui/class-names";

const METALS = ["text-gold", "text-silver", "text-bronze"] as const;

export const metalOf = (rank: number): string => METALS[rank - 1] ?? "text-muted";

/** The medal of a rank from 1 to 3; the number is in it, so that the metal's colour only repeats it. */
export function Medal({ rank, className }: { rank: number; className?: string }) {
  return (
    <svg aria-hidden viewBox="0 0 28 28" className={cx("size-7", metalOf(rank), className)}>
      <path d="M8.5 1h4l2 6h-4zM19.5 1h-4l-2 6h4z" className="fill-current opacity-45" />
      <circle cx="14" cy="17" r="9.5" className="fill-current" />
      <circle cx="14" cy="17" r="7.25" className="fill-none stroke-surface opacity-50" strokeWidth="1" />
      <text x="14" y="21.2" textAnchor="middle" className="fill-surface font-bold font-display text-[0.75rem]">
        {rank}
      </text>
    </svg>
  );
}
