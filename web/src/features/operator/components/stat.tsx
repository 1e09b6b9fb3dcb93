import type { ReactNode } from "react";
import { cx } from "@/components/ui/class-names";
import { useTrail } from "../use-trail";

interface StatProps {
  name: string;
  children: ReactNode;
  note?: ReactNode;
  /** Something to look after. */
  isBad?: boolean;
}

/** A figure with its name. */
export function Stat({ name, children, note, isBad = false }: StatProps) {
  return (
    <div className={cx("rounded-card border bg-surface p-4", isBad ? "border-danger" : "border-line")}>
      <dt className="text-micro text-muted uppercase tracking-wider">{name}</dt>
      <dd className={cx("tabular font-bold font-display text-title", isBad && "text-danger")}>{children}</dd>
      {note !== undefined && <dd className="mt-1 text-muted text-small">{note}</dd>}
    </div>
  );
}

/** How a figure went while the page was open. */
export function Trail({ value, at }: { value: number; at: string }) {
  const trail = useTrail(value, at);
  const most = Math.max(1, ...trail);
  const points = trail.map((each, nth) => `${(nth / Math.max(1, trail.length - 1)) * 100},${22 - (each / most) * 20}`);
  return (
    <svg aria-hidden viewBox="0 0 100 24" preserveAspectRatio="none" className="h-6 w-full">
      <polyline
        points={points.join(" ")}
        className="fill-none stroke-[1.5] stroke-cyan"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
