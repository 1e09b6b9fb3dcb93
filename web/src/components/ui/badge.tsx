import type { ReactNode } from "react";
import { cx } from "@/components/ui/class-names";

export type Tone = "plain" | "good" | "info" | "warn" | "bad";

const TONES: Record<Tone, string> = {
  plain: "text-muted",
  good: "text-lime",
  info: "text-cyan",
  warn: "text-gold",
  bad: "text-danger",
};

/** A short state, in words; the colour only repeats them. */
export function Badge({
  tone = "plain",
  className,
  children,
}: {
  tone?: Tone;
  className?: string;
  children: ReactNode;
}) {
  return (
    <span
      className={cx(
        "inline-flex items-center gap-1.5 whitespace-nowrap rounded-pill border border-current/35 bg-current/8 px-2.5 py-0.5",
        "font-semibold text-micro",
        TONES[tone],
        className,
      )}
    >
      {children}
    </span>
  );
}
