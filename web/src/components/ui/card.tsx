import type { ComponentProps, ReactNode } from "react";
import { cx } from "@/components/ui/class-names";

interface CardProps extends Omit<ComponentProps<"section">, "title"> {
  title?: ReactNode;
  /** Controls at the end of the title's line. */
  actions?: ReactNode;
  /** No padding around the content: for tables that reach the edges. */
  flush?: boolean;
}

/** A surface for one thing. */
export function Card({ title, actions, flush = false, className, children, ...rest }: CardProps) {
  return (
    <section
      {...rest}
      className={cx(
        "rounded-card border border-line bg-surface",
        flush ? "overflow-clip" : "p-4 tablet:p-5",
        className,
      )}
    >
      {title !== undefined && (
        <header className={cx("flex min-h-10 items-center gap-3", flush ? "px-4 py-3 tablet:px-5" : "mb-3")}>
          <h2 className="text-lead">{title}</h2>
          {actions !== undefined && <div className="ms-auto flex items-center gap-2">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}
