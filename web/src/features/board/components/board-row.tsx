import { memo } from "react";
import { Link } from "wouter";
import { cx } from "@/components/ui/class-names";
import { paths } from "@/config/paths";
import { number } from "@/lib/format";
import type { Mark } from "../moves";
import type { Row } from "../rows";
import { Avatar } from "./avatar";
import { CELL, HEADING, ROW } from "./board-table";
import { Medal } from "./medal";
import { Move } from "./move";

interface BoardRowProps {
  row: Row;
  /** The place in the whole list, from 0. */
  index: number;
  /** Of the value of the first row of the board, 0 to 1; null when that is not known. */
  share: number | null;
  board: string;
  mine: boolean;
  /** Stands out like mine: who was looked for. */
  marked?: boolean;
  by?: Mark["by"] | undefined;
  /** The score has just changed. */
  scored?: boolean;
}

/** A row of the board. It renders again only when what it shows has changed. */
export const BoardRow = memo(function BoardRow(props: BoardRowProps) {
  const { row, index, share, board, mine, marked = false, by, scored = false } = props;
  const climbs = typeof by === "number" && by > 0;
  return (
    <tr
      {...ROW}
      aria-rowindex={index + 2}
      data-player={row.id}
      className={cx("board-line board-row", (mine || marked) && "board-row-mine", climbs && "board-row-climbs")}
    >
      <td {...CELL} className="ps-3 tablet:ps-5">
        <Rank rank={row.rank} tied={row.tied} />
      </td>
      <td {...CELL} className="justify-center">
        <Move by={by} />
      </td>
      <Player id={row.id} name={row.name} board={board} mine={mine} />
      <td {...CELL} className="tabular justify-end px-2 text-muted text-small max-tablet:hidden">
        {row.gap === null ? "" : number(row.gap)}
      </td>
      <td {...CELL} className="px-2 max-desk:hidden">
        {share !== null && (
          <span aria-hidden className="block h-1 w-full overflow-hidden rounded-pill bg-raised">
            <span className="block h-full rounded-pill bg-cyan/70" style={{ width: `${100 * share}%` }} />
          </span>
        )}
      </td>
      <td {...CELL} className="tabular justify-end pe-3 font-semibold tablet:pe-5">
        <span key={scored ? row.value : ""} className={scored ? "flash" : undefined}>
          {number(row.value)}
        </span>
      </td>
    </tr>
  );
});

interface PlayerProps {
  id: string;
  name: string;
  board: string;
  mine: boolean;
}

/** Who it is; the same however often the score changes. */
const Player = memo(function Player({ id, name, board, mine }: PlayerProps) {
  return (
    <th {...HEADING} scope="row" className="min-w-0 px-2 font-normal">
      <Link
        href={paths.player.href(id, { board })}
        className="group flex min-w-0 flex-1 items-center gap-2.5 rounded-small py-1 outline-offset-0"
      >
        <Avatar id={id} name={name} className="max-tablet:hidden" />
        <bdi dir="auto" title={id} className="truncate font-semibold group-hover:underline">
          {name}
        </bdi>
        {mine && <span className="rounded-pill bg-cyan px-2 font-bold text-micro text-on-accent">you</span>}
      </Link>
    </th>
  );
});

function Rank({ rank, tied }: { rank: number; tied: boolean }) {
  if (rank <= 3)
    return (
      <span className="flex items-center">
        <Medal rank={rank} />
        <span className="sr-only">{rank}</span>
        {tied && <Tied />}
      </span>
    );
  return (
    <span className="tabular font-display font-semibold text-muted">
      {number(rank)}
      {tied && <Tied />}
    </span>
  );
}

const Tied = () => (
  <span title="Shared with others" className="ps-0.5 text-muted">
    <span aria-hidden>=</span>
    <span className="sr-only"> shared</span>
  </span>
);
