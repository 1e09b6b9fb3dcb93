import * as m from "motion/react-m";
import { memo } from "react";
import { Link } from "wouter";
import { cx } from "@/components/ui/class-names";
import { paths } from "@/config/paths";
import { compact, number } from "@/lib/format";
import type { Row } from "../rows";
import { Avatar } from "./avatar";
import { Medal, metalOf } from "./medal";

const ORDER = ["order-2", "order-1", "order-3"] as const;
const HEIGHT = ["tablet:pb-10", "tablet:pb-6", "tablet:pb-3"] as const;

/** The first three, as on a podium; the reading order stays first, second, third. */
export const Podium = memo(function Podium({ rows, board }: { rows: readonly Row[]; board: string }) {
  return (
    <ol aria-label="The first three" className="grid grid-cols-3 items-end gap-2 tablet:gap-4">
      {rows.slice(0, 3).map((row, place) => (
        <m.li key={row.id} layout="position" layoutDependency={place} className={ORDER[place]}>
          <Step row={row} place={place} board={board} />
        </m.li>
      ))}
    </ol>
  );
});

function Step({ row, place, board }: { row: Row; place: number; board: string }) {
  return (
    <Link
      href={paths.player.href(row.id, { board })}
      className={cx(
        "podium-step relative flex flex-col items-center gap-0.5 rounded-card border px-2 pt-2 pb-2 text-center",
        "tablet:gap-1 tablet:px-4 tablet:pt-4",
        metalOf(place + 1),
        HEIGHT[place],
      )}
    >
      <span className="flex items-center gap-1">
        <Medal rank={row.rank} className="tablet:size-10" />
        <Avatar id={row.id} name={row.name} className="max-tablet:hidden tablet:size-10" />
      </span>
      <bdi dir="auto" className="w-full truncate font-semibold text-ink text-small tablet:text-body">
        {row.name}
      </bdi>
      <span title={number(row.value)} className="tabular font-bold font-display text-lead tablet:text-title">
        <span className="tablet:hidden">{compact(row.value)}</span>
        <span className="max-tablet:hidden">{number(row.value)}</span>
      </span>
    </Link>
  );
}
