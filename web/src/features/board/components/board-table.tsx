import type { ReactNode, RefObject } from "react";
import type { useHold } from "../use-hold";

// Rows are laid out as grids, so that each is laid out and drawn for itself; some browsers then forget what they are.
export const BODY = { role: "rowgroup" } as const;
export const ROW = { role: "row" } as const;
export const CELL = { role: "cell" } as const;
export const HEADING = { role: "rowheader" } as const;
const TABLE = { role: "table" } as const;
const COLUMN = { role: "columnheader" } as const;

interface BoardTableProps {
  label: string;
  /** Rows of the whole board, shown or not. */
  total: number;
  rows: RefObject<HTMLTableSectionElement | null>;
  /** The first row is that of the board, so that the others have a share of it. */
  hasLeader: boolean;
  hold?: ReturnType<typeof useHold>["handlers"];
  children: ReactNode;
  /** Further bodies of the table. */
  tail?: ReactNode;
}

/** A real table, all of whose rows have the same columns, so that no row can widen them. */
export function BoardTable({ label, total, rows, hasLeader, hold, children, tail }: BoardTableProps) {
  return (
    <table {...TABLE} aria-label={label} aria-rowcount={total + 1} className="board-table">
      <thead {...BODY} className="max-tablet:sr-only">
        <tr {...ROW} aria-rowindex={1} className="board-line h-9 text-micro text-muted uppercase tracking-wider">
          <Column className="ps-5">Rank</Column>
          <Column className="justify-center">Move</Column>
          <Column className="px-2">Player</Column>
          <Column className="justify-end px-2 max-tablet:hidden">To next</Column>
          <Column className="px-2 max-desk:hidden">{hasLeader && "Of the leader"}</Column>
          <Column className="justify-end pe-5">Score</Column>
        </tr>
      </thead>
      <tbody {...BODY} ref={rows} {...hold}>
        {children}
      </tbody>
      {tail}
    </table>
  );
}

function Column({ className, children }: { className: string; children: ReactNode }) {
  return (
    <th {...COLUMN} scope="col" className={`font-semibold ${className}`}>
      {children}
    </th>
  );
}
