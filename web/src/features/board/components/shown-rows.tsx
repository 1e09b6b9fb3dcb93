import type { Shown } from "../moves";
import { shareOf } from "../rows";
import { BoardRow } from "./board-row";

/** The rows that the table shows, each knowing how it came where it is. */
export function ShownRows({ shown, me, marked }: { shown: Shown; me: string | null; marked?: string | undefined }) {
  const { standing, marks } = shown;
  const first = standing.rows[0]?.rank ?? 1;
  const leader = first === 1 ? (standing.rows[0]?.value ?? 0) : null;
  return standing.rows.map((row, index) => (
    <BoardRow
      // biome-ignore lint/suspicious/noArrayIndexKey: places stay and whom they show changes, so that no element moves
      key={index}
      row={row}
      index={first - 1 + index}
      share={leader === null ? null : shareOf(row.value, leader)}
      board={standing.board}
      mine={row.id === me}
      marked={row.id === marked}
      by={marks.get(row.id)?.by}
      scored={marks.get(row.id)?.scored ?? false}
    />
  ));
}
