import type { ReactNode, RefObject } from "react";
import type { useHold } from "../use-hold";

interface BoardTableProps {
  label: string;
  /** Rows of the whole board, shown or not. */
  total: number;
  rows: RefObject<HTMLTableSectionElement | null>;
  hold?: ReturnType<typeof useHold>["handlers"];
  children: ReactNode;
  /** Further bodies of the table. */
  tail?: ReactNode;
}

/** A real table; columns are laid out once, so that no row can widen them. */
export function BoardTable({ label, total, rows, hold, children, tail }: BoardTableProps) {
  return (
    <table aria-label={label} aria-rowcount={total + 1} className="board-table">
      <colgroup>
        <col className="w-14 tablet:w-24" />
        <col className="w-10 tablet:w-16" />
        <col />
        <col className="max-tablet:w-0 tablet:w-28" />
        <col className="max-desk:w-0 desk:w-36" />
        <col className="w-24 tablet:w-36" />
      </colgroup>
      <thead className="max-tablet:sr-only">
        <tr aria-rowindex={1} className="h-9 text-micro text-muted uppercase tracking-wider">
          <Column className="ps-5 text-start">Rank</Column>
          <Column className="text-center">Move</Column>
          <Column className="px-2 text-start">Player</Column>
          <Column className="px-2 text-end max-tablet:p-0">
            <span className="max-tablet:sr-only">To next</span>
          </Column>
          <Column className="px-2 text-start max-desk:p-0">
            <span className="max-desk:sr-only">Of the leader</span>
          </Column>
          <Column className="pe-5 text-end">Score</Column>
        </tr>
      </thead>
      <tbody ref={rows} {...hold}>
        {children}
      </tbody>
      {tail}
    </table>
  );
}

function Column({ className, children }: { className: string; children: ReactNode }) {
  return (
    <th scope="col" className={`font-semibold ${className}`}>
      {children}
    </th>
  );
}
