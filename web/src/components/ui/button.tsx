import type { ComponentProps } from "react";
import { cx } from "@/components/ui/class-names";

type Look = "primary" | "quiet" | "accent" | "outline" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-cyan text-on-accent hover:brightness-110",
  outline: "border border-edge text-ink hover:bg-raised",
  quiet: "text-muted hover:bg-raised hover:text-ink",
  accent: "text-cyan hover:bg-raised",
  danger: "bg-danger text-on-accent hover:brightness-110",
};

interface ButtonProps extends ComponentProps<"button"> {
  look?: Look;
  /** Square, for a single icon; give it an aria-label. */
  icon?: boolean;
  busy?: boolean;
}

/** A button of at least 40 px, so that a thumb finds it. */
export function Button({ look = "outline", icon = false, busy = false, className, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={cx(
        "inline-flex h-10 shrink-0 items-center justify-center gap-2 rounded-control font-semibold text-small transition",
        "disabled:cursor-not-allowed disabled:opacity-55 active:enabled:translate-y-px",
        icon ? "w-10" : "px-4",
        LOOKS[look],
        className,
      )}
    />
  );
}
