import type { MotionStyle } from "motion/react";
import * as m from "motion/react-m";
import { memo } from "react";
import { Link } from "wouter";
import { cx } from "@/components/ui/class-names";
import { paths } from "@/config/paths";
import { number } from "@/lib/format";
import type { Mark } from "../moves";
import { type Row, shareOf } from "../rows";
import { Avatar } from "./avatar";
import { Medal } from "./medal";
import { Move } from "./move";

const SETTLE = { layout: { duration: 0.26, ease: [0.2, 0.8, 0.2, 1] } } as const;

interface BoardRowProps {
  row: Row;
  /** The place in the whole list, from 0. */
  index: number;
  /** The value of the first row of the board; null when it is not known. */
  leader: number | null;
  board: string;
  mine: boolean;
  /** Stands out like mine: who was looked for. */
  marked?: boolean;
  by?: Mark["by"] | undefined;
  /** The score has just changed. */
  scored?: boolean;
  /** Animates its way to another place when this changes; undefined: it is just there. */
  flip?: number | undefined;
  /** Comes in a little after the row above it. */
  entering?: boolean;
}

/** A row of the board. It renders again only when what it shows has changed. */
export const BoardRow = memo(function BoardRow({ flip, entering = false, marked = false, ...shown }: BoardRowProps) {
  const { row, index, mine } = shown;
  const frame = {
    "aria-rowindex": index + 2,
    "data-player": row.id,
    className: cx("board-row", (mine || marked) && "board-row-mine", entering && "board-row-enter"),
  };
  const place = { "--place": Math.min(index, 15) };
  const cells = <Cells {...shown} />;
  if (flip === undefined) return <tr {...frame}>{cells}</tr>;
  return (
    <m.tr {...frame} style={place as MotionStyle} layout="position" layoutDependency={flip} transition={SETTLE}>
      {cells}
    </m.tr>
  );
});

function Cells({ row, leader, board, mine, by, scored = false }: Omit<BoardRowProps, "flip" | "entering" | "marked">) {
  return (
    <>
      <td className="ps-3 tablet:ps-5">
        <Rank row={row} />
      </td>
      <td className="text-center">
        <Move by={by} />
      </td>
      <th scope="row" className="max-w-0 px-2 text-start font-normal">
        <Link
          href={paths.player.href(row.id, { board })}
          className="group flex items-center gap-2.5 rounded-small py-1 outline-offset-0"
        >
          <Avatar id={row.id} name={row.name} className="max-tablet:hidden" />
          <bdi dir="auto" title={row.id} className="truncate font-semibold group-hover:underline">
            {row.name}
          </bdi>
          {mine && <span className="rounded-pill bg-cyan px-2 font-bold text-micro text-on-accent">you</span>}
        </Link>
      </th>
      <td className="tabular px-2 text-end text-muted text-small max-tablet:p-0">
        <span className="max-tablet:hidden">{row.gap === null ? "" : number(row.gap)}</span>
      </td>
      <td className="px-2 max-desk:p-0">
        {leader !== null && (
          <span aria-hidden className="block h-1 overflow-hidden rounded-pill bg-raised max-desk:hidden">
            <span
              className="block h-full origin-left rounded-pill bg-cyan/70"
              style={{ width: `${100 * shareOf(row.value, leader)}%` }}
            />
          </span>
        )}
      </td>
      <td className="tabular pe-3 text-end font-semibold tablet:pe-5">
        <span key={row.value} className={scored ? "flash" : undefined}>
          {number(row.value)}
        </span>
      </td>
    </>
  );
}

function Rank({ row }: { row: Row }) {
  if (row.rank <= 3)
    return (
      <span className="flex items-center">
        <Medal rank={row.rank} />
        <span className="sr-only">{row.rank}</span>
        {row.tied && <Tied />}
      </span>
    );
  return (
    <span className="tabular font-display font-semibold text-muted">
      {number(row.rank)}
      {row.tied && <Tied />}
    </span>
  );
}

const Tied = () => (
  <span title="Shared with others" className="ps-0.5 text-muted">
    <span aria-hidden>=</span>
    <span className="sr-only"> shared</span>
  </span>
);
