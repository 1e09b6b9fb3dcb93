import type { ComponentProps } from "react";
import { cx } from "@/components/ui/class-names";

/** A table in a box of its own that scrolls sideways when it must; give it an aria-label or a caption. */
export function Table({ className, ...rest }: ComponentProps<"table">) {
  return (
    <div className="overflow-x-auto">
      <table
        {...rest}
        className={cx("w-full border-collapse text-start text-body [&_tbody_tr:last-child_td]:border-b-0", className)}
      />
    </div>
  );
}

interface CellProps {
  /** Numbers stand at the end, under each other. */
  numeric?: boolean;
}

export function Th({ numeric = false, className, ...rest }: ComponentProps<"th"> & CellProps) {
  return (
    <th
      scope="col"
      {...rest}
      className={cx(
        "border-line border-b px-3 py-2 font-semibold text-micro text-muted uppercase tracking-wider first:ps-4 last:pe-4 tablet:first:ps-5 tablet:last:pe-5",
        numeric ? "text-end" : "text-start",
        className,
      )}
    />
  );
}

export function Td({ numeric = false, className, ...rest }: ComponentProps<"td"> & CellProps) {
  return (
    <td
      {...rest}
      className={cx(
        "border-line border-b px-3 py-2 first:ps-4 last:pe-4 tablet:first:ps-5 tablet:last:pe-5",
        numeric && "tabular text-end",
        className,
      )}
    />
  );
}
